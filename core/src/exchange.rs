//! One request to an endpoint of the server, from its start to its outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use protocol::error::{Error, ErrorCode, Result};
use protocol::http::FailureKind;
use protocol::oauth::endpoint_request::EndpointRequest;
use protocol::oauth::endpoint_response::ResponseContext;
use protocol::oauth::grants::TokenRequest;
use protocol::oauth::revocation;
use protocol::oauth::token_response::{self, TokenResponse};
use protocol::oauth::token_set::TokenSet;
use protocol::secret::RefreshToken;
use protocol::time::Moment;

use crate::context::Context;
use crate::event::Event;
use crate::logout_outcome::LogoutOutcome;
use crate::sys::process::PerProcess;
use crate::sys::sync::{Instant, Mutex};
use crate::task::call_options::CallOptions;
use crate::task::progress::Progress;
use crate::task::task::{Completer, Task};
use crate::worker::per_server::PerServer;
use crate::worker::pool;
use crate::worker::semaphore::{Permit, Semaphore};

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
        let queued = Queued { exchange: Arc::clone(&exchange), completer, before: Box::new(before) };
        let semaphore = semaphore(&exchange.context.server);
        let started = semaphore.acquire(queued, Queued::resume).map_or(Ok(()), |(queued, permit)| queued.start(permit));
        started.inspect_err(|error| exchange.settle(Some(error)))?;
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
        completer.complete(result);
        happened.iter().for_each(|event| self.context.events.emit(event));
    }

    fn send(&self, completer: &Completer<TokenSet>, happened: &mut Vec<Event>) -> Result<TokenSet> {
        let exchanged = send(&self.context, &self.request, completer.progress(), happened).map_err(|none| none.error)?;
        self.request.complete(exchanged.response, exchanged.sent.wall.div_euclid(1000))
    }

    /// Gives the code back to its authorization request if nothing was sent, or a server in front
    /// refused the request without reading the code.
    fn settle(&self, error: Option<&Error>) {
        let unspent = self.unspent.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(unspent), Some(error)) = (unspent, error)
            && is_unspent(error)
        {
            unspent();
        }
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
/// disabled: neither has read the code.
pub(crate) fn is_unspent(error: &Error) -> bool {
    match error.code() {
        ErrorCode::Transport | ErrorCode::Timeout | ErrorCode::Certificate | ErrorCode::Busy | ErrorCode::ServerUnavailable => true,
        ErrorCode::Cancelled => error.retryable(),
        // Without a response nobody has read it: a setting, a proxy or TLS prevented that.
        ErrorCode::InvalidArgument | ErrorCode::WrongEndpoint | ErrorCode::Unsupported => error.status().is_none(),
        _ => false,
    }
}

/// Revokes a refresh token at the server, if it has an endpoint for that.
pub(crate) fn revoke(context: &Context, refresh_token: &RefreshToken) -> Result<LogoutOutcome> {
    let Some(url) = &context.metadata.revocation_endpoint else { return Ok(LogoutOutcome::LocalOnly) };
    let request = revocation::request(refresh_token);
    let received = context.transport.send(&request.to(url, &context.credentials), &Arc::default());
    let judge = response_context(context, &request, url);
    let response = received.map_err(|failure| judge.failed(failure))?;
    revocation::process(&judge, response).map(|()| LogoutOutcome::Revoked)
}
