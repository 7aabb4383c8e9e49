//! An ID token that was received, and the judgement of it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::claims::Claims;
use protocol::error::{Error, ErrorCode};
use protocol::jose::jwks::KeySet;
use protocol::oauth::authorization_request::IdTokenRequirements;
use protocol::oauth::grants::TokenRequest;
use protocol::oauth::token_set::TokenSet;
use protocol::openid::id_token::{self, Expected, Judgement};
use protocol::openid::identity::Identity;
use protocol::refresh::record::Record;
use protocol::secret::{AccessToken, IdToken};

use super::with_keys::{self, Judged};
use crate::context::Context;
use crate::sys::sync::Mutex;
use crate::worker::timer;

/// An ID token, and what it must say.
#[derive(Clone)]
pub(crate) struct UnjudgedIdToken {
    pub(crate) id_token: IdToken,
    /// The access token beside it.
    pub(crate) access_token: AccessToken,
    /// What the authorization request asked for; for a refresh, nothing.
    pub(crate) requirements: IdTokenRequirements,
    /// What the first ID token of the login says.
    pub(crate) previous: Option<Identity>,
}

impl UnjudgedIdToken {
    /// The ID token of a response to this request; `None` if none has to be judged.
    pub(crate) fn of(request: &TokenRequest, tokens: &TokenSet, previous: Option<Identity>) -> Option<Self> {
        let id_token = tokens.id_token().filter(|_| request.must_be_judged(tokens) || (previous.is_some() && !tokens.id_token_kept()))?;
        Some(Self {
            id_token: id_token.clone(),
            access_token: tokens.access_token().clone(),
            requirements: request.id_token_requirements().clone(),
            previous,
        })
    }

    /// The ID token that was stored before it could be judged.
    pub(crate) fn stored(record: &Record) -> Option<Self> {
        Some(Self {
            id_token: record.unjudged.clone()?,
            access_token: record.tokens.as_ref()?.access_token().clone(),
            requirements: IdTokenRequirements::default(),
            previous: record.identity.as_deref().cloned(),
        })
    }
}

/// The outcome of a judgement.
#[derive(Clone)]
pub(crate) enum Outcome {
    Accepted(Claims),
    Refused(Error),
    /// The signature does not verify with any key that is known. Newer keys can be fetched in a
    /// minute.
    KeyUnknown(Error),
    /// There are no keys yet, and why.
    NotYet(Error),
}

impl UnjudgedIdToken {
    /// The outcome with the keys that are known.
    pub(crate) fn judge_at_once(&self, context: &Arc<Context>) -> Outcome {
        with_keys::at_hand(context, |keys| self.outcome(context, keys)).unwrap_or_else(|| Outcome::NotYet(late_keys()))
    }

    /// The outcome. Newer keys are fetched if the known ones do not suffice.
    pub(crate) fn judge(self, context: &Arc<Context>, report: impl FnOnce(Outcome) + Send + 'static) {
        with_keys::newest(
            context,
            move |context, keys| self.outcome(context, keys),
            |judged| {
                report(match judged {
                    Judged::Known(outcome) => outcome,
                    Judged::NotVerified => Outcome::Refused(id_token::not_verified()),
                    Judged::KeyUnknown => Outcome::KeyUnknown(key_unknown()),
                    Judged::NotYet(error) => Outcome::NotYet(error),
                });
            },
        );
    }

    /// As [`judge`](Self::judge), but reports after `patience` if there is no outcome by then.
    pub(crate) fn judge_within(self, patience: Duration, context: &Arc<Context>, report: impl FnOnce(Outcome) + Send + 'static) {
        let report = Arc::new(Mutex::new(Some(report)));
        let once = |report: &Mutex<Option<_>>| report.lock().unwrap_or_else(PoisonError::into_inner).take();
        let late = Arc::clone(&report);
        timer::after(patience, move || {
            if let Some(report) = once(&late) {
                report(Outcome::NotYet(late_keys()));
            }
        });
        self.judge(context, move |outcome| {
            if let Some(report) = once(&report) {
                report(outcome);
            }
        });
    }

    fn outcome(&self, context: &Context, keys: Option<&KeySet>) -> Option<Outcome> {
        let requirements = &self.requirements;
        let expected = Expected {
            nonce: requirements.nonce.as_deref(),
            access_token: Some(&self.access_token),
            max_age: requirements.max_age,
            auth_time: requirements.auth_time,
            acr_values: &requirements.acr_values,
            previous: self.previous.as_ref(),
        };
        let now = context.clock.unix_seconds();
        match id_token::judge(&self.id_token, &context.token_rules, expected, keys, now) {
            Judgement::Accepted(claims) => Some(Outcome::Accepted(claims)),
            Judgement::Refused(error) => Some(Outcome::Refused(error)),
            Judgement::NoKey => None,
        }
    }
}

/// The error of a login whose ID token cannot be judged yet.
pub(crate) fn not_judged(cause: &Error) -> Error {
    let message = format!("the login is not finished: its ID token cannot be verified without the server's keys ({cause})");
    let error = Error::new(ErrorCode::ServerUnavailable, message).with_retry_after(cause.retry_after());
    match cause.status() {
        Some(status) => error.with_status(status),
        None => error,
    }
}

/// The error of a refresh whose ID token is bad.
pub(crate) fn quarantined(cause: &Error) -> Error {
    let message = format!("the new access token is not handed out, because the ID token beside it is bad ({cause})");
    Error::new(ErrorCode::Quarantined, message)
}

/// Newer keys may come, so it is not certain that the ID token is bad.
fn key_unknown() -> Error {
    let message = "signature: it does not verify with any known key of the server, and keys were fetched less than a minute ago; try again in a minute";
    Error::new(ErrorCode::ServerUnavailable, message).with_retry_after(Duration::from_secs(60))
}

fn late_keys() -> Error {
    Error::new(ErrorCode::Timeout, "the server's keys were not received in time")
}
