//! A login is completed once, whoever loads its callback how often and in how many processes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::authorization_request::{AuthorizationRequest, Pending};
use protocol::oauth::authorization_response;
use protocol::oauth::grants::Grant;
use protocol::oauth::token_set::TokenSet;
use protocol::refresh::action::Goal;
use protocol::refresh::record::{StoredError, digest_of};

use super::access_token;
use super::entry::{ask_store, stored, version};
use super::in_flight::InFlight;
use super::session::{Session, key};
use super::store::Store;
use super::token_source::TokenSource;
use crate::context::Context;
use crate::exchange::{TokenRequest, is_unspent};
use crate::store::{StoreEntry, StoreKey, SwapOutcome};
use crate::sys::random;
use crate::sys::sync::{Instant, Mutex};
use crate::task::call_options::CallOptions;
use crate::task::task::{Completer, Task};
use crate::worker::semaphore::Permit;
use crate::worker::{pool, timer};

/// How long a callback that is loaded again waits for the first: longer than a token request may take.
const FOLLOWING: Duration = Duration::from_secs(35);
const FOLLOWING_POLL: Duration = Duration::from_millis(100);

/// The single use of a pending login, as the store has it: in whatever process its callback is loaded.
#[derive(Clone)]
struct SingleUse {
    context: Arc<Context>,
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
        reason: StoredError,
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
    fn new(context: &Arc<Context>, store: &Store, pending: &Pending, grant: &Grant, account: Option<&StoreKey>) -> Self {
        Self {
            context: Arc::clone(context),
            store: store.clone(),
            // A state may be the application's own, and the same for many logins.
            key: key(&["login", &pending.issuer, &pending.client_id, &pending.state, &pending.code_verifier]),
            code: grant.secrets().first().map(|code| digest_of(code.reveal())).unwrap_or_default(),
            account: account.map(|account| account.as_str().to_owned()),
            ends: pending.remembered_until(context.clock.unix_seconds()),
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
            let [grant_id] = random::tokens(&*self.context.random)?;
            let marker = Marker { code: self.code.clone(), account: self.account.clone(), grant_id, stage: Stage::Taken };
            if let Some(version) = self.note(expected.as_deref(), &marker)? {
                return Ok(Taken::Ours(version, marker));
            }
            there = self.marker()?;
        }
    }

    fn marker(&self) -> Result<Option<(String, Marker)>> {
        let Some(entry) = ask_store(|| self.store.token_store().load(&self.key))? else { return Ok(None) };
        let marker = serde_json::from_slice(&entry.data)
            .map_err(|_| Error::new(ErrorCode::StoreCorrupt, "the store holds something that is no pending login; log in again"))?;
        Ok(Some((entry.version, marker)))
    }

