//! Planted mistakes that the model and the simulation share.

use sipgate_oauth2_protocol::error::{Error, ErrorCode};
use sipgate_oauth2_protocol::openid::identity::EndedSession;
use sipgate_oauth2_protocol::refresh::action::{Action, Observation};
use sipgate_oauth2_protocol::refresh::local_state::LocalState;
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::Stored;
use sipgate_oauth2_protocol::refresh::reply::Reply;
use sipgate_oauth2_protocol::time::Moment;

/// The longest gap between two loads of a claim that is waited for, in milliseconds.
const GAP: usize = 2_000;

/// The version of the claim that was last loaded, and when.
pub(crate) type Watching = Option<(String, u64)>;

/// Lets a claim count as watched since its last load, as if the store had responded all the time.
pub(crate) fn bridge_gap(watching: &mut Watching, local: &mut LocalState, found: &Stored, now: Moment) {
    if found.record.claim.is_none() {
        return;
    }
    if let Some((version, last)) = watching.as_ref().filter(|(version, _)| *version == found.version) {
        (*last..now.mono).step_by(GAP).for_each(|mono| {
            local.has_watched(version, u64::MAX, Moment { mono, ..now });
        });
    }
    *watching = Some((found.version.clone(), now.mono));
}

/// An operation before it claimed, and the observation that made it claim.
pub(crate) type BeforeClaim = Option<Box<(Operation, Observation)>>;

/// Dates the claim from now, when the store has responded, and not from before its write.
pub(crate) fn date_claim_now(before_claim: &mut BeforeClaim, operation: &mut Operation, local: &mut LocalState, now: Moment) {
    let Some((mut again, observation)) = before_claim.take().map(|before| *before) else { return };
    let mut then = local.clone();
    if let Action::Swap { .. } = again.decide(&mut then, observation, now) {
        *operation = again;
        *local = then;
    }
}

/// What is left of a response whose tokens are dropped because its ID token is bad.
pub(crate) fn dropped() -> Reply {
    Reply::Refused(Error::new(ErrorCode::IdToken, "a bad ID token"))
}

/// The end of all sessions of the user, also of those that begin later.
pub(crate) fn every_session(subject: &str) -> EndedSession {
    EndedSession { session: None, subject: Some(subject.to_owned()), issued_at: i64::MAX }
}
