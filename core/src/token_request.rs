//! One token request on a thread of the library's, from its start to its outcome.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Event;
use crate::oauth::answer::Asked;
use crate::oauth::grant::Grant;
use crate::oauth::token::TokenSet;
use crate::running::{Outcome, Running};
use crate::secret::Secret;
use crate::worker;

/// One token request, from its start to its outcome.
pub(crate) struct TokenRequest {
    client: Client,
    grant: Grant,
    /// Taken by whoever ends the request first: given back later, it could free a pending login that is in use again.
    unspent: Mutex<Option<Unspent>>,
}

type Unspent = Box<dyn FnOnce() + Send>;

impl TokenRequest {
    /// Starts the request. `unspent` is called when the code or token was certainly not spent.
    pub(crate) fn start(client: Client, grant: Grant, unspent: impl FnOnce() + Send + 'static) -> Result<Running<TokenSet>> {
        let request = Arc::new(Self { client, grant, unspent: Mutex::new(Some(Box::new(unspent))) });
        let asked = Arc::clone(&request);
        let (running, outcome) = Running::new(move |why, reached| {
            let error = asked.asked(|asked| asked.given_up(why, reached));
            asked.settle(Some(&error));
            error
        });
        let queued = Arc::clone(&request);
        worker::run(move || queued.run(&outcome)).inspect_err(|error| request.settle(Some(error)))?;
        Ok(running)
    }

    fn run(&self, outcome: &Outcome<TokenSet>) {
        if outcome.progress().is_abandoned() {
            return;
        }
        let started = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| self.send(outcome))).unwrap_or_else(|_| Err(Error::caught_panic("a token request")));
        self.settle(result.as_ref().err());
        let event = Event::TokenRequest {
            grant: self.grant.as_str(),
            duration: started.elapsed(),
            sent: outcome.progress().is_sent(),
            error: result.as_ref().err().map(Error::code),
        };
        outcome.put(result);
        self.client.0.events.emit(&event);
    }

    fn send(&self, outcome: &Outcome<TokenSet>) -> Result<TokenSet> {
        let inner = &self.client.0;
        let request = inner.credentials.request(&inner.endpoints.token, &self.grant.parameters());
        let sent_at = inner.clock.unix_seconds();
        let answer = match inner.transport.send(&request, outcome.progress()) {
            Ok(answer) => answer,
            Err(failure) => return Err(self.asked(|asked| asked.failed(failure))),
        };
        let status = answer.status;
        let tokens = self.asked(|asked| asked.judge(&answer))?;
        for member in tokens.odd.iter().copied() {
            inner.events.emit(&Event::OddAnswer { member });
        }
        self.grant.complete(tokens, sent_at).map_err(|error| error.with_status(status))
    }

    fn asked<T>(&self, judge: impl FnOnce(&Asked<'_>) -> T) -> T {
        let inner = &self.client.0;
        let mut secrets = self.grant.secrets();
        secrets.extend(inner.credentials.secret().map(|secret| Secret::from(secret.reveal())));
        judge(&Asked { grant: &self.grant, endpoint: &inner.endpoints.token, secrets: &secrets })
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

/// `SERVER_UNAVAILABLE` is 429 and a realm that is switched off: neither has looked at the code.
fn is_unspent(error: &Error) -> bool {
    match error.code() {
        ErrorCode::Transport | ErrorCode::Timeout | ErrorCode::Certificate | ErrorCode::Busy | ErrorCode::ServerUnavailable => true,
        ErrorCode::Cancelled => error.retryable(),
        _ => false,
    }
}
