//! One token request on a thread of the library's, from its start to its outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

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
use protocol::error::{Error, ErrorCode, Result};
use protocol::http::{Body, FailureKind};
use protocol::oauth::endpoint_response::{self, ResponseContext};
use protocol::oauth::grants::Grant;
use protocol::oauth::token_set::{TokenResponse, TokenSet};
use protocol::secret::{RefreshToken, Secret};
use protocol::time::Moment;

/// One token request, from its start to its outcome.
pub(crate) struct TokenRequest {
    context: Arc<Context>,
    grant: Grant,
    /// Taken by whoever ends the request first: given back later, it could free a pending login that is in use again.
    unspent: Mutex<Option<Unspent>>,
}

type Unspent = Box<dyn FnOnce() + Send>;

impl TokenRequest {
    /// Starts the request, once `before` has had its way. `unspent` is called when the code or token was certainly not spent.
    pub(crate) fn start(
        context: Arc<Context>,
        grant: Grant,
        options: &CallOptions,
        before: impl FnOnce() -> Result<()> + Send + 'static,
        unspent: impl FnOnce() + Send + 'static,
    ) -> Result<Task<TokenSet>> {
        let request = Arc::new(Self { context, grant, unspent: Mutex::new(Some(Box::new(unspent))) });
        let wait_ended = Arc::clone(&request);
        let (task, completer) = Task::new(options, move |why, reached| {
            let error =
                asked(&wait_ended.context, &wait_ended.grant, &wait_ended.context.token_endpoint, |asked| asked.wait_ended(why, reached));
            wait_ended.settle(Some(&error));
            Err(error)
        });
        let queued = Queued { request: Arc::clone(&request), completer, before: Box::new(before) };
        let semaphore = semaphore(&request.context.server);
        let started = semaphore.acquire(queued, Queued::resume).map_or(Ok(()), |(queued, permit)| queued.start(permit));
        started.inspect_err(|error| request.settle(Some(error)))?;
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
        let answered = answer(&self.context, &self.grant, completer.progress(), happened).map_err(|none| none.error)?;
        let Answered { tokens, sent, status } = answered;
        self.grant.complete(tokens, sent.wall.div_euclid(1000)).map_err(|error| error.with_status(status))
    }

    /// Gives the code back to its pending login when nothing was sent, or a server in front refused without looking.
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

/// A request that waits for its permit.
struct Queued {
    request: Arc<TokenRequest>,
    completer: Completer<TokenSet>,
    before: Before,
}

impl Queued {
    fn resume(self, permit: Permit) {
        let (request, completer) = (Arc::clone(&self.request), self.completer.clone());
        if let Err(error) = self.start(permit) {
            request.settle(Some(&error));
            completer.complete(Err(error));
        }
    }

