//! Judging with the server's keys: with those that are known, or with newer ones.

use std::sync::Arc;

use protocol::error::{Error, Result};
use protocol::jose::jwks::KeySet;
use protocol::openid::logout_token::{self, LogoutJudgement, LogoutToken};

use crate::context::Context;
use crate::keys::KeysAtHand;

/// The outcome of a judgement with keys.
pub(crate) enum Judged<T> {
    /// The verdict.
    Known(T),
    /// The signature does not verify with any of the server's newest keys.
    NotVerified,
    /// The signature does not verify with any key that is known, and it is too early to fetch newer
    /// ones.
    KeyUnknown,
    /// There are no keys yet, and why.
    NotYet(Error),
}

/// Judges with the keys that are known. `judge` returns `None` if they do not suffice.
pub(crate) fn at_hand<T>(context: &Arc<Context>, judge: impl FnOnce(Option<&KeySet>) -> Option<T>) -> Option<T> {
    let keys = context.keys.at_hand(context.clock.mono());
    if let Some(keys) = &keys {
        context.keys.keep_fresh(context.clone(), keys);
    }
    judge(keys.as_ref().map(KeysAtHand::keys))
}

/// Judges with the keys that are known, and if they do not suffice, with newer ones.
pub(crate) fn newest<T>(
    context: &Arc<Context>,
    judge: impl Fn(&Context, Option<&KeySet>) -> Option<T> + Send + 'static,
    report: impl FnOnce(Judged<T>) + Send + 'static,
) {
    let keys = context.keys.at_hand(context.clock.mono());
    if let Some(known) = judge(context, keys.as_ref().map(KeysAtHand::keys)) {
        return report(Judged::Known(known));
    }
    let (with, seen) = (Arc::clone(context), keys.clone());
    context.keys.newer(context.clone(), keys.as_ref(), move |newer| {
        report(match newer {
            Ok(newer) if newer.is(seen.as_ref()) => Judged::KeyUnknown,
            Ok(newer) => judge(&with, Some(newer.keys())).map_or(Judged::NotVerified, Judged::Known),
            Err(error) => Judged::NotYet(error),
        });
    });
}

/// Judges a logout token.
pub(crate) fn judge_logout(context: &Arc<Context>, token: String, report: impl FnOnce(Result<LogoutToken>) + Send + 'static) {
    let judge = move |context: &Context, keys: Option<&KeySet>| match logout_token::judge(
        &token,
        &context.token_rules,
        keys,
        context.clock.unix_seconds(),
    ) {
        LogoutJudgement::Accepted(token) => Some(Ok(token)),
        LogoutJudgement::Refused(error) => Some(Err(error)),
        LogoutJudgement::NoKey => None,
    };
    newest(context, judge, |judged| {
        report(match judged {
            Judged::Known(judged) => judged,
            Judged::NotVerified | Judged::KeyUnknown => Err(logout_token::not_verified()),
            Judged::NotYet(error) => Err(error),
        });
    });
}
