//! A login is completed once, whoever loads its callback how often and in how many processes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::errand::given_up;
use super::pilot::{ask_store, stored, version};
use super::token_source::{TokenSource, key};
use super::under_way::UnderWay;
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::oauth::authorization::{AuthorizationRequest, Pending};
use crate::oauth::callback;
use crate::oauth::grant::Grant;
use crate::oauth::token::TokenSet;
use crate::random;
use crate::refresh::record::{Remembered, digest_of};
use crate::refresh::step::Goal;
use crate::running::{Outcome, Running};
use crate::store::{Store, StoreEntry, StoreKey, Swapped};
use crate::sync::{Instant, Mutex};
use crate::token_request::{TokenRequest, is_unspent};
use crate::worker::turns::Turn;
use crate::worker::{pool, timer};

/// How long a callback that is loaded again waits for the first: longer than a token request may take.
const FOLLOWING: Duration = Duration::from_secs(35);
const FOLLOWING_POLL: Duration = Duration::from_millis(100);

/// The single use of a pending login, as the store has it: in whatever process its callback is loaded.
#[derive(Clone)]
struct SingleUse {
    client: Client,
    store: Store,
    key: StoreKey,
    /// The digest of the code.
    code: String,
    /// Whose login it makes, by the key of the account; nothing where the tokens are the caller's.
    account: Option<String>,
    ends: i64,
}

/// What is noted about a pending login: who uses it.
#[derive(Clone, Serialize, Deserialize)]
struct Marker {
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    grant_id: String,
    #[serde(flatten)]
    stage: Stage,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
enum Stage {
    /// The code is being exchanged, or has been.
    Taken,
    /// The code is certainly unspent.
    GivenBack,
    /// The login is there.
    Done,
    Failed {
        reason: Remembered,
    },
}

/// Who has the single use.
enum Taken {
    /// It is ours: the marker, and its version.
    Ours(String, Marker),
    /// Another makes a login of it, with this grant.
    Followed(String),
    /// Another has made a login of it.
    Done,
}

impl SingleUse {
    fn new(client: &Client, store: &Store, pending: &Pending, grant: &Grant, account: Option<&StoreKey>) -> Self {
        Self {
            client: client.clone(),
            store: store.clone(),
            // A state may be the application's own, and the same for many logins.
            key: key(&["login", &pending.issuer, &pending.client_id, &pending.state, &pending.code_verifier]),
            code: grant.secrets().first().map(|code| digest_of(code.reveal())).unwrap_or_default(),
            account: account.map(|account| account.as_str().to_owned()),
            ends: pending.remembered_until(client.0.clock.unix_seconds()),
        }
    }

    /// Takes it, unless another has.
    fn take(&self) -> Result<Taken> {
        let mut there: Option<(String, Marker)> = None;
        loop {
            let expected = match there {
                None => None,
                Some((_, marker)) if marker.code != self.code => {
                    return Err(already_used("this pending login was used already, with another code; log in again"));
                }
                Some((version, Marker { stage: Stage::GivenBack, .. })) => Some(version),
                Some((_, marker)) if marker.account.is_none() || marker.account != self.account => {
                    return Err(already_used(
                        "this callback was completed already, for another account or by exchange_callback; log in again",
                    ));
                }
                Some((_, Marker { stage: Stage::Failed { reason }, .. })) => return Err(reason.error()),
                Some((_, Marker { stage: Stage::Done, .. })) => return Ok(Taken::Done),
                Some((_, Marker { stage: Stage::Taken, grant_id, .. })) => return Ok(Taken::Followed(grant_id)),
            };
            let [grant_id] = random::tokens(&*self.client.0.random)?;
            let marker = Marker { code: self.code.clone(), account: self.account.clone(), grant_id, stage: Stage::Taken };
            if let Some(version) = self.note(expected.as_deref(), &marker)? {
                return Ok(Taken::Ours(version, marker));
            }
            there = self.marker()?;
        }
    }

