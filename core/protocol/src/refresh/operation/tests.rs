//! The rules of the protocol, one by one, as scenes with one process and whatever else happens around it.

mod answers;
mod commit;
mod exclusion;
mod harness;
mod idle;
mod judging;
mod log_in;
mod logout;
mod lost_writes;
mod sending;
mod waiting;

use std::time::Duration;

use self::harness::{LIFE_MILLISECONDS, Rig, START, claim, error, login, tokens, tomb};
use crate::error::{ErrorCode, Result};
use crate::oauth::token_set::TokenSet;
use crate::refresh::action::{Action, Goal, Observation};
use crate::refresh::local_state::{Attempted, Decision, TokenRequirements};
use crate::refresh::record::{Claim, Record, State, StoredError, digest_of, lease};
use crate::refresh::reply::{Received, Reply};

fn token_of(record: &Record) -> &str {
    record.refresh_token.as_ref().expect("a refresh token").reveal()
}

fn code(outcome: Result<bool>) -> ErrorCode {
    outcome.expect_err("an error").code()
}

/// Renews; `meanwhile` happens after the request was sent.
fn renew_while(rig: &mut Rig, reply: impl Fn(&Rig) -> Reply, mut meanwhile: impl FnMut(&mut Rig)) -> Result<bool> {
    rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| {
        matches!(action, Action::Refresh(_)).then(|| {
            let reply = reply(rig);
            meanwhile(rig);
            Observation::Replied(reply)
        })
    })
}

fn rejected(_: &Rig) -> Reply {
    Reply::Rejected(error(ErrorCode::LoginRequired))
}

fn broken(_: &Rig) -> Reply {
    Reply::ConnectionLost(error(ErrorCode::OutcomeUnknown))
}

fn in_doubt(_: &Rig) -> Reply {
    Reply::OutcomeUnknown(error(ErrorCode::OutcomeUnknown))
}
