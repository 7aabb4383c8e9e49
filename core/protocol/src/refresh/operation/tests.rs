//! The rules of the protocol, each as a scene with one process and a script of what else happens.

mod commit;
mod deciding;
mod ended_sessions;
mod exclusion;
mod forget;
mod harness;
mod id_tokens;
mod idle;
mod log_in;
mod logout;
mod lost_writes;
mod replies;
mod sending;
mod transitions;
mod waiting;

use std::time::Duration;

use self::harness::{LIFETIME_MILLISECONDS, START, Scene, claim, ended_session, error, identity, login, tokens, tombstone};
use crate::error::{ErrorCode, Result};
use crate::oauth::token_set::TokenSet;
use crate::refresh::action::{Action, Goal, Observation};
use crate::refresh::local_state::{Attempted, Decision, TokenRequirements};
use crate::refresh::record::{Claim, Failure, Record, State, StoredError, digest_of, lease};
use crate::refresh::reply::{Received, ReceivedIdToken, Reply};
use crate::time::Moment;

fn token_of(record: &Record) -> &str {
    record.refresh_token.as_ref().expect("a refresh token").reveal()
}

fn code(outcome: Result<bool>) -> ErrorCode {
    outcome.expect_err("an error").code()
}

/// Refreshes; `meanwhile` runs after the request was sent.
fn refresh_while(scene: &mut Scene, reply: impl Fn(&Scene) -> Reply, mut meanwhile: impl FnMut(&mut Scene)) -> Result<bool> {
    scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
        matches!(action, Action::Refresh(_)).then(|| {
            let reply = reply(scene);
            meanwhile(scene);
            Observation::Replied(reply)
        })
    })
}

fn rejected(_: &Scene) -> Reply {
    Reply::Rejected(error(ErrorCode::LoginRequired))
}

fn connection_lost(_: &Scene) -> Reply {
    Reply::ConnectionLost(error(ErrorCode::OutcomeUnknown))
}

fn outcome_unknown(_: &Scene) -> Reply {
    Reply::OutcomeUnknown(error(ErrorCode::OutcomeUnknown))
}
