//! Logins from callbacks. A callback makes one login, however often it is loaded, and in whichever
//! processes.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::claims::Claims;
use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::authorization_request::AuthorizationRequest;
use protocol::oauth::authorization_response;
use protocol::oauth::grants::TokenRequest;
use protocol::oauth::token_set::TokenSet;
use protocol::openid::identity::Identity;
use protocol::refresh::action::Goal;
use protocol::refresh::record::StoredError;
use protocol::refresh::reply::{Received, ReceivedIdToken};
use protocol::time::Moment;

use super::access_token::wait_ended;
use super::accounts_of_sessions;
use super::driver::LoginCode;
use super::entry::{ask_store, stored};
use super::in_flight::InFlight;
use super::session::Session;
use super::single_flight::{StoreState, WaitsFor};
use super::single_use::{Marker, SingleUse, Stage, Taken, Uses};
use super::store::Store;
use super::token_source::TokenSource;
use crate::context::Context;
use crate::exchange::{self, is_unspent};
use crate::openid::unjudged::{Outcome, UnjudgedIdToken, not_judged};
use crate::sys::sync::{Instant, Mutex};
use crate::task::call_options::CallOptions;
use crate::task::progress::Progress;
use crate::task::task::{Completer, Task};
use crate::worker::semaphore::{Permit, Semaphore};
use crate::worker::timer;

/// How long a callback that is loaded again waits for the first one: longer than a token request
/// may take.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(35);
const FOLLOW_POLL: Duration = Duration::from_millis(100);

/// How often a login that waits for keys asks for them again.
const KEYS_POLL: Duration = Duration::from_secs(1);

/// How often tokens are written again while the store fails.
const STORE_POLL: Duration = Duration::from_secs(1);

/// Whose login it becomes.
#[derive(Clone)]
pub(crate) enum Whose {
    /// The account that the application named.
    Named(Arc<Session>),
    /// The user that the ID token names.
    Subject,
}

/// Starts the exchange, unless another call has: then both calls get that one's outcome.
pub(crate) fn start(
    context: &Arc<Context>,
    store: &Store,
    whose: Whose,
    request: &AuthorizationRequest,
    callback: &str,
    options: &CallOptions,
) -> Result<Task<TokenSource>> {
    let code = authorization_response::check_shared(request, callback, context.clock.unix_seconds())?;
    let token_request = TokenRequest::code(code, None)?;
    let uses = match &whose {
        Whose::Named(session) => Uses::Login(session.key.as_str().to_owned()),
        Whose::Subject => Uses::LoginOfSubject,
    };
    let single_use = SingleUse::new(context, store, request, &token_request, uses);
    let named = match &whose {
        Whose::Named(session) => Some(session.state()),
        Whose::Subject => None,
    };
    let (task, completer) = Task::new(options, move |why, _| {
        Err(wait_ended(why, named.as_ref().map_or(WaitsFor::Server, |account_state| account_state.waits_for())))
    });
    // A little before the caller stops waiting, so that it is told why.
    let until = Instant::now().checked_add(options.timeout - options.timeout / 10);
    let login = CallbackLogin {
        context: Arc::clone(context),
        store: store.clone(),
        whose,
        token_request,
        single_use,
        completer,
        until,
        _in_flight: InFlight::begin(),
    };
    login.resume_with_store(CallbackLogin::run);
    Ok(task)
}

/// One callback whose login is to be stored.
struct CallbackLogin {
    context: Arc<Context>,
    store: Store,
    whose: Whose,
    token_request: TokenRequest,
    single_use: SingleUse,
    completer: Completer<TokenSource>,
    /// Until when it waits for keys; `None` if there is no limit.
    until: Option<Instant>,
    /// To the end, also past the exchange: a call that loads the callback again needs what is
    /// stored then.
    _in_flight: InFlight,
}

/// Tokens that are not a login yet, because their ID token is not judged. The store has them.
struct Held {
    tokens: TokenSet,
    sent: Moment,
    version: String,
    marker: Marker,
}

