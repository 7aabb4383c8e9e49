//! One token request on a thread of the library's, from its start to its outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Event;
use crate::oauth::answer::{self, Asked};
use crate::oauth::grant::Grant;
use crate::oauth::message::{Body, FailureKind};
use crate::oauth::token::{TokenAnswer, TokenSet};
use crate::process::PerProcess;
use crate::refresh::moment::Moment;
use crate::running::{Outcome, Progress, Running};
use crate::secret::Secret;
use crate::sync::{Instant, Mutex};
use crate::worker::pool;
use crate::worker::servers::Servers;
use crate::worker::turns::{Turn, Turns};

/// One token request, from its start to its outcome.
pub(crate) struct TokenRequest {
    client: Client,
    grant: Grant,
    /// Taken by whoever ends the request first: given back later, it could free a pending login that is in use again.
    unspent: Mutex<Option<Unspent>>,
}

type Unspent = Box<dyn FnOnce() + Send>;

impl TokenRequest {
    /// Starts the request, once `before` has had its way. `unspent` is called when the code or token was certainly not spent.
    pub(crate) fn start(
        client: Client,
        grant: Grant,
        before: impl FnOnce() -> Result<()> + Send + 'static,
        unspent: impl FnOnce() + Send + 'static,
    ) -> Result<Running<TokenSet>> {
        let request = Arc::new(Self { client, grant, unspent: Mutex::new(Some(Box::new(unspent))) });
        let given_up = Arc::clone(&request);
        let (running, outcome) = Running::new(move |why, reached| {
            let error = asked(&given_up.client, &given_up.grant, &given_up.client.0.endpoints.token, |asked| asked.given_up(why, reached));
            given_up.settle(Some(&error));
            Err(error)
        });
        let queued = Queued { request: Arc::clone(&request), outcome, before: Box::new(before) };
        let turns = turns(&request.client.0.server);
        let started = turns.take(queued, Queued::resume).map_or(Ok(()), |(queued, turn)| queued.start(turn));
        started.inspect_err(|error| request.settle(Some(error)))?;
        Ok(running)
    }

    fn run(&self, outcome: &Outcome<TokenSet>, before: Before) {
        if outcome.progress().is_abandoned() {
            return;
        }
        let mut happened = Vec::new();
        let result = catch_unwind(AssertUnwindSafe(|| before().and_then(|()| self.send(outcome, &mut happened))))
            .unwrap_or_else(|_| Err(Error::caught_panic("a token request")));
        self.settle(result.as_ref().err());
        outcome.put(result);
        happened.iter().for_each(|event| self.client.0.events.emit(event));
    }

    fn send(&self, outcome: &Outcome<TokenSet>, happened: &mut Vec<Event>) -> Result<TokenSet> {
        let answered = answer(&self.client, &self.grant, outcome.progress(), happened).map_err(|none| none.error)?;
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

/// A request that waits for its turn.
struct Queued {
    request: Arc<TokenRequest>,
    outcome: Outcome<TokenSet>,
    before: Before,
}

impl Queued {
    fn resume(self, turn: Turn) {
        let (request, outcome) = (Arc::clone(&self.request), self.outcome.clone());
        if let Err(error) = self.start(turn) {
            request.settle(Some(&error));
            outcome.put(Err(error));
        }
    }

    fn start(self, turn: Turn) -> Result<()> {
        pool::run(move || {
            self.request.run(&self.outcome, self.before);
            drop(turn);
        })
    }
}

/// The turns of the single steps at a server. Logins in a store have their own: whatever holds them up holds up no others.
fn turns(server: &str) -> Arc<Turns> {
    static SERVERS: PerProcess<Servers> = PerProcess::new();
    SERVERS.get_or_make(Servers::default).turns(server)
}

/// A token answer that is yet to be completed and judged.
pub(crate) struct Answered {
    pub(crate) tokens: TokenAnswer,
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
pub(crate) fn answer(client: &Client, grant: &Grant, progress: &Arc<Progress>, happened: &mut Vec<Event>) -> Result<Answered, NoTokens> {
    let started = Instant::now();
    let answered = send(client, grant, progress);
    let odd = answered.as_ref().map_or(&[][..], |answered| &answered.tokens.odd);
    happened.extend(odd.iter().map(|member| Event::OddAnswer { member: member.clone() }));
    happened.push(Event::TokenRequest {
        grant: grant.as_str(),
        duration: started.elapsed(),
        sent: progress.is_sent(),
        error: answered.as_ref().err().map(|none| none.error.code()),
    });
    answered
}

fn send(client: &Client, grant: &Grant, progress: &Arc<Progress>) -> Result<Answered, NoTokens> {
    let inner = &client.0;
    let request = inner.credentials.request(&inner.endpoints.token, &grant.parameters());
    let sent = inner.clock.moment();
    let answer = inner.transport.send(&request, progress).and_then(answer::whole).map_err(|failure| NoTokens {
        broken: failure.kind == FailureKind::Broken,
        error: asked(client, grant, &inner.endpoints.token, |asked| asked.failed(failure)),
    })?;
    let status = answer.status;
    let broken = matches!(&answer.body, Body::CutShort(_, failure) if failure.kind == FailureKind::Broken);
    match asked(client, grant, &inner.endpoints.token, |asked| asked.judge(&answer)) {
        Ok(tokens) => Ok(Answered { tokens, sent, status }),
        Err(error) => Err(NoTokens { error, broken }),
    }
}

/// `judge` with what an answer of this endpoint to this grant must not show.
pub(crate) fn asked<T>(client: &Client, grant: &Grant, endpoint: &str, judge: impl FnOnce(&Asked<'_>) -> T) -> T {
    let mut secrets = grant.secrets();
    secrets.extend(client.0.credentials.secret().map(|secret| Secret::from(secret.reveal())));
    judge(&Asked {
        grant,
        endpoint,
        authentication: client.0.credentials.method(),
        is_keycloak: client.0.endpoints.is_keycloak,
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
