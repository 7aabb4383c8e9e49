//! The record that a reply to a refresh makes of the one that is stored.

use super::action::OperationContext;
use super::local_state::LocalState;
use super::record::{Failure, Record, State, Stored, StoredError, digest_of};
use super::reply::{Received, ReceivedIdToken};
use crate::error::Error;
use crate::secret::RefreshToken;

/// The record to store in place of the one found; `None` if that one stays (I3, I4).
///
/// `ours` is the record under whose claim the request was sent.
pub(super) fn committed(
    ours: &Record,
    received: &Received,
    local: &LocalState,
    found: Option<&Stored>,
    context: &OperationContext,
) -> Option<Record> {
    let stored = found.map(|found| &*found.record);
    // A login may be in progress without the lock: a logout must still see its claim (I15).
    let claim = stored.and_then(|stored| stored.claim.clone()).filter(|claim| claim.login);
    match stored {
        Some(stored) if stored.is_logged_out() => {
            // The logout then ends the right session (I14).
            let is_ours = stored.grant_id == ours.grant_id && stored.refresh_token == ours.refresh_token;
            return is_ours.then(|| Record { refresh_token: next_token(ours, received), claim, ..stored.clone() });
        }
        Some(stored) if stored.grant_id == ours.grant_id && stored.generation > ours.generation => return None,
        Some(stored) if stored.grant_id != ours.grant_id && !local.has_ended(&stored.grant_id) => return None,
        // The same revision; or the store lost a write and holds an older one or a grant that
        // ended.
        _ => {}
    }
    // What was judged since the request was sent stays judged (I16).
    let ours = stored.filter(|stored| stored.same_revision(ours)).unwrap_or(ours);
    let generation = stored.map_or(0, |stored| stored.generation).max(ours.generation) + 1;
    // This process saw the login logged out, and the store has lost that (I9).
    if let Some(tombstone) = local.record().filter(|local| local.is_logged_out() && local.grant_id == ours.grant_id) {
        let (account, refresh_token) = (ours.account.clone(), next_token(ours, received));
        return Some(Record { account, generation, refresh_token, claim, ..tombstone.clone() });
    }
    let mut next = Record {
        generation,
        state: State::Active,
        refresh_token: next_token(ours, received),
        failure: None,
        claim,
        sent_at: received.sent.wall,
        ..ours.clone()
    };
    match &received.tokens {
        Ok(tokens) => {
            next.tokens = Some(tokens.clone());
            // One that was not judged belongs to the access token beside it, which is replaced.
            next.unjudged = None;
            match &received.id_token {
                ReceivedIdToken::Absent => {}
                ReceivedIdToken::Accepted(identity) => {
                    next.identity.get_or_insert_with(|| identity.clone().into());
                }
                ReceivedIdToken::Unjudged(token) => next.unjudged = Some(token.clone()),
            }
        }
        Err(error) => {
            // The old access token is still usable.
            next.sent_at = ours.sent_at;
            next.failure = Some(Failure::after(ours.failure.as_ref(), error, context.credentials, received.sent, context.jitter));
        }
    }
    Some(next)
}

fn next_token(ours: &Record, received: &Received) -> Option<RefreshToken> {
    received.refresh_token.clone().or_else(|| ours.refresh_token.clone())
}

/// The stored record, marked as rejected. Its tokens stay (I5).
pub(super) fn rejected(stored: &Record, error: &Error) -> Record {
    let token_digest = stored.refresh_token.as_ref().map(|token| digest_of(token.reveal())).unwrap_or_default();
    let state = State::Rejected { token_digest, reason: StoredError::from(error) };
    Record { state, claim: None, failure: None, ..stored.clone() }
}
