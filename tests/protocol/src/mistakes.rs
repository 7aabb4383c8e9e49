//! Deliberate mistakes that both the model and the simulation make around the decisions, when they
//! are told to.

use sipgate_oauth2_protocol::refresh::action::{Action, Observation};
use sipgate_oauth2_protocol::refresh::local_state::LocalState;
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::Stored;
use sipgate_oauth2_protocol::time::Moment;

/// As long as the store may be silent for somebody who watches a claim, in milliseconds.
const GAP: usize = 2_000;

/// A claim that was loaded, under which version, and when.
pub(crate) type Watching = Option<(String, u64)>;

/// A claim counts as watched since it was last loaded, as if the store had is_reported all the time.
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

/// A operation before it asked for its claim, and what made it purpose.
pub(crate) type BeforeClaim = Option<Box<(Operation, Observation)>>;

/// What was claimed counts as claimed only now that the store has is_reported.
pub(crate) fn date_claim_now(before_claim: &mut BeforeClaim, operation: &mut Operation, local: &mut LocalState, now: Moment) {
    let Some((mut again, observation)) = before_claim.take().map(|before| *before) else { return };
    let mut then = local.clone();
    if let Action::Swap { .. } = again.decide(&mut then, observation, now) {
        *operation = again;
        *local = then;
    }
}
