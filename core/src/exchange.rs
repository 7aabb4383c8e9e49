//! One request to an endpoint of the server, from its start to its outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Remedy, Result};
use protocol::http::{FailureKind, Response};
use protocol::oauth::endpoint_request::{EndpointRequest, OnFailure};
use protocol::oauth::endpoint_response::ResponseContext;
use protocol::oauth::grants::TokenRequest;
use protocol::oauth::revocation;
use protocol::oauth::token_response::{self, TokenResponse};
use protocol::oauth::token_set::TokenSet;
use protocol::openid::id_token;
use protocol::openid::identity::Identity;
use protocol::secret::RefreshToken;
use protocol::time::Moment;
use protocol::wait_ended::WaitEnded;

use crate::context::Context;
use crate::event::Event;
use crate::logout_outcome::LogoutOutcome;
use crate::openid::unjudged::{Outcome, UnjudgedIdToken, not_judged, quarantined};
use crate::sys::process::PerProcess;
use crate::sys::sync::{Instant, Mutex};
use crate::task::call_options::CallOptions;
use crate::task::progress::Progress;
use crate::task::task::{Completer, Task};
use crate::worker::per_server::PerServer;
use crate::worker::pool;
use crate::worker::semaphore::{Permit, Semaphore};

/// How long new tokens wait for the keys to judge their ID token. They are good without it.
const LONGEST_WAIT_FOR_KEYS: Duration = Duration::from_secs(5);

/// One token request on a thread of the pool.
pub(crate) struct Exchange {
    context: Arc<Context>,
    request: TokenRequest,
    /// Taken by the first that ends the exchange: if it was called later, it could free an
    /// authorization request that is in use again.
    unspent: Mutex<Option<Unspent>>,
}

type Unspent = Box<dyn FnOnce() + Send>;

impl Exchange {
    /// Starts the request, after `before` has succeeded. `unspent` is called if the code or token
    /// was certainly not spent.
    pub(crate) fn start(
        context: Arc<Context>,
        request: TokenRequest,
        options: &CallOptions,
        before: impl FnOnce() -> Result<()> + Send + 'static,
        unspent: impl FnOnce() + Send + 'static,
    ) -> Result<Task<TokenSet>> {
        let exchange = Arc::new(Self { context, request, unspent: Mutex::new(Some(Box::new(unspent))) });
        let abandoned = Arc::clone(&exchange);
        let (task, completer) = Task::new(options, move |why, reached| {
            let Self { context, request, .. } = &*abandoned;
            let error = response_context(context, request.request(), &context.token_endpoint).wait_ended(why, reached);
            abandoned.settle(Some(&error));
            Err(error)
        });
        let queued = Queued { exchange, completer, before: Box::new(before) };
        // Nothing keeps the tokens of a code that is spent, so what judges them comes first.
        let context = Arc::clone(&queued.exchange.context);
        if queued.exchange.request.wants_id_token() && context.keys_are_missing() {
            context.keys.newer(context.clone(), None, move |keys| match keys {
                Ok(_) => queued.acquire(),
                Err(error) => queued.refuse(error),
            });
        } else {
            queued.acquire();
        }
        Ok(task)
    }

    fn run(&self, completer: &Completer<TokenSet>, before: Before) {
        if completer.progress().is_abandoned() {
            return;
        }
        let mut happened = Vec::new();
        let result = catch_unwind(AssertUnwindSafe(|| before().and_then(|()| self.send(completer, &mut happened))))
            .unwrap_or_else(|_| Err(Error::caught_panic("a token request")));
        self.settle(result.as_ref().err());
        match result {
            Ok(tokens) => self.judge(tokens, completer),
            Err(error) => completer.complete(Err(error)),
        }
        happened.iter().for_each(|event| self.context.events.emit(event));
    }

    fn send(&self, completer: &Completer<TokenSet>, happened: &mut Vec<Event>) -> Result<TokenSet> {
        let exchanged = send(&self.context, &self.request, completer.progress(), happened).map_err(|none| none.error)?;
        // Nothing of a login counts before it is judged.
        let refresh_token = exchanged.response.refresh_token().filter(|_| !self.is_login()).cloned();
        let completed = self.request.complete(exchanged.response, exchanged.sent.wall.div_euclid(1000));
        completed.map_err(|error| error.with_refresh_token(refresh_token))
    }

    fn is_login(&self) -> bool {
        self.request.request().on_failure() == OnFailure::SpentByTheAttempt
    }

