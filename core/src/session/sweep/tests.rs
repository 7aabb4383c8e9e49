use std::sync::atomic::{AtomicU64, Ordering};

use protocol::error::ErrorCode;
use protocol::oauth::client_auth::Credentials;
use protocol::oauth::metadata::ServerMetadata;
use protocol::oauth::token_set::TokenSet;
use protocol::openid::token_rules;

use super::*;
use crate::event::Events;
use crate::http::{Proxy, Settings, Transport};
use crate::keys::ServerKeys;
use crate::session::token_source::TokenSource;
use crate::sys::clock::Clock;
use crate::sys::random::SystemRandomness;
use crate::task::task::Task;
use crate::tls::Roots;

const DAY: u64 = 86_400_000;
/// Far ahead of the store's clock, so that no entry expires.
const START: i64 = 4_000_000_000_000;

/// Shows how many milliseconds have passed since `START`.
#[derive(Clone, Default)]
struct Passed(Arc<AtomicU64>);

impl Clock for Passed {
    fn moment(&self) -> Moment {
        let passed = self.0.load(Ordering::Relaxed);
        Moment { wall: START + i64::try_from(passed).unwrap(), mono: 1_000_000 + passed }
    }
}

struct Scene {
    clock: Passed,
    context: Arc<Context>,
    store: Store,
    /// That of the login.
    shard: Shard,
}