    fn marker(&self) -> Result<Option<(String, Marker)>> {
        let Some(entry) = ask_store(|| self.store.register().load(&self.key))? else { return Ok(None) };
        let marker = serde_json::from_slice(&entry.data)
            .map_err(|_| Error::new(ErrorCode::StoreCorrupt, "the store holds something that is no pending login; log in again"))?;
        Ok(Some((entry.version, marker)))
    }

    /// Notes it; `None` when something else was there.
    fn note(&self, expected: Option<&str>, marker: &Marker) -> Result<Option<String>> {
        let data = serde_json::to_vec(marker).map_err(|_| Error::caught_panic("a login"))?;
        let entry = StoreEntry { version: version(&self.client)?, data, ends: Some(self.ends) };
        match ask_store(|| self.store.register().swap(&self.key, expected, &entry))? {
            Swapped::Stored => Ok(Some(entry.version)),
            Swapped::Conflict => Ok(None),
        }
    }

    /// Notes how it went, for those who load the callback again. Without the note they wait for what the account's entry says.
    fn settle(&self, version: &str, marker: &Marker, stage: Stage) {
        let _ = self.note(Some(version), &Marker { stage, ..marker.clone() });
    }
}

fn already_used(message: &str) -> Error {
    Error::new(ErrorCode::LoginAlreadyUsed, message)
}

/// What the store has of a single use that may be given back at any time, also while it is being taken.
enum Noted {
    NotYet,
    Ours(String, Marker),
    GivenBack,
}

/// Starts the exchange of a code whose tokens are the caller's to keep. The store keeps that it was done: no server takes a code twice, and some end the
/// login for it.
pub(crate) fn start_exchange(
    client: &Client,
    pending: &AuthorizationRequest,
    grant: Grant,
    give_back: impl Fn() + Send + Sync + 'static,
) -> Result<Running<TokenSet>> {
    let Some(store) = client.0.store.clone() else { return Err(Error::caught_panic("a login")) };
    let single_use = Arc::new(SingleUse::new(client, &store, pending.pending(), &grant, None));
    let noted = Arc::new(Mutex::new(Noted::NotYet));
    let give_back = Arc::new(give_back);
    let before = {
        let (single_use, noted, give_back) = (Arc::clone(&single_use), Arc::clone(&noted), Arc::clone(&give_back));
        move || match single_use.take() {
            Ok(Taken::Ours(version, marker)) => {
                let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
                if matches!(*noted, Noted::GivenBack) {
                    drop(noted);
                    single_use.settle(&version, &marker, Stage::GivenBack);
                    return Err(Error::new(ErrorCode::Cancelled, "cancelled before anything was sent"));
                }
                *noted = Noted::Ours(version, marker);
                Ok(())
            }
            Ok(Taken::Followed(_) | Taken::Done) => Err(already_used("this callback was completed already; log in again")),
            Err(error) => {
                if error.code() != ErrorCode::LoginAlreadyUsed {
                    give_back();
                }
                Err(error)
            }
        }
    };
    let unspent = move || {
        give_back();
        let before = std::mem::replace(&mut *noted.lock().unwrap_or_else(PoisonError::into_inner), Noted::GivenBack);
        if let Noted::Ours(version, marker) = before {
            // Not on the thread of a caller that gives up: it does not wait for the store.
            let _ = pool::run(move || single_use.settle(&version, &marker, Stage::GivenBack));
        }
    };
    TokenRequest::start(client.clone(), grant, before, unspent)
}

/// One callback on its way to a login.
struct Completion {
    source: TokenSource,
    grant: Grant,
    single_use: SingleUse,
    outcome: Outcome<TokenSource>,
    /// To the end, also past the exchange: who loads the callback again needs what is noted then.
    under_way: UnderWay,
}

/// Starts the exchange, unless another has: then that one's outcome is this one's, too.
pub(crate) fn start(client: &Client, pending: &AuthorizationRequest, callback: &str, account: String) -> Result<Running<TokenSource>> {
    let source = TokenSource::new(client, account)?;
    let pending = pending.pending();
    let code = callback::check_shared(pending, callback, client.0.clock.unix_seconds())?;
    let grant = Grant::code(code, None)?;
    let lane = source.lane();
    let single_use = SingleUse::new(client, source.store(), pending, &grant, Some(&lane.key));
    let (running, outcome) = given_up(lane);
    Completion { source, grant, single_use, outcome, under_way: UnderWay::begin() }.set_out(Completion::run);
    Ok(running)
}

impl Completion {
    /// Does `next` on a thread of the pool, as soon as the store has a turn.
    fn set_out(self, next: impl FnOnce(Self, Turn) + Send + 'static) {
        let turns = Arc::clone(&self.source.lane().home.store);
        let next: Next = Box::new(next);
        if let Some((waiting, turn)) = turns.take((self, next), Self::go_on) {
            Self::go_on(waiting, turn);
        }
    }