    /// Notes it; `None` when something else was there.
    fn note(&self, expected: Option<&str>, marker: &Marker) -> Result<Option<String>> {
        let data = serde_json::to_vec(marker).map_err(|_| Error::caught_panic("a login"))?;
        let entry = StoreEntry { version: version(&*self.context.random)?, data, ends: Some(self.ends) };
        match ask_store(|| self.store.token_store().swap(&self.key, expected, &entry))? {
            SwapOutcome::Stored => Ok(Some(entry.version)),
            SwapOutcome::Conflict => Ok(None),
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
    context: &Arc<Context>,
    store: &Store,
    pending: &AuthorizationRequest,
    grant: Grant,
    options: &CallOptions,
    give_back: impl Fn() + Send + Sync + 'static,
) -> Result<Task<TokenSet>> {
    let single_use = Arc::new(SingleUse::new(context, store, pending.pending(), &grant, None));
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
    TokenRequest::start(Arc::clone(context), grant, options, before, unspent)
}

/// One callback whose login is to be stored.
struct CallbackLogin {
    session: Arc<Session>,
    grant: Grant,
    single_use: SingleUse,
    completer: Completer<TokenSource>,
    /// To the end, also past the exchange: if the callback is loaded again, that call needs what is noted then.
    in_flight: InFlight,
}

/// Starts the exchange, unless another call has: then that one's outcome is this one's, too.
pub(crate) fn start(session: Session, pending: &AuthorizationRequest, callback: &str, options: &CallOptions) -> Result<Task<TokenSource>> {
    let session = Arc::new(session);
    let pending = pending.pending();
    let code = authorization_response::check_shared(pending, callback, session.context.clock.unix_seconds())?;
    let grant = Grant::code(code, None)?;
    let single_use = SingleUse::new(&session.context, &session.store, pending, &grant, Some(&session.key));
    let (task, completer) = access_token::task(options, session.state());
    CallbackLogin { session, grant, single_use, completer, in_flight: InFlight::begin() }.set_out(CallbackLogin::run);
    Ok(task)
}

impl CallbackLogin {
    /// Does `next` on a thread of the pool, as soon as the store has a permit.
    fn set_out(self, next: impl FnOnce(Self, Permit) + Send + 'static) {
        let semaphore = Arc::clone(&self.session.state().shared.store);
        let next: Next = Box::new(next);
        if let Some((waiting, permit)) = semaphore.acquire((self, next), Self::go_on) {
            Self::go_on(waiting, permit);
        }
    }

    fn go_on((login, next): (Self, Next), permit: Permit) {
        let completer = login.completer.clone();
        let told = completer.clone();
        let ran = pool::run(move || {
            if catch_unwind(AssertUnwindSafe(|| next(login, permit))).is_err() {
                told.complete(Err(Error::caught_panic("a login")));
            }
        });
        if let Err(error) = ran {
            completer.complete(Err(error));
        }
    }

    fn run(self, permit: Permit) {
        let taken = self.single_use.take();
        drop(permit);
        match taken {
            Ok(Taken::Ours(version, marker)) => self.exchange(version, marker),
            Ok(Taken::Followed(grant_id)) => {
                let until = Instant::now() + FOLLOWING;
                self.set_out(move |login, permit| login.follow(permit, grant_id, until));
            }
            Ok(Taken::Done) => self.completer.complete(Ok(TokenSource::new(self.session))),
            Err(error) => self.completer.complete(Err(error)),
        }
    }

    fn exchange(self, version: String, marker: Marker) {
        let Self { session, grant, single_use, completer, in_flight } = self;
        let mut driver = session.driver(Duration::MAX);
        driver.code = Some(grant);
        let goal = Goal::LogIn { grant_id: marker.grant_id.clone() };
        driver.run(
            goal,
            Box::new(move |outcome, is_last| {
                let _until_it_is_noted = &in_flight;
                match outcome {
                    Ok(_) => {
                        if is_last {
                            single_use.settle(&version, &marker, Stage::Done);
                        }
                        completer.complete(Ok(TokenSource::new(Arc::clone(&session))));
                    }
                    // The login is there and could not be saved; a caller that waited has it.
                    Err(_) if completer.is_complete() => {}
                    Err(error) => {
                        let stage = if is_unspent(error) { Stage::GivenBack } else { Stage::Failed { reason: StoredError::from(error) } };
                        single_use.settle(&version, &marker, stage);
                        completer.complete(Err(error.clone()));
                    }
                }
            }),
        );
    }

    /// Waits for the login that another makes of the same callback.
    fn follow(self, permit: Permit, grant_id: String, until: Instant) {
        let followed = self.followed(&grant_id);
        drop(permit);
        match followed {
            Ok(true) => self.completer.complete(Ok(TokenSource::new(self.session))),
            Err(error) => self.completer.complete(Err(error)),
            Ok(false) if Instant::now() >= until || self.completer.is_complete() => self.completer.complete(Err(Error::new(
                ErrorCode::LoginFailed,
                "the login that was begun with this callback has not ended in time; log in again",
            ))),
            Ok(false) => timer::after(FOLLOWING_POLL, move || {
                self.set_out(move |login, permit| login.follow(permit, grant_id, until));
            }),
        }
    }

    fn followed(&self, grant_id: &str) -> Result<bool> {
        let account_state = self.session.state();
        if let Some(entry) = ask_store(|| self.single_use.store.token_store().load(&account_state.key))? {
            let found = stored(entry, &account_state.account)?;
            if found.record.grant_id == grant_id || found.record.previous_grant_id.as_deref() == Some(grant_id) {
                // What this process saw before was no login.
                account_state.with(|local| local.loaded(Some(&found), self.session.now()));
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

type Next = Box<dyn FnOnce(CallbackLogin, Permit) + Send>;
