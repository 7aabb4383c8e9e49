//! Logins from callbacks. A callback makes one login, however often it is loaded, and in whichever
//! processes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::authorization_request::AuthorizationRequest;
use protocol::oauth::authorization_response;
use protocol::oauth::grants::TokenRequest;
use protocol::oauth::token_set::TokenSet;
use protocol::refresh::action::Goal;
use protocol::refresh::record::StoredError;

use super::access_token;
use super::entry::{ask_store, stored};
use super::in_flight::InFlight;
use super::session::Session;
use super::single_use::{Marker, SingleUse, Stage, Taken, already_used};
use super::store::Store;
use super::token_source::TokenSource;
use crate::context::Context;
use crate::exchange::{Exchange, is_unspent};
use crate::sys::sync::{Instant, Mutex};
use crate::task::call_options::CallOptions;
use crate::task::task::{Completer, Task};
use crate::worker::semaphore::Permit;
use crate::worker::{pool, timer};

/// How long a callback that is loaded again waits for the first one: longer than a token request
/// may take.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(35);
const FOLLOW_POLL: Duration = Duration::from_millis(100);

/// Starts the exchange of a code whose tokens the caller keeps. The store remembers that it was
/// made: no server takes a code twice, and some end the login for it.
pub(crate) fn start_exchange(
    context: &Arc<Context>,
    store: &Store,
    request: &AuthorizationRequest,
    token_request: TokenRequest,
    options: &CallOptions,
    give_back: impl Fn() + Send + Sync + 'static,
) -> Result<Task<TokenSet>> {
    let single_use = Arc::new(SingleUse::new(context, store, request, &token_request, None));
    let marked = Arc::new(Mutex::new(Marked::NotYet));
    let give_back = Arc::new(give_back);
    let before = {
        let (single_use, marked, give_back) = (Arc::clone(&single_use), Arc::clone(&marked), Arc::clone(&give_back));
        move || match single_use.take() {
            Ok(Taken::Ours(version, marker)) => {
                let mut marked = marked.lock().unwrap_or_else(PoisonError::into_inner);
                if matches!(*marked, Marked::GivenBack) {
                    drop(marked);
                    single_use.end(&version, &marker, Stage::GivenBack);
                    return Err(Error::new(ErrorCode::Cancelled, "cancelled before anything was sent"));
                }
                *marked = Marked::Ours(version, marker);
                Ok(())
            }
            Ok(Taken::InProgress(_) | Taken::Done) => Err(already_used("this callback was already completed; log in again")),
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
        let before = std::mem::replace(&mut *marked.lock().unwrap_or_else(PoisonError::into_inner), Marked::GivenBack);
        if let Marked::Ours(version, marker) = before {
            // Not on the thread of a caller that stops waiting: it does not wait for the store.
            let _ = pool::run(move || single_use.end(&version, &marker, Stage::GivenBack));
        }
    };
    Exchange::start(Arc::clone(context), token_request, options, before, unspent)
}

/// What the store has of a single use that may be given back at any time, also while it is being
/// taken.
enum Marked {
    NotYet,
    Ours(String, Marker),
    GivenBack,
}

/// Starts the exchange, unless another call has: then both calls get that one's outcome.
pub(crate) fn start(session: Session, request: &AuthorizationRequest, callback: &str, options: &CallOptions) -> Result<Task<TokenSource>> {
    let session = Arc::new(session);
    let code = authorization_response::check_shared(request, callback, session.context.clock.unix_seconds())?;
    let token_request = TokenRequest::code(code, None)?;
    let single_use = SingleUse::new(&session.context, &session.store, request, &token_request, Some(&session.key));
    let (task, completer) = access_token::task(options, session.state());
    CallbackLogin { session, token_request, single_use, completer, in_flight: InFlight::begin() }.resume_with_store(CallbackLogin::run);
    Ok(task)
}

/// One callback whose login is to be stored.
struct CallbackLogin {
    session: Arc<Session>,
    token_request: TokenRequest,
    single_use: SingleUse,
    completer: Completer<TokenSource>,
    /// To the end, also past the exchange: a call that loads the callback again needs what is
    /// stored then.
    in_flight: InFlight,
}

type Next = Box<dyn FnOnce(CallbackLogin, Permit) + Send>;

impl CallbackLogin {
    /// Runs `next` on a thread of the pool, once the store has a permit.
    fn resume_with_store(self, next: impl FnOnce(Self, Permit) + Send + 'static) {
        let semaphore = Arc::clone(&self.session.state().shared.store);
        let next: Next = Box::new(next);
        if let Some((waiting, permit)) = semaphore.acquire((self, next), Self::resume) {
            Self::resume(waiting, permit);
        }
    }

    fn resume((login, next): (Self, Next), permit: Permit) {
        let completer = login.completer.clone();
        let if_panicked = completer.clone();
        let ran = pool::run(move || {
            if catch_unwind(AssertUnwindSafe(|| next(login, permit))).is_err() {
                if_panicked.complete(Err(Error::caught_panic("a login")));
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
            Ok(Taken::InProgress(grant_id)) => {
                let until = Instant::now() + FOLLOW_TIMEOUT;
                self.resume_with_store(move |login, permit| login.follow(permit, grant_id, until));
            }
            Ok(Taken::Done) => self.completer.complete(Ok(TokenSource::new(self.session))),
            Err(error) => self.completer.complete(Err(error)),
        }
    }

    fn exchange(self, version: String, marker: Marker) {
        let Self { session, token_request, single_use, completer, in_flight } = self;
        let mut driver = session.driver(Duration::MAX);
        driver.code = Some(token_request);
        let goal = Goal::LogIn { grant_id: marker.grant_id.clone() };
        let report = move |outcome: &Result<bool>, is_last| {
            let _until_marked = &in_flight;
            match outcome {
                Ok(_) => {
                    if is_last {
                        single_use.end(&version, &marker, Stage::Done);
                    }
                    completer.complete(Ok(TokenSource::new(Arc::clone(&session))));
                }
                // The login exists and could not be saved; the caller has it.
                Err(_) if completer.is_complete() => {}
                Err(error) => {
                    let stage = if is_unspent(error) { Stage::GivenBack } else { Stage::Failed { reason: StoredError::from(error) } };
                    single_use.end(&version, &marker, stage);
                    completer.complete(Err(error.clone()));
                }
            }
        };
        driver.run(goal, Box::new(report));
    }

    /// Waits for the login that another call makes of the same callback.
    fn follow(self, permit: Permit, grant_id: String, until: Instant) {
        let followed = self.followed(&grant_id);
        drop(permit);
        match followed {
            Ok(true) => self.completer.complete(Ok(TokenSource::new(self.session))),
            Err(error) => self.completer.complete(Err(error)),
            Ok(false) if Instant::now() >= until || self.completer.is_complete() => self.completer.complete(Err(Error::new(
                ErrorCode::LoginFailed,
                "another call is completing this callback and has not finished in time; log in again",
            ))),
            Ok(false) => timer::after(FOLLOW_POLL, move || {
                self.resume_with_store(move |login, permit| login.follow(permit, grant_id, until));
            }),
        }
    }

    /// Whether the other call's login is stored.
    fn followed(&self, grant_id: &str) -> Result<bool> {
        let account_state = self.session.state();
        if let Some(entry) = ask_store(|| self.session.store.token_store().load(&account_state.key))? {
            let found = stored(entry, &account_state.account)?;
            if found.record.grant_id == grant_id || found.record.previous_grant_id.as_deref() == Some(grant_id) {
                // This process may have read the store before, when there was no login.
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
