//! A new login in place of another.

use super::*;

fn log_in(scene: &mut Scene, reply: impl Fn(&Scene) -> Reply) -> Result<bool> {
    scene.run(Goal::LogIn { grant_id: "h".into() }, |scene, action| {
        matches!(action, Action::Exchange).then(|| Observation::Replied(reply(scene)))
    })
}

fn unusable(scene: &Scene) -> Reply {
    Reply::Tokens(Box::new(Received { tokens: Err(error(ErrorCode::Quarantined)), ..scene.received(2) }))
}

#[test]
fn a_login_names_the_grant_that_it_replaces() {
    let mut scene = Scene::new();
    assert!(log_in(&mut scene, |scene| scene.tokens(2)).unwrap());
    let record = scene.record();
    assert_eq!((record.grant_id.as_str(), record.previous_grant_id.as_deref(), record.generation), ("h", Some("g"), 2));
    assert!(record.claim.is_none() && record.is_active());
    assert_eq!((token_of(record), &record.tokens, record.sent_at), ("r2", &Some(tokens(2, START)), START));
}

#[test]
fn the_first_login_replaces_none() {
    let mut scene = Scene::new();
    scene.stored = None;
    assert!(log_in(&mut scene, |scene| scene.tokens(1)).unwrap());
    assert_eq!((&scene.record().previous_grant_id, scene.record().generation), (&None, 1));
}

/// I2, I4
#[test]
fn a_first_login_that_is_not_saved_yet_outlives_a_look_into_the_store() {
    let mut scene = Scene::new();
    scene.stored = None;
    let mut failing = true;
    let outcome = scene.run(Goal::LogIn { grant_id: "h".into() }, |scene, action| match action {
        Action::Exchange => Some(Observation::Replied(scene.tokens(1))),
        Action::Load if scene.times("exchange") == 1 && std::mem::take(&mut failing) => {
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        // The store has only the claim of this login.
        Action::Wait(_) => {
            scene.reload();
            None
        }
        _ => None,
    });
    assert!(outcome.unwrap() && !failing);
    scene.reload();
    let record = scene.record();
    assert_eq!((record.grant_id.as_str(), token_of(record), record.is_active()), ("h", "r1", true));
    assert!(scene.local.record() == Some(record) && !scene.local.is_unsaved());
}

#[test]
fn a_failed_exchange_leaves_the_old_login_unchanged() {
    for failed in [rejected, connection_lost, outcome_unknown, unusable] {
        let mut scene = Scene::new();
        let before = scene.record().clone();
        log_in(&mut scene, failed).unwrap_err();
        assert_eq!(scene.times("exchange"), 1);
        assert_eq!(scene.record(), &before);
    }
}

#[test]
fn a_login_waits_ten_seconds_for_another_process_s_refresh() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    let began = scene.now.mono;
    assert!(log_in(&mut scene, |scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.now.mono - began, 10_000);
    assert_eq!(scene.record().grant_id, "h");
}

#[test]
fn a_login_waits_ten_seconds_for_the_lock() {
    let mut scene = Scene::new();
    let began = scene.now.mono;
    let mut claims = Vec::new();
    let outcome = scene.run(Goal::LogIn { grant_id: "h".into() }, |scene, action| match action {
        Action::TryLock => Some(Observation::LockBusy),
        Action::Exchange => {
            claims.extend(scene.record().claim.clone());
            Some(Observation::Replied(scene.tokens(2)))
        }
        _ => None,
    });
    assert!(outcome.unwrap());
    assert_eq!((scene.now.mono - began, claims[0].locked, claims[0].login), (10_000, false, true));
}

#[test]
fn a_login_stored_despite_an_error_and_logged_out_since_stays_logged_out() {
    let mut scene = Scene::new();
    let outcome = scene.run(Goal::LogIn { grant_id: "h".into() }, |scene, action| match action {
        Action::Exchange => Some(Observation::Replied(scene.tokens(2))),
        Action::Swap { record, .. } if record.generation == 2 => {
            scene.put(tombstone("h", 2));
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        _ => None,
    });
    outcome.unwrap();
    assert_eq!(scene.record(), &tombstone("h", 2));
}
