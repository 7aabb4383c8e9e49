//! What an answer makes of the record that is there.

use super::action::OperationContext;
use super::local_state::LocalState;
use super::record::{Failure, Record, State, Stored, StoredError, digest_of};
use super::reply::Received;
use crate::error::Error;
use crate::secret::RefreshToken;

/// What a refresh's tokens make of what is there; nothing, when what is there stands.
pub(super) fn committed(
    ours: &Record,
    received: &Received,
    known: &LocalState,
    found: Option<&Stored>,
    ticket: &OperationContext,
) -> Option<Record> {
    let there = found.map(|found| &*found.record);
    // A login may have gone on meanwhile: a logout must still see it.
    let claim = there.and_then(|there| there.claim.clone()).filter(|claim| claim.login);
    match there {
        Some(there) if there.is_ended() => {
            // The logout shall end the right session.
            let ours_was_buried = there.grant_id == ours.grant_id && there.refresh_token == ours.refresh_token;
            return ours_was_buried.then(|| Record { refresh_token: next_token(ours, received), claim, ..there.clone() });
        }
        Some(there) if there.grant_id == ours.grant_id && there.generation > ours.generation => return None,
        Some(there) if there.grant_id != ours.grant_id && !known.is_gone(&there.grant_id) => return None,
        // The same lineage; or older, forked, or a grant that was replaced: the store lost a write.
        _ => {}
    }
    let generation = there.map_or(0, |there| there.generation).max(ours.generation) + 1;
    // This process has seen it end, and the store has lost that.
    if let Some(tomb) = known.record().filter(|known| known.is_ended() && known.grant_id == ours.grant_id) {
        return Some(Record { generation, refresh_token: next_token(ours, received), claim, ..tomb.clone() });
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
        Ok(tokens) => next.tokens = Some(tokens.clone()),
        Err(error) => {
            // The access token in hand is as good as it was.
            next.sent_at = ours.sent_at;
            next.failure = Some(Failure::after(ours.failure.as_ref(), error, ticket.credentials, received.sent, ticket.jitter));
        }
    }
    Some(next)
}

fn next_token(ours: &Record, received: &Received) -> Option<RefreshToken> {
    received.refresh_token.clone().or_else(|| ours.refresh_token.clone())
}

/// The server does not accept the refresh token that is there.
pub(super) fn buried(there: &Record, error: &Error) -> Record {
    let refused = there.refresh_token.as_ref().map(|token| digest_of(token.reveal())).unwrap_or_default();
    Record { state: State::Rejected { refused, reason: StoredError::from(error) }, claim: None, failure: None, ..there.clone() }
}