    /// Passes the tokens on once their ID token is judged.
    fn judge(&self, tokens: TokenSet, completer: &Completer<TokenSet>) {
        let request = self.request.clone();
        let previous = request.previous_id_token().and_then(id_token::claims).map(|claims| Identity::of(&claims));
        let Some(unjudged) = UnjudgedIdToken::of(&request, &tokens, previous) else { return completer.complete(Ok(tokens)) };
        let is_login = self.is_login();
        let patience = if is_login { Duration::MAX } else { LONGEST_WAIT_FOR_KEYS };
        let completer = completer.clone();
        unjudged.judge_within(patience, &self.context, move |outcome| {
            completer.complete(match outcome {
                Outcome::Accepted(_) => Ok(tokens.verified()),
                Outcome::Refused(error) if is_login => Err(error),
                Outcome::KeyUnknown(error) if is_login => Err(error.with_remedy(Remedy::LogInAgain)),
                Outcome::Refused(error) => Err(quarantined(&error).with_refresh_token(tokens.refresh_token().cloned())),
                Outcome::NotYet(error) if is_login => Err(not_judged(&error).with_remedy(Remedy::LogInAgain)),
                // Who logged in was judged at the login.
                Outcome::KeyUnknown(_) | Outcome::NotYet(_) => Ok(request.with_previous_id_token(tokens)),
            });
        });
    }

    /// Gives the code back to its authorization request if nothing was sent, or a server in front
    /// refused the request without reading the code.
    fn settle(&self, error: Option<&Error>) {
        let unspent = self.take_unspent();
        if let (Some(unspent), Some(error)) = (unspent, error)
            && is_unspent(error)
        {
            unspent();
        }
    }