    fn go_on((completion, next): (Self, Next), turn: Turn) {
        let outcome = completion.outcome.clone();
        let told = outcome.clone();
        let ran = pool::run(move || {
            if catch_unwind(AssertUnwindSafe(|| next(completion, turn))).is_err() {
                told.put(Err(Error::caught_panic("a login")));
            }
        });
        if let Err(error) = ran {
            outcome.put(Err(error));
        }
    }

    fn run(self, turn: Turn) {
        let taken = self.single_use.take();
        drop(turn);
        match taken {
            Ok(Taken::Ours(version, marker)) => self.exchange(version, marker),
            Ok(Taken::Followed(grant_id)) => {
                let until = Instant::now() + FOLLOWING;
                self.set_out(move |completion, turn| completion.follow(turn, grant_id, until));
            }
            Ok(Taken::Done) => self.outcome.put(Ok(self.source)),
            Err(error) => self.outcome.put(Err(error)),
        }
    }

    fn exchange(self, version: String, marker: Marker) {
        let Self { source, grant, single_use, outcome, under_way } = self;
        let mut pilot = source.pilot(Duration::MAX);
        pilot.code = Some(grant);
        let goal = Goal::LogIn { grant_id: marker.grant_id.clone() };
        pilot.fly(goal, move |landed, is_over| {
            let _until_it_is_noted = &under_way;
            match landed {
                Ok(_) => {
                    if is_over {
                        single_use.settle(&version, &marker, Stage::Done);
                    }
                    outcome.put(Ok(source.clone()));
                }
                // The login is there and could not be saved; a caller that waited has it.
                Err(_) if outcome.is_settled() => {}
                Err(error) => {
                    let stage = if is_unspent(error) { Stage::GivenBack } else { Stage::Failed { reason: Remembered::from(error) } };
                    single_use.settle(&version, &marker, stage);
                    outcome.put(Err(error.clone()));
                }
            }
        });
    }

    /// Waits for the login that another makes of the same callback.
    fn follow(self, turn: Turn, grant_id: String, until: Instant) {
        let followed = self.followed(&grant_id);
        drop(turn);
        match followed {
            Ok(true) => self.outcome.put(Ok(self.source)),
            Err(error) => self.outcome.put(Err(error)),
            Ok(false) if Instant::now() >= until || self.outcome.is_settled() => self.outcome.put(Err(Error::new(
                ErrorCode::LoginFailed,
                "the login that was begun with this callback has not ended in time; log in again",
            ))),
            Ok(false) => timer::after(FOLLOWING_POLL, move || {
                self.set_out(move |completion, turn| completion.follow(turn, grant_id, until));
            }),
        }
    }

    fn followed(&self, grant_id: &str) -> Result<bool> {
        let lane = self.source.lane();
        if let Some(entry) = ask_store(|| self.single_use.store.register().load(&lane.key))? {
            let found = stored(entry, &lane.account)?;
            if found.record.grant_id == grant_id || found.record.replaced.as_deref() == Some(grant_id) {
                // What this process saw before was no login.
                lane.with(|known| known.looked(Some(&found), self.source.now()));
                return Ok(true);
            }
        }
        match self.single_use.marker()? {
            Some((_, Marker { stage: Stage::Failed { reason }, .. })) => Err(reason.error()),
            Some((_, Marker { stage: Stage::Done, .. })) => Ok(true),
            _ => Ok(false),
        }
    }
}

type Next = Box<dyn FnOnce(Completion, Turn) + Send>;
