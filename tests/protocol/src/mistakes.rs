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

/// A claim counts as watched since it was last loaded, as if the store had answered all the time.
pub(crate) fn watch_on(watching: &mut Watching, known: &mut LocalState, found: &Stored, now: Moment) {
    if found.record.claim.is_none() {
        return;
    }
    if let Some((version, last)) = watching.as_ref().filter(|(version, _)| *version == found.version) {
        (*last..now.mono).step_by(GAP).for_each(|mono| {
            known.has_watched(version, u64::MAX, Moment { mono, ..now });
        });
    }
    *watching = Some((found.version.clone(), now.mono));
}

/// A flight before it asked for its claim, and what made it ask.
pub(crate) type Claiming = Option<Box<(Operation, Observation)>>;

/// What was claimed counts as claimed only now that the store has answered.
pub(crate) fn claim_now(claiming: &mut Claiming, flight: &mut Operation, known: &mut LocalState, now: Moment) {
    let Some((mut again, seen)) = claiming.take().map(|before| *before) else { return };
    let mut then = known.clone();
    if let Action::Swap { .. } = again.decide(&mut then, seen, now) {
        *flight = again;
        *known = then;
    }
}