    fn start(self, permit: Permit) -> Result<()> {
        pool::run(move || {
            self.request.run(&self.completer, self.before);
            drop(permit);
        })
    }
}

/// The turns of the single steps at a server. Logins in a store have their own: whatever holds them up holds up no others.
fn semaphore(server: &str) -> Arc<Semaphore> {
    static SERVERS: PerProcess<PerServer> = PerProcess::new();
    SERVERS.get_or_make(PerServer::default).semaphore(server)
}

/// A token answer that is yet to be completed and judged.
pub(crate) struct Answered {
    pub(crate) tokens: TokenResponse,
    pub(crate) sent: Moment,
    pub(crate) status: u16,
}

/// No tokens.
pub(crate) struct NoTokens {
    pub(crate) error: Error,
    /// The connection broke, rather than the server being slow or answering something else.
    pub(crate) broken: bool,
}

/// Sends one token request on this thread; what is to be told of it afterwards goes into `happened`.
pub(crate) fn answer(context: &Context, grant: &Grant, progress: &Arc<Progress>, happened: &mut Vec<Event>) -> Result<Answered, NoTokens> {
    let started = Instant::now();
    let answered = send(context, grant, progress);
    let odd = answered.as_ref().map_or(&[][..], |answered| &answered.tokens.odd);
    happened.extend(odd.iter().map(|member| Event::ResponseMemberIgnored { member: member.clone() }));
    happened.push(Event::TokenRequest {
        grant: grant.as_str(),
        duration: started.elapsed(),
        sent: progress.is_sent(),
        error: answered.as_ref().err().map(|none| none.error.code()),
    });
    answered
}

fn send(context: &Context, grant: &Grant, progress: &Arc<Progress>) -> Result<Answered, NoTokens> {
    let request = context.credentials.request(&context.token_endpoint, &grant.parameters());
    let sent = context.clock.moment();
    let answer = context.transport.send(&request, progress).and_then(endpoint_response::whole).map_err(|failure| NoTokens {
        broken: failure.kind == FailureKind::ConnectionLost,
        error: asked(context, grant, &context.token_endpoint, |asked| asked.failed(failure)),
    })?;
    let status = answer.status;
    let broken = matches!(&answer.body, Body::CutShort(_, failure) if failure.kind == FailureKind::ConnectionLost);
    match asked(context, grant, &context.token_endpoint, |asked| asked.judge(&answer)) {
        Ok(tokens) => Ok(Answered { tokens, sent, status }),
        Err(error) => Err(NoTokens { error, broken }),
    }
}

/// `judge` with what an answer of this endpoint to this grant must not show.
pub(crate) fn asked<T>(context: &Context, grant: &Grant, endpoint: &str, judge: impl FnOnce(&ResponseContext<'_>) -> T) -> T {
    let mut secrets = grant.secrets();
    secrets.extend(context.credentials.secret().map(|secret| Secret::from(secret.reveal())));
    judge(&ResponseContext {
        grant,
        endpoint,
        authentication: context.credentials.method(),
        is_keycloak: context.is_keycloak,
        secrets: &secrets,
    })
}

/// `SERVER_UNAVAILABLE` is 429 and a realm that is switched off: neither has looked at the code.
pub(crate) fn is_unspent(error: &Error) -> bool {
    match error.code() {
        ErrorCode::Transport | ErrorCode::Timeout | ErrorCode::Certificate | ErrorCode::Busy | ErrorCode::ServerUnavailable => true,
        ErrorCode::Cancelled => error.retryable(),
        // Without a response nobody has looked at it: a setting, a proxy or TLS was in the way.
        ErrorCode::InvalidArgument | ErrorCode::WrongEndpoint | ErrorCode::Unsupported => error.status().is_none(),
        _ => false,
    }
}

/// Asks the server to end what this refresh token stands for (RFC 7009). A server that does not know the token has ended it
/// already.
pub(crate) fn revoke(context: &Context, refresh_token: &RefreshToken) -> Result<LogoutOutcome> {
    let Some(endpoint) = &context.metadata.revocation_endpoint else { return Ok(LogoutOutcome::LocalOnly) };
    let parameters = [("token", refresh_token.reveal()), ("token_type_hint", "refresh_token")];
    let request = context.credentials.request(endpoint, &parameters);
    let grant = Grant::stored(refresh_token, None)?;
    let response = match context.transport.send(&request, &Arc::default()) {
        Ok(response) if (200..300).contains(&response.status) => return Ok(LogoutOutcome::Revoked),
        sent => sent.and_then(endpoint_response::whole),
    };
    asked(context, &grant, endpoint, |asked| match response {
        Ok(response) => match asked.judge(&response) {
            Err(error) if error.code() == ErrorCode::LoginRequired => Ok(LogoutOutcome::Revoked),
            Err(error) if error.is_unexplained_refusal() => {
                let message =
                    format!("{endpoint} refused to end the login without a reason (status {}); check the client", response.status);
                Err(Error::new(ErrorCode::Oauth, message).with_status(response.status))
            }
            Err(error) => Err(error),
            Ok(_) => Ok(LogoutOutcome::Revoked),
        },
        Err(failure) => Err(asked.failed(failure)),
    })
}