    fn take_unspent(&self) -> Option<Unspent> {
        self.unspent.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

type Before = Box<dyn FnOnce() -> Result<()> + Send>;

/// An exchange that waits for its permit.
struct Queued {
    exchange: Arc<Exchange>,
    completer: Completer<TokenSet>,
    before: Before,
}

impl Queued {
    fn acquire(self) {
        let semaphore = semaphore(&self.exchange.context.server);
        if let Some((queued, permit)) = semaphore.acquire(self, Self::resume) {
            queued.resume(permit);
        }
    }

    /// Nothing was sent.
    fn refuse(self, error: Error) {
        if let Some(unspent) = self.exchange.take_unspent() {
            unspent();
        }
        self.completer.complete(Err(error));
    }

    fn resume(self, permit: Permit) {
        let (exchange, completer) = (Arc::clone(&self.exchange), self.completer.clone());
        if let Err(error) = self.start(permit) {
            exchange.settle(Some(&error));
            completer.complete(Err(error));
        }
    }

    fn start(self, permit: Permit) -> Result<()> {
        pool::run(move || {
            self.exchange.run(&self.completer, self.before);
            drop(permit);
        })
    }
}

/// Limits the requests of single calls to a server. Logins in a store have their own limit: if
/// single calls are held up, they are not.
fn semaphore(server: &str) -> Arc<Semaphore> {
    static SERVERS: PerProcess<PerServer> = PerProcess::new();
    SERVERS.get_or_make(PerServer::default).semaphore(server)
}

/// A token response that the request has yet to complete.
pub(crate) struct Exchanged {
    pub(crate) response: TokenResponse,
    pub(crate) sent: Moment,
}

/// No tokens.
pub(crate) struct NoTokens {
    pub(crate) error: Error,
    /// The connection broke before a usable response was received.
    pub(crate) connection_lost: bool,
}

/// Sends one token request on this thread. The events about it are added to `happened`.
pub(crate) fn send(
    context: &Context,
    request: &TokenRequest,
    progress: &Arc<Progress>,
    happened: &mut Vec<Event>,
) -> Result<Exchanged, NoTokens> {
    let started = Instant::now();
    let exchanged = send_once(context, request, progress);
    let ignored = exchanged.as_ref().map_or(&[][..], |exchanged| exchanged.response.ignored_members());
    happened.extend(ignored.iter().map(|member| Event::ResponseMemberIgnored { member: member.clone() }));
    happened.push(Event::TokenRequest {
        grant: request.grant_type(),
        duration: started.elapsed(),
        sent: progress.is_sent(),
        error: exchanged.as_ref().err().map(|none| none.error.code()),
    });
    exchanged
}

fn send_once(context: &Context, request: &TokenRequest, progress: &Arc<Progress>) -> Result<Exchanged, NoTokens> {
    let (request, url) = (request.request(), context.token_endpoint.as_str());
    let sent = context.clock.moment();
    let received = context.transport.send(&request.to(url, &context.credentials), progress).and_then(token_response::whole);
    let judge = response_context(context, request, url);
    match received {
        Ok(response) => match token_response::process(&judge, &response) {
            Ok(response) => Ok(Exchanged { response, sent }),
            Err(error) => Err(NoTokens { error, connection_lost: false }),
        },
        Err(failure) => {
            let connection_lost = failure.kind == FailureKind::ConnectionLost;
            Err(NoTokens { error: judge.failed(failure), connection_lost })
        }
    }
}

fn response_context<'a>(context: &Context, request: &'a EndpointRequest, url: &'a str) -> ResponseContext<'a> {
    ResponseContext::new(request, url, &context.credentials, context.is_keycloak, context.clock.unix_seconds())
}

/// Whether the code was certainly not spent. `SERVER_UNAVAILABLE` is 429 and a realm that is
/// disabled: neither has read the code. The store's own errors are from before the request.
pub(crate) fn is_unspent(error: &Error) -> bool {
    match error.code() {
        ErrorCode::Transport | ErrorCode::Timeout | ErrorCode::Certificate | ErrorCode::Busy | ErrorCode::ServerUnavailable => true,
        ErrorCode::StoreUnavailable | ErrorCode::StoreCorrupt | ErrorCode::StoreFormat | ErrorCode::StorePermissions => true,
        ErrorCode::Cancelled => error.retryable(),
        // Without a response nobody has read it: a setting, a proxy or TLS prevented that.
        ErrorCode::InvalidArgument | ErrorCode::WrongEndpoint | ErrorCode::Unsupported => error.status().is_none(),
        _ => false,
    }
}

/// Revokes a refresh token at the server, if it has an endpoint for that.
pub(crate) fn revoke(context: &Context, refresh_token: &RefreshToken) -> Result<LogoutOutcome> {
    let Some(url) = &context.metadata.revocation_endpoint else { return Ok(LogoutOutcome::LocalOnly) };
    let request = revocation::request(&refresh_token.into())?;
    let received = context.transport.send(&request.to(url, &context.credentials), &Arc::default());
    let judge = response_context(context, &request, url);
    let response = received.map_err(|failure| judge.failed(failure))?;
    revocation::process(&judge, response).map(|()| LogoutOutcome::Revoked)
}

/// One request to an endpoint at which the client authenticates, on a thread of the pool.
pub(crate) fn call<T: Send + 'static>(
    context: &Arc<Context>,
    request: EndpointRequest,
    url: &str,
    options: &CallOptions,
    process: fn(&ResponseContext<'_>, Response) -> Result<T>,
) -> Task<T> {
    let (request, url, server) = (Arc::new(request), url.to_owned(), context.server.clone());
    let (task, completer) = {
        let (context, request, url) = (Arc::clone(context), Arc::clone(&request), url.clone());
        Task::new(options, move |why, reached| Err(response_context(&context, &request, &url).wait_ended(why, reached)))
    };
    let (context, sending) = (Arc::clone(context), completer.clone());
    let send = move || {
        let received = context.transport.send(&request.to(&url, &context.credentials), sending.progress());
        let judge = response_context(&context, &request, &url);
        process(&judge, received.map_err(|failure| judge.failed(failure))?)
    };
    run(&server, send, move |outcome| completer.complete(outcome));
    task
}

/// Makes one request to this server on a thread of the pool, and passes its outcome on.
pub(crate) fn run<T: Send + 'static>(
    server: &str,
    send: impl FnOnce() -> Result<T> + Send + 'static,
    report: impl FnOnce(Result<T>) + Send + 'static,
) {
    type Job = Box<dyn FnOnce(Permit) + Send>;
    let report = Arc::new(Mutex::new(Some(report)));
    let report = move |outcome| {
        if let Some(report) = report.lock().unwrap_or_else(PoisonError::into_inner).take() {
            report(outcome);
        }
    };
    let job: Job = Box::new(move |permit| {
        let refuse = report.clone();
        let ran = pool::run(move || {
            let outcome = catch_unwind(AssertUnwindSafe(send)).unwrap_or_else(|_| Err(Error::caught_panic("a request")));
            drop(permit);
            report(outcome);
        });
        if let Err(error) = ran {
            refuse(Err(error));
        }
    });
    if let Some((job, permit)) = semaphore(server).acquire(job, |job, permit| job(permit)) {
        job(permit);
    }
}

/// What a caller is told that stops waiting for something that may be repeated.
pub(crate) fn repeatable(why: WaitEnded) -> Error {
    match why {
        WaitEnded::Cancelled => Error::new(ErrorCode::Cancelled, "cancelled; the call may be repeated"),
        _ => Error::new(ErrorCode::Timeout, "the call's timeout elapsed; try again, or with a longer timeout"),
    }
}