impl Scene {
    /// With a login that was stored at `START`.
    fn new() -> Self {
        let clock = Passed::default();
        let (context, store) = (context(clock.clone()), Store::memory());
        let source = TokenSource::new(Arc::new(Session::new(&context, Some(&store), "anna".to_owned()).unwrap()));
        source.save(&TokenSet::restore(r#"{"access_token":"a","refresh_token":"r"}"#).unwrap()).unwrap();
        let shard = Shard(u8::from_str_radix(&source.account_hash()[..2], 16).unwrap());
        Self { clock, context, store, shard }
    }

    fn pass(&self, milliseconds: u64) {
        self.clock.0.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// A sweep of the login's shard alone, which may take an hour.
    fn sweep(&self) -> (Box<Sweep>, Task<KeepAliveReport>) {
        let options = CallOptions::new().timeout(Duration::from_secs(3600));
        let (task, completer) = Task::new(&options, |_, _| Err(Error::new(ErrorCode::Timeout, "nobody waits")));
        let mut sweep = Sweep::new(&self.context, &self.store, 7 * DAY, DAY / 24, Arc::default(), completer).unwrap();
        sweep.shards = [self.shard].into();
        (sweep, task)
    }

    fn state(&self) -> Option<(String, ShardState)> {
        self.shard.load(&self.context, &self.store).unwrap()
    }

    /// Another process claims the shard, or writes its claim again.
    fn claim(&self) {
        let expected = self.state().map(|(version, _)| version);
        let state = ShardState { next_at: 0, owner: Some("another".to_owned()) };
        self.shard.write(&self.context, &self.store, expected.as_deref(), &state).unwrap().unwrap();
    }
}

/// Of a client whose server is nowhere.
fn context(clock: Passed) -> Arc<Context> {
    let metadata = ServerMetadata::keycloak("http://127.0.0.1:9/auth", "third-party").unwrap();
    let credentials = Credentials::new("client".to_owned(), None, None).unwrap();
    let seconds = Duration::from_secs;
    let settings = Settings { connect_timeout: seconds(5), request_timeout: seconds(30), roots: Roots::System, proxy: Proxy::Environment };
    Arc::new(Context {
        token_endpoint: metadata.token_endpoint.clone().unwrap(),
        is_keycloak: true,
        server: "http://127.0.0.1:9".to_owned(),
        request_timeout: settings.request_timeout,
        fingerprint: credentials.fingerprint(),
        keys: ServerKeys::of(&metadata.issuer, metadata.jwks_uri.as_deref(), &settings),
        token_rules: token_rules::of_client(&metadata, &credentials, None, Vec::new(), seconds(60)).unwrap(),
        credentials,
        redirect_uri: None,
        transport: Transport::new(settings),
        metadata,
        events: Events::default(),
        clock: Box::new(clock),
        random: Box::new(SystemRandomness),
    })
}

#[test]
fn a_login_is_renewed_once_it_is_idle_for_longer_than_was_asked() {
    for (passed, is_idle) in [(7 * DAY, false), (7 * DAY + 1, true)] {
        let scene = Scene::new();
        scene.pass(passed);
        let (mut sweep, _task) = scene.sweep();
        assert_eq!(matches!(sweep.next(), Ok(Next::Renew(Idle { generation: 1, .. }, _))), is_idle);
        assert_eq!(sweep.report().seen, 1);
    }
}

#[test]
fn a_shard_is_due_again_a_day_later() {
    let scene = Scene::new();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (mut sweep, _task) = scene.sweep();
        assert!(matches!(sweep.next(), Ok(Next::End)));
        let report = sweep.report();
        seen.push((report.seen, report.not_due, report.elsewhere));
        scene.pass(DAY / 2);
    }
    assert_eq!(seen, [(1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0)]);
}

#[test]
fn a_clock_that_was_ahead_keeps_no_shard_from_being_due() {
    let scene = Scene::new();
    let state = ShardState { next_at: START / 1000 + 10 * 86_400, owner: None };
    scene.shard.write(&scene.context, &scene.store, None, &state).unwrap().unwrap();
    let (mut sweep, _task) = scene.sweep();
    assert!(matches!(sweep.next(), Ok(Next::End)));
    assert_eq!(sweep.report().seen, 1);
}

#[test]
fn a_shard_is_left_to_an_owner_that_is_alive() {
    let scene = Scene::new();
    scene.claim();
    let (mut sweep, _task) = scene.sweep();
    assert!(matches!(sweep.next(), Ok(Next::Wait(POLL_MILLISECONDS))));
    scene.pass(LEASE_MILLISECONDS - 1);
    assert!(matches!(sweep.next(), Ok(Next::Wait(_))));
    scene.claim();
    assert!(matches!(sweep.next(), Ok(Next::End)));
    assert_eq!((sweep.report().seen, scene.state().unwrap().1.owner.as_deref()), (0, Some("another")));
    assert_eq!(sweep.report().elsewhere, 1);
}

#[test]
fn a_shard_that_another_process_still_has_at_the_end_counts_as_left_to_it() {
    let scene = Scene::new();
    scene.claim();
    let (mut sweep, _task) = scene.sweep();
    assert!(matches!(sweep.next(), Ok(Next::Wait(_))));
    scene.pass(DAY / 24);
    assert!(matches!(sweep.next(), Ok(Next::End)));
    let report = sweep.report();
    assert_eq!((report.seen, report.elsewhere), (0, 1));
}

#[test]
fn a_shard_whose_owner_has_ended_is_taken_over_after_its_lease() {
    let scene = Scene::new();
    scene.claim();
    let (mut sweep, _task) = scene.sweep();
    assert!(matches!(sweep.next(), Ok(Next::Wait(_))));
    scene.pass(LEASE_MILLISECONDS);
    assert!(matches!(sweep.next(), Ok(Next::End)));
    assert_eq!((sweep.report().seen, scene.state().unwrap().1.owner), (1, None));
}

#[test]
fn a_shard_that_its_owner_gave_back_is_swept_at_once() {
    let scene = Scene::new();
    scene.claim();
    let (mut sweep, _task) = scene.sweep();
    assert!(matches!(sweep.next(), Ok(Next::Wait(_))));
    let (version, _) = scene.state().unwrap();
    scene.shard.write(&scene.context, &scene.store, Some(&version), &ShardState::default()).unwrap().unwrap();
    assert!(matches!(sweep.next(), Ok(Next::End)));
    assert_eq!(sweep.report().seen, 1);
}

#[test]
fn a_sweep_that_runs_out_of_time_gives_its_shard_back() {
    let scene = Scene::new();
    scene.pass(8 * DAY);
    let (mut sweep, _task) = scene.sweep();
    assert!(matches!(sweep.next(), Ok(Next::Renew(..))));
    assert!(scene.state().unwrap().1.owner.is_some());
    scene.pass(DAY / 24);
    assert!(matches!(sweep.next(), Ok(Next::End)));
    let (_, state) = scene.state().unwrap();
    assert!(state.owner.is_none() && state.is_due(scene.clock.moment()));
}

#[test]
fn a_claim_that_was_taken_over_ends_the_sweep_of_its_shard() {
    let scene = Scene::new();
    scene.pass(8 * DAY);
    let (mut sweep, _task) = scene.sweep();
    assert!(matches!(sweep.next(), Ok(Next::Renew(..))));
    scene.claim();
    scene.pass(HEARTBEAT_MILLISECONDS);
    assert!(matches!(sweep.next(), Ok(Next::End)));
    assert_eq!(scene.state().unwrap().1.owner.as_deref(), Some("another"));
}

#[test]
fn a_claim_is_renewed_before_its_lease_ends() {
    let scene = Scene::new();
    scene.pass(8 * DAY);
    let (mut sweep, _task) = scene.sweep();
    assert!(matches!(sweep.next(), Ok(Next::Renew(..))));
    let (before, _) = scene.state().unwrap();
    sweep.current.as_mut().unwrap().keys.push_back(StoreKey::new(&[scene.shard.0; 32]));
    scene.pass(HEARTBEAT_MILLISECONDS);
    assert!(sweep.next_key(scene.clock.moment()).unwrap().is_some());
    assert_ne!(scene.state().unwrap().0, before);
}

#[test]
fn a_sweep_that_nobody_waits_for_any_more_ends() {
    let scene = Scene::new();
    let (mut sweep, task) = scene.sweep();
    task.handle().abandon(protocol::wait_ended::WaitEnded::Cancelled);
    assert!(matches!(sweep.next(), Ok(Next::End)));
    assert_eq!((sweep.report().seen, scene.state().is_none()), (0, true));
}

#[test]
fn failures_pause_the_sweep_for_longer_each_time_or_as_the_server_says() {
    let scene = Scene::new();
    let (mut sweep, _task) = scene.sweep();
    let error = Error::new(ErrorCode::ServerUnavailable, "scripted");
    let pauses: Vec<_> = (1..=4)
        .map(|failures| {
            sweep.failures = failures;
            sweep.pause_after(&error).as_secs()
        })
        .collect();
    assert_eq!(pauses, [1, 2, 4, 8]);
    let patient = error.with_retry_after(Some(Duration::from_secs(90)));
    assert_eq!(sweep.pause_after(&patient).as_secs(), 90);
    sweep.failures = MAX_FAILURES;
    assert!(matches!(sweep.next(), Ok(Next::End)));
    assert_eq!(sweep.report().seen, 0);
}

#[test]
fn five_logins_a_second_are_renewed_however_many_processes_do_so() {
    let scene = Scene::new();
    let began = scene.clock.moment().mono;
    let (mut turns, mut processes) = (Vec::new(), [(); 100].map(|()| (Pace::default(), 0)));
    for _ in 0..600 {
        let now = scene.clock.moment();
        for (pace, busy_until) in processes.iter_mut().filter(|(_, busy_until)| *busy_until <= now.mono) {
            *busy_until = now.mono
                + match pace.turn(&scene.context, &scene.store, now).unwrap() {
                    Turn::In(wait) => {
                        turns.push(now.mono + wait);
                        wait + 50
                    }
                    Turn::AskAgainIn(wait) => wait,
                };
        }
        scene.pass(100);
    }
    turns.sort_unstable();
    let seconds = (turns.last().unwrap() - began) / 1_000 + 1;
    assert!(seconds > 30 && turns.len() as u64 <= 5 * seconds, "{} in {seconds} s", turns.len());
}

#[test]
fn one_process_takes_all_turns_that_nobody_else_wants() {
    let scene = Scene::new();
    let mut pace = Pace::default();
    let waits: Vec<_> = (0..50)
        .map(|_| match pace.turn(&scene.context, &scene.store, scene.clock.moment()).unwrap() {
            Turn::In(wait) => wait,
            Turn::AskAgainIn(_) => panic!("nobody else is there"),
        })
        .collect();
    assert_eq!(waits, (0..50).map(|turn| turn * 200).collect::<Vec<_>>());
}

#[test]
fn turns_that_a_clock_reserved_far_ahead_do_not_count() {
    let scene = Scene::new();
    scene.pass(30 * DAY);
    assert_eq!(Pace::default().turn(&scene.context, &scene.store, scene.clock.moment()).unwrap(), Turn::In(0));
    let earlier = Moment { wall: START, ..scene.clock.moment() };
    assert_eq!(Pace::default().turn(&scene.context, &scene.store, earlier).unwrap(), Turn::In(0));
}

#[test]
fn every_key_belongs_to_one_shard() {
    let scene = Scene::new();
    for byte in [0_u8, 1, 0x7F, 0xFE, 0xFF] {
        for rest in [0x00, 0xFF] {
            let mut digest = [rest; 32];
            digest[0] = byte;
            let entry = crate::store::StoreEntry { version: "v".to_owned(), data: b"{}".to_vec(), expires_at: None };
            scene.store.token_store().swap(&StoreKey::new(&digest), None, &entry).unwrap();
        }
    }
    let listed: usize = (0..=u8::MAX).map(|shard| Shard(shard).keys(&scene.store, None).unwrap().0.len()).sum();
    assert_eq!(listed, 11);
    assert_eq!(Shard(0xFF).keys(&scene.store, None).unwrap().0.len(), 2 + usize::from(scene.shard == Shard(0xFF)));
}
