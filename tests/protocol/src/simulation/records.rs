//! Token numbers in records, and descriptions for the trace.

use sipgate_oauth2_protocol::refresh::action::{Action, Observation};
use sipgate_oauth2_protocol::refresh::record::Record;
use sipgate_oauth2_protocol::refresh::reply::{Received, Reply};

/// The number of a record's access token at the server.
pub(super) fn access_of(record: &Record) -> Option<usize> {
    record.tokens.as_ref().and_then(|tokens| tokens.access_token().reveal()[1..].parse().ok())
}

pub(super) fn refresh_of(record: &Record) -> Option<usize> {
    record.refresh_token.as_ref().and_then(|token| token.reveal()[1..].parse().ok())
}

/// The number of the tokens whose ID token is not judged.
pub(super) fn unjudged_of(record: &Record) -> Option<usize> {
    record.unjudged.as_ref().and_then(|token| token.reveal()[1..].parse().ok())
}

/// The number of the tokens in a response, whatever else is wrong with it.
pub(super) fn token_of(received: &Received) -> Option<usize> {
    let access = received.tokens.as_ref().ok().map(|tokens| tokens.access_token().reveal());
    let text = access.or(received.refresh_token.as_ref().map(|token| token.reveal()))?;
    text[1..].parse().ok()
}

pub(super) fn describe_observation(observation: &Observation) -> String {
    match observation {
        Observation::Loaded(None) => "nothing".into(),
        Observation::Loaded(Some(found)) => format!("{} {}", found.version, describe_record(&found.record)),
        Observation::Replied(Reply::Tokens(received)) => match &received.tokens {
            Ok(_) => format!("tokens {:?}", token_of(received)),
            Err(error) => format!("tokens {:?}, not usable: {}", token_of(received), error.code()),
        },
        Observation::Replied(Reply::Rejected(error)) => format!("rejected: {error}"),
        Observation::Replied(Reply::Refused(error)) => format!("refused: {error}"),
        Observation::Replied(Reply::ConnectionLost(_)) => "connection lost".into(),
        Observation::Replied(Reply::OutcomeUnknown(error)) => format!("outcome unknown: {error}"),
        other => format!("{other:?}"),
    }
}

pub(super) fn describe_action(action: &Action) -> String {
    match action {
        Action::Swap { expected, record } => format!("swap {} for {}", expected.as_deref().unwrap_or("nothing"), describe_record(record)),
        Action::Refresh(record) => format!("refresh with {:?}", refresh_of(record)),
        Action::Judge(record) => format!("judge {:?}", unjudged_of(record)),
        other => format!("{other:?}"),
    }
}

pub(super) fn describe_record(record: &Record) -> String {
    let state = if record.is_active() {
        "active"
    } else if record.is_logged_out() {
        "logged out"
    } else {
        "rejected"
    };
    let claim = record.claim.as_ref().map_or(String::new(), |claim| format!(", claimed by {} of {}", claim.owner, claim.instance));
    let failure = record.failure.as_ref().map_or(String::new(), |failure| format!(", {} failures", failure.count));
    let (access, refresh) = (access_of(record), refresh_of(record));
    let unjudged = if record.unjudged.is_some() { " (unjudged)" } else { "" };
    format!(
        "[{} generation {} {state}, access {}{unjudged}, refresh {}{claim}{failure}]",
        record.grant_id,
        record.generation,
        access.map_or("none".into(), |token| token.to_string()),
        refresh.map_or("none".into(), |token| token.to_string()),
    )
}