type Next = Box<dyn FnOnce(CallbackLogin, Permit) + Send>;

impl CallbackLogin {
    fn shared(&self) -> Arc<StoreState> {
        self.store.accounts().shared()
    }

    /// Runs `next` on a thread of the pool, once the store has a permit.
    fn resume_with_store(self, next: impl FnOnce(Self, Permit) + Send + 'static) {
        let semaphore = Arc::clone(&self.shared().store);
        self.resume_with(&semaphore, next);
    }

    fn resume_with(self, semaphore: &Arc<Semaphore>, next: impl FnOnce(Self, Permit) + Send + 'static) {
        let next: Next = Box::new(next);
        if let Some((waiting, permit)) = semaphore.acquire((self, next), Self::resume) {
            Self::resume(waiting, permit);
        }
    }

    fn resume((login, next): (Self, Next), permit: Permit) {
        let completer = login.completer.clone();
        completer.run("a login", move || next(login, permit));
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
            Ok(Taken::Held(version, marker)) => self.judge_again(version, marker),
            Ok(Taken::Done(subject)) => self.done(subject),
            Err(error) => self.completer.complete(Err(error)),
        }
    }

    /// The login was stored by another call.
    fn done(self, subject: Option<String>) {
        let session = match (self.whose, subject) {
            (Whose::Named(session), _) => Ok(session),
            (Whose::Subject, Some(subject)) => Session::new(&self.context, Some(&self.store), subject).map(Arc::new),
            (Whose::Subject, None) => Err(Error::caught_panic("a login")),
        };
        self.completer.complete(session.map(TokenSource::new));
    }

    fn exchange(self, version: String, marker: Marker) {
        if self.token_request.wants_id_token() && self.context.keys_are_missing() {
            self.context.keys.newer(self.context.clone(), None, |_| ());
        }
        match self.whose.clone() {
            Whose::Named(session) => self.exchange_for(&session, version, marker),
            Whose::Subject => {
                let semaphore = self.shared().servers.semaphore(&self.context.server);
                self.resume_with(&semaphore, move |login, permit| login.exchange_for_subject(permit, version, marker));
            }
        }
    }

    /// Exchanges the code under a claim on the account, so that no refresh of its old login is sent
    /// meanwhile.
    fn exchange_for(self, session: &Arc<Session>, version: String, marker: Marker) {
        let held = Arc::new(Mutex::new(None));
        let mut driver = session.driver(Duration::MAX);
        driver.code = Some(LoginCode {
            request: self.token_request.clone(),
            hold: {
                let (held, single_use) = (Arc::clone(&held), self.single_use.clone());
                let (version, marker) = (version.clone(), marker.clone());
                Box::new(move |tokens, sent, outcome| {
                    let version = single_use.hold(&version, &marker, &tokens, sent).unwrap_or_else(|| version.clone());
                    let kept = Held { version, marker: marker.clone(), tokens, sent };
                    *held.lock().unwrap_or_else(PoisonError::into_inner) = Some((kept, outcome));
                })
            },
        });
        let goal = Goal::LogIn { grant_id: marker.grant_id.clone() };
        let mut login = Some(self);
        let session = Arc::clone(session);
        let report = move |outcome: &Result<bool>, is_last| {
            let Some(reported) = &login else { return };
            let held = held.lock().unwrap_or_else(PoisonError::into_inner).take();
            match (outcome, held) {
                (Ok(_), _) => {
                    if is_last {
                        accounts_of_sessions::remember(&session.context, &session.store, &session.state());
                        reported.single_use.end(&version, &marker, Stage::Done { subject: None });
                    }
                    reported.completer.complete(Ok(TokenSource::new(Arc::clone(&session))));
                }
                (Err(_), Some((held, Outcome::NotYet(_)))) => {
                    if let Some(login) = login.take() {
                        login.wait_for_keys_once(held);
                    }
                }
                (Err(error), Some(_)) => reported.completer.complete(Err(error.clone())),
                // The login exists and could not be saved; the caller has it.
                (Err(_), None) if reported.completer.is_complete() => {}
                (Err(error), None) => reported.fail(&version, &marker, error.clone()),
            }
        };
        driver.run(goal, Box::new(report));
    }

    /// Exchanges the code of a user who is not known yet.
    fn exchange_for_subject(self, permit: Permit, version: String, marker: Marker) {
        let mut events = Vec::new();
        let exchanged = exchange::send(&self.context, &self.token_request, &Arc::new(Progress::default()), &mut events);
        drop(permit);
        events.iter().for_each(|event| self.context.events.emit(event));
        let received = exchanged.map_err(|none| none.error).and_then(|exchanged| {
            let sent = exchanged.sent;
            self.token_request.complete(exchanged.response, sent.wall.div_euclid(1000)).map(|tokens| (tokens, sent))
        });
        let (tokens, sent) = match received {
            Ok(received) => received,
            Err(error) => return self.fail(&version, &marker, error),
        };
        let Some(unjudged) = UnjudgedIdToken::of(&self.token_request, &tokens, None) else {
            let message = "the server granted no openid, so there is no ID token to name the account; name it yourself, and log in again";
            return self.fail(&version, &marker, Error::new(ErrorCode::IdToken, message));
        };
        match unjudged.judge_at_once(&self.context) {
            Outcome::Accepted(claims) => self.store_login(Held { tokens, sent, version, marker }, &claims),
            outcome => {
                let version = self.single_use.hold(&version, &marker, &tokens, sent).unwrap_or(version);
                match outcome {
                    Outcome::Refused(error) => self.completer.complete(Err(error)),
                    _ => self.wait_for_keys(unjudged, Held { tokens, sent, version, marker }),
                }
            }
        }
    }

    fn fail(&self, version: &str, marker: &Marker, error: Error) {
        let stage = if is_unspent(&error) { Stage::GivenBack } else { Stage::Failed { reason: StoredError::from(&error) } };
        self.single_use.end(version, marker, stage);
        self.completer.complete(Err(error));
    }

    /// Judges tokens that an earlier call could not.
    fn judge_again(self, version: String, marker: Marker) {
        match marker.held(self.context.clock.moment()) {
            Ok((tokens, sent)) => self.wait_for_keys_once(Held { tokens, sent, version, marker }),
            Err(error) => self.completer.complete(Err(error)),
        }
    }

    fn wait_for_keys_once(self, held: Held) {
        match UnjudgedIdToken::of(&self.token_request, &held.tokens, None) {
            Some(unjudged) => self.wait_for_keys(unjudged, held),
            None => self.completer.complete(Err(Error::caught_panic("a login"))),
        }
    }

    /// Judges the ID token, if need be with keys that are fetched for as long as the caller waits.
    fn wait_for_keys(self, unjudged: UnjudgedIdToken, held: Held) {
        if let Whose::Named(session) = &self.whose {
            session.state().wait_for(WaitsFor::Server);
        }
        let context = Arc::clone(&self.context);
        unjudged.clone().judge(&context, move |outcome| match outcome {
            Outcome::Accepted(claims) => self.store_login(held, &claims),
            Outcome::Refused(error) | Outcome::KeyUnknown(error) => self.completer.complete(Err(error)),
            Outcome::NotYet(error) if self.is_late() => self.completer.complete(Err(not_judged(&error))),
            Outcome::NotYet(_) => timer::after(KEYS_POLL, move || self.wait_for_keys(unjudged, held)),
        });
    }

    fn is_late(&self) -> bool {
        self.completer.is_complete() || self.until.is_some_and(|until| Instant::now() + KEYS_POLL >= until)
    }

    fn store_login(self, held: Held, claims: &Claims) {
        let (session, subject) = match &self.whose {
            Whose::Named(session) => (Ok(Arc::clone(session)), None),
            Whose::Subject => {
                let subject = claims.subject().to_owned();
                (Session::new(&self.context, Some(&self.store), subject.clone()).map(Arc::new), Some(subject))
            }
        };
        let session = match session {
            Ok(session) => session,
            Err(error) => return self.completer.complete(Err(error)),
        };
        let received = Received {
            tokens: Ok(held.tokens.clone().verified()),
            refresh_token: held.tokens.refresh_token().cloned(),
            sent: held.sent,
            id_token: ReceivedIdToken::Accepted(Identity::of(claims)),
        };
        let goal = Goal::Save { grant_id: held.marker.grant_id.clone(), received: Box::new(received) };
        let driver = session.driver(Duration::MAX);
        let mut storing = Some((self, held, claims.clone()));
        let report = move |outcome: &Result<bool>, is_last| {
            let Some((login, held, _)) = &storing else { return };
            match outcome {
                Ok(_) => {
                    if is_last {
                        accounts_of_sessions::remember(&session.context, &session.store, &session.state());
                        login.single_use.end(&held.version, &held.marker, Stage::Done { subject: subject.clone() });
                    }
                    login.completer.complete(Ok(TokenSource::new(Arc::clone(&session))));
                }
                Err(error) => {
                    login.completer.complete(Err(error.clone()));
                    if is_last && let Some((login, held, claims)) = storing.take() {
                        login.store_later(held, claims);
                    }
                }
            }
        };
        driver.run(goal, Box::new(report));
    }

    /// The code is spent, so its tokens are kept: for the next call that loads the callback, or in
    /// memory until the store works.
    fn store_later(self, held: Held, claims: Claims) {
        let Held { tokens, sent, version, marker } = &held;
        if self.single_use.hold(version, marker, tokens, *sent).is_none() && !self.single_use.has_expired() {
            timer::after(STORE_POLL, move || self.store_login(held, &claims));
        }
    }

    /// Waits for the login that another call makes of the same callback.
    fn follow(self, permit: Permit, grant_id: String, until: Instant) {
        let followed = self.followed(&grant_id);
        drop(permit);
        match followed {
            Ok(Followed::Login(subject)) => self.done(subject),
            Ok(Followed::Held(version, marker)) => self.judge_again(version, marker),
            Err(error) => self.completer.complete(Err(error)),
            Ok(Followed::Nothing) if Instant::now() >= until || self.completer.is_complete() => self.completer.complete(Err(Error::new(
                ErrorCode::LoginFailed,
                "another call is completing this callback and has not finished in time; log in again",
            ))),
            Ok(Followed::Nothing) => timer::after(FOLLOW_POLL, move || {
                self.resume_with_store(move |login, permit| login.follow(permit, grant_id, until));
            }),
        }
    }

    /// What the other call has stored.
    fn followed(&self, grant_id: &str) -> Result<Followed> {
        if let Whose::Named(session) = &self.whose {
            let account_state = session.state();
            if let Some(entry) = ask_store(|| self.store.token_store().load(&account_state.key))? {
                let found = stored(entry, &account_state.account)?;
                if found.record.grant_id == grant_id || found.record.previous_grant_id.as_deref() == Some(grant_id) {
                    // This process may have read the store before, when there was no login.
                    account_state.with(|local| local.loaded(Some(&found), session.now()));
                    return Ok(Followed::Login(None));
                }
            }
        }
        Ok(match self.single_use.marker()? {
            Some((_, Marker { stage: Stage::Failed { reason }, .. })) => return Err(reason.error()),
            Some((_, Marker { stage: Stage::Done { subject }, .. })) => Followed::Login(subject),
            Some((version, marker @ Marker { stage: Stage::Held { .. }, .. })) => Followed::Held(version, marker),
            _ => Followed::Nothing,
        })
    }
}

/// What another call has made of the same callback.
enum Followed {
    Nothing,
    /// A login, of this user if the application did not name the account.
    Login(Option<String>),
    Held(String, Marker),
}
