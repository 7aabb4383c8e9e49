//! The stored state of one account's login: what every process that shares the store agrees on.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::crypto::{hex, sha256};
use crate::error::{Error, ErrorCode, OauthError, Remedy, Result};
use crate::oauth::token_set::TokenSet;
use crate::secret::RefreshToken;
use crate::time::Moment;

/// The format that this version writes. It changes by addition; members that it does not know are kept.
const FORMAT: u32 = 1;

/// Past this age a claim is not acted upon any more: what is sent under it must end before others may take it over.
pub const CLAIM_MILLISECONDS: u64 = 40_000;

/// How long a token request may take, unless the application says otherwise.
pub const REQUEST_MILLISECONDS: u64 = 30_000;

/// The lease of a claim by an owner whose requests may take that long.
pub const LEASE_MILLISECONDS: u64 = lease(REQUEST_MILLISECONDS);

/// How long a lease must be to outlive what its owner may still have under way: what is sent at the last moment, and a margin.
pub const fn lease(request_milliseconds: u64) -> u64 {
    CLAIM_MILLISECONDS + request_milliseconds + 5_000
}

/// The longest that a refresh waits after failures, and the longest `Retry-After` that is honoured.
const LONGEST_BACKOFF_MILLISECONDS: u64 = 30_000;
const LONGEST_RETRY_AFTER_MILLISECONDS: u64 = 3_600_000;

/// Whose login it is: what a key is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    pub issuer: String,
    pub client_id: String,
    pub account: String,
}

/// So many refusals without a reason, one after the other, are an end. Something in front of the server may have refused, which has seen no
/// login: so the server is asked again after a while.
pub const UNEXPLAINED_REFUSALS: u32 = 3;
const NEXT_TRY: Duration = Duration::from_secs(300);

/// See the module.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Record {
    pub account: Arc<Account>,
    /// One login: drawn when it was made.
    pub grant_id: String,
    /// The grant that this one took the place of.
    pub replaced: Option<String>,
    /// Counts the token sets stored under this key. Never goes down, also across logins.
    pub generation: u64,
    pub state: State,
    /// What buys the next access token; of a grant that has ended, what is still to be revoked.
    pub refresh_token: Option<RefreshToken>,
    /// What may be handed out.
    pub tokens: Option<TokenSet>,
    /// When the request that brought the tokens was sent, by the wall clock.
    pub sent_at: i64,
    /// What the last refresh failed with, where it did.
    pub failure: Option<Failure>,
    pub claim: Option<Claim>,
    /// Members of a later version's, if there are any.
    pub others: Option<Box<Map<String, Value>>>,
}

#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    /// The server refused the refresh token with this digest.
    #[serde(alias = "dead")]
    Rejected {
        refused: String,
        reason: StoredError,
    },
    /// Logged out, or not there yet.
    #[serde(alias = "ended")]
    LoggedOut,
}

/// "This owner is about to spend this refresh token."
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// Random, drawn for each operation.
    pub owner: String,
    /// The process, by its id and by its start where the system tells it, and the copy of this library within it.
    pub process: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    pub instance: String,
    /// Made under the lock. A login may have gone on without.
    #[serde(default)]
    pub locked: bool,
    /// For the exchange of a code, which no refresh's end puts an end to.
    #[serde(default)]
    pub login: bool,
    /// For how long others must have seen the claim unchanged before they take it over.
    pub lease_milliseconds: u64,
}

/// Why the last refresh failed, and until when the next one waits.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Failure {
    pub reason: StoredError,
    pub count: u32,
    at: i64,
    wait_milliseconds: u64,
    /// The request was sent and may have been carried out.
    pub outcome_unknown: bool,
    /// The credentials that the request was made with, by their fingerprint.
    #[serde(default)]
    credentials: u64,
    /// How often in a row the server has refused the refresh token without a reason.
    #[serde(default)]
    pub unexplained: u32,
}

/// An error as it is kept, for callers who did not see it happen. Boxed, as most logins have none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredError(Box<Kept>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Kept {
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oauth_error_description: Option<String>,
}

/// A record at the version under which the store has it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Stored {
    pub version: String,
    pub record: Arc<Record>,
    /// The process that made the claim in it has certainly ended. A free lock alone does not prove that.
    pub owner_is_gone: bool,
}

impl Stored {
    /// As this process wrote it.
    pub fn new(version: String, record: impl Into<Arc<Record>>) -> Self {
        Self { version, record: record.into(), owner_is_gone: false }
    }
}

impl Record {
    /// The place of a login that is not there yet.
    pub fn vacant(account: impl Into<Arc<Account>>) -> Self {
        Self {
            account: account.into(),
            grant_id: String::new(),
            replaced: None,
            generation: 0,
            state: State::LoggedOut,
            refresh_token: None,
            tokens: None,
            sent_at: 0,
            failure: None,
            claim: None,
            others: None,
        }
    }

    /// The same record; where its account is this one, memory holds its texts once.
    pub fn sharing(mut self, account: &Arc<Account>) -> Self {
        if self.account == *account {
            self.account = Arc::clone(account);
        }
        self
    }

    pub fn is_ended(&self) -> bool {
        self.state == State::LoggedOut
    }

    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// Whether the login is over for refusals without a reason, and the server has not been asked for a while.
    pub fn is_worth_another_try(&self, credentials: u64, now: Moment) -> bool {
        let refused = matches!(self.state, State::Rejected { .. });
        let failure = self.failure.as_ref().filter(|failure| refused && failure.unexplained >= UNEXPLAINED_REFUSALS);
        failure.is_some_and(|failure| failure.wait_left(credentials, now).is_none())
    }

    /// Whether both are the same step of the same login: the lineage.
    pub fn same_lineage(&self, other: &Self) -> bool {
        self.grant_id == other.grant_id && self.generation == other.generation && self.refresh_token == other.refresh_token
    }

    pub fn claimed_by(&self, owner: &str) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.owner == owner)
    }

    /// How long the access token lives, in milliseconds; `None` when it is not known to end.
    pub fn life(&self) -> Option<u64> {
        let ends = self.tokens.as_ref()?.expires_at()?;
        let seconds = ends.saturating_sub(self.sent_at.div_euclid(1000));
        Some(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000))
    }

    pub fn encode(&self) -> Result<Vec<u8>> {
        let tokens = self.tokens.as_ref().map(|tokens| serde_json::from_str(tokens.export().reveal())).transpose();
        let written = tokens.and_then(|tokens| {
            serde_json::to_vec(&Written {
                format: FORMAT,
                account: Account::clone(&self.account),
                grant_id: self.grant_id.clone(),
                replaced: self.replaced.clone(),
                generation: self.generation,
                state: self.state.clone(),
                refresh_token: self.refresh_token.as_ref().map(|token| token.reveal().to_owned()),
                tokens,
                sent_at: self.sent_at,
                failure: self.failure.clone(),
                claim: self.claim.clone(),
                others: self.others.as_deref().cloned().unwrap_or_default(),
            })
        });
        written.map_err(|_| Error::new(ErrorCode::Internal, "a login could not be written as JSON; please report it"))
    }

    /// # Errors
    ///
    /// [`ErrorCode::StoreCorrupt`], and [`ErrorCode::StoreFormat`] for what a newer version wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let Format { format } = serde_json::from_slice(bytes).map_err(|_| corrupt())?;
        if format > FORMAT {
            return Err(Error::new(
                ErrorCode::StoreFormat,
                "the stored login was written by a newer version of sipgate-oauth2; update this one, nothing was changed",
            ));
        }
        let written: Written = serde_json::from_slice(bytes).map_err(|_| corrupt())?;
        let tokens = written.tokens.map(|tokens| TokenSet::restore(&tokens.to_string())).transpose().map_err(|_| corrupt())?;
        Ok(Self {
            account: written.account.into(),
            grant_id: written.grant_id,
            replaced: written.replaced,
            generation: written.generation,
            state: written.state,
            refresh_token: written.refresh_token.map(|text| shared(text, tokens.as_ref())),
            tokens,
            sent_at: written.sent_at,
            failure: written.failure,
            claim: written.claim,
            others: Some(written.others).filter(|others| !others.is_empty()).map(Box::new),
        })
    }
}

/// The refresh token of this text: the one in hand where it is the same, as it most often is, so that memory holds it once.
fn shared(refresh_token: String, tokens: Option<&TokenSet>) -> RefreshToken {
    let read = RefreshToken::from(refresh_token);
    tokens.and_then(TokenSet::refresh_token).filter(|held| **held == read).cloned().unwrap_or(read)
}

fn corrupt() -> Error {
    Error::new(ErrorCode::StoreCorrupt, "the store holds something that is no login; restore it from a copy, nothing was changed")
}

impl Failure {
    /// The next failure after `before`, of a request with these credentials. `jitter` of 0 to 255 spreads those who wait.
    pub fn after(before: Option<&Self>, error: &Error, credentials: u64, now: Moment, jitter: u8) -> Self {
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        let doubled = 1000_u64 << (count - 1).min(5);
        let backoff = doubled.min(LONGEST_BACKOFF_MILLISECONDS) * (256 + u64::from(jitter)) / 512;
        let asked = error.retry_after().map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Self {
            reason: StoredError::from(error),
            count,
            at: now.wall,
            wait_milliseconds: backoff.max(asked.min(LONGEST_RETRY_AFTER_MILLISECONDS)),
            outcome_unknown: error.code() == ErrorCode::OutcomeUnknown,
            credentials,
            unexplained: if error.is_unexplained_refusal() { before.map_or(0, |before| before.unexplained).saturating_add(1) } else { 0 },
        }
    }

    /// After the refusal that is an end.
    pub fn last_straw(before: Option<&Self>, error: &Error, credentials: u64, now: Moment, jitter: u8) -> Self {
        let error = error.clone().with_retry_after(Some(NEXT_TRY));
        Self { unexplained: UNEXPLAINED_REFUSALS, ..Self::after(before, &error, credentials, now, jitter) }
    }

    /// Waiting does not help: somebody must correct the configuration.
    pub fn needs_correction(&self) -> bool {
        self.reason.error().remedy() == Remedy::FixConfiguration
    }

    /// How long the next try with these credentials still waits; nothing when the clock was set back since, or when other credentials failed
    /// because they were wrong.
    pub fn wait_left(&self, credentials: u64, now: Moment) -> Option<u64> {
        if self.credentials != credentials && self.needs_correction() {
            return None;
        }
        let passed = u64::try_from(now.wall.saturating_sub(self.at)).ok()?;
        self.wait_milliseconds.checked_sub(passed).filter(|left| *left > 0)
    }
}

impl From<&Error> for StoredError {
    fn from(error: &Error) -> Self {
        Self(Box::new(Kept {
            code: error.code().as_str().to_owned(),
            remedy: Some(error.remedy().as_str().to_owned()),
            message: error.to_string(),
            status: error.status(),
            oauth_error: error.oauth_error().map(str::to_owned),
            oauth_error_description: error.oauth_error_description().map(str::to_owned),
        }))
    }
}

impl StoredError {
    /// The error again; a code that only a later version knows is the family's most careful.
    pub fn error(&self) -> Error {
        let Kept { code, remedy, message, status, oauth_error, oauth_error_description } = &*self.0;
        let code = ErrorCode::ALL.iter().find(|known| known.as_str() == code).copied().unwrap_or(ErrorCode::BadResponse);
        let oauth = oauth_error.clone().map(|error| OauthError { error, description: oauth_error_description.clone(), uri: None });
        let mut error = Error::new(code, &**message).with_oauth(oauth);
        if let Some(remedy) = Remedy::ALL.iter().find(|known| Some(known.as_str()) == remedy.as_deref()) {
            error = error.with_remedy(*remedy);
        }
        match *status {
            Some(status) => error.with_status(status),
            None => error,
        }
    }
}

/// The digest that stands for a secret where the secret itself has no business.
pub fn digest_of(secret: &str) -> String {
    hex(&sha256([secret.as_bytes()]))
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    #[serde(flatten)]
    account: Account,
    grant_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced: Option<String>,
    generation: u64,
    state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<Value>,
    sent_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let tokens = TokenSet::restore(r#"{"access_token":"a","refresh_token":"r","expires_at":1700000300,"x":[1.5,null]}"#).unwrap();
        Record {
            account: Account { issuer: "https://i.example".into(), client_id: "c".into(), account: "user-42".into() }.into(),
            grant_id: "g2".into(),
            replaced: Some("g1".into()),
            generation: 7,
            state: State::Active,
            refresh_token: tokens.refresh_token().cloned(),
            tokens: Some(tokens),
            sent_at: 1_700_000_000_900,
            failure: Some(Failure::after(
                None,
                &Error::new(ErrorCode::OutcomeUnknown, "no answer").with_status(503),
                7,
                Moment { wall: 5000, mono: 0 },
                255,
            )),
            claim: Some(Claim {
                owner: "o".into(),
                process: 1,
                started: Some("then".into()),
                instance: "i".into(),
                locked: true,
                login: false,
                lease_milliseconds: LEASE_MILLISECONDS,
            }),
            others: None,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut record = record();
        assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
        record.state =
            State::Rejected { refused: digest_of("r"), reason: StoredError::from(&Error::new(ErrorCode::LoginRequired, "over")) };
        assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
        let vacant = Record::vacant(record.account);
        assert_eq!(Record::decode(&vacant.encode().unwrap()).unwrap(), vacant);
    }

    #[test]
    fn nothing_beside_the_tokens_keeps_them_from_the_store() {
        let nested = (90..140).map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        let objects = (90..140).map(|depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)));
        // Numbers that are longer when they are written again.
        let long = format!("[{}1]", "1e15,".repeat(200_000));
        for beside in nested.chain(objects).chain([long]) {
            let tokens = TokenSet::restore(&format!(r#"{{"access_token":"a","refresh_token":"r","beside":{beside}}}"#)).unwrap();
            let record = Record { refresh_token: tokens.refresh_token().cloned(), tokens: Some(tokens), ..record() };
            assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
        }
    }

    #[test]
    fn a_refresh_token_that_stands_twice_is_held_once() {
        let read = Record::decode(&record().encode().unwrap()).unwrap();
        let of_tokens = read.tokens.as_ref().and_then(TokenSet::refresh_token).unwrap();
        assert!(std::ptr::eq(read.refresh_token.as_ref().unwrap().reveal(), of_tokens.reveal()));
    }

    #[test]
    fn memory_holds_the_texts_of_one_account_once() {
        let Record { account, .. } = record();
        let shared = record().sharing(&account);
        assert!(Arc::ptr_eq(&shared.account, &account));
        let other = Account { account: "user-43".into(), ..Account::clone(&account) };
        assert_eq!(record().sharing(&other.into()), record());
    }

    #[test]
    fn what_a_later_version_adds_is_kept() {
        let bytes = record().encode().unwrap();
        let text = String::from_utf8(bytes).unwrap().replacen('{', r#"{"later":{"a":[1]},"#, 1);
        let kept = Record::decode(text.as_bytes()).unwrap().encode().unwrap();
        assert!(String::from_utf8(kept).unwrap().contains(r#""later":{"a":[1]}"#));
    }

    #[test]
    fn a_newer_format_and_rubbish_are_told_apart() {
        let newer = Record::decode(br#"{"format":2}"#).unwrap_err();
        assert_eq!(newer.code(), ErrorCode::StoreFormat);
        for rubbish in [&b""[..], b"{}", b"[]", b"\xFF", br#"{"format":1}"#] {
            assert_eq!(Record::decode(rubbish).unwrap_err().code(), ErrorCode::StoreCorrupt);
        }
    }

    #[test]
    fn the_life_counts_from_the_second_the_request_was_sent_in() {
        assert_eq!(record().life(), Some(300_000));
    }

    #[test]
    fn waits_double_to_thirty_seconds_and_spread() {
        let error = Error::new(ErrorCode::Transport, "no connection");
        let now = Moment { wall: 1_000_000, mono: 0 };
        let waits = |jitter| {
            let mut failure = Failure::after(None, &error, 7, now, jitter);
            let mut waits = vec![failure.wait_left(7, now).unwrap()];
            for _ in 0..6 {
                failure = Failure::after(Some(&failure), &error, 7, now, jitter);
                waits.push(failure.wait_left(7, now).unwrap());
            }
            waits
        };
        assert_eq!(waits(0), [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
        assert!(
            waits(255)
                .iter()
                .zip([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
                .all(|(wait, most)| *wait < most && *wait > most * 9 / 10)
        );
    }

    #[test]
    fn retry_after_is_honoured_up_to_an_hour_and_a_clock_set_back_ends_the_wait() {
        let now = Moment { wall: 1_000_000, mono: 0 };
        let waiting = |seconds| {
            let error = Error::new(ErrorCode::ServerUnavailable, "429").with_retry_after(Some(Duration::from_secs(seconds)));
            Failure::after(None, &error, 7, now, 0)
        };
        assert_eq!(waiting(7).wait_left(7, now), Some(7000));
        assert_eq!(waiting(7).wait_left(7, Moment { wall: 1_006_999, mono: 0 }), Some(1));
        assert_eq!(waiting(7).wait_left(7, Moment { wall: 1_007_000, mono: 0 }), None);
        assert_eq!(waiting(86_400).wait_left(7, now), Some(3_600_000));
        assert_eq!(waiting(7).wait_left(7, Moment { wall: 999_999, mono: 0 }), None);
    }

    #[test]
    fn a_wait_for_a_correction_is_over_with_other_credentials() {
        let now = Moment { wall: 1_000_000, mono: 0 };
        for (code, with_others) in [(ErrorCode::InvalidClient, None), (ErrorCode::Transport, Some(500))] {
            let failure = Failure::after(None, &Error::new(code, "no"), 7, now, 0);
            assert_eq!((failure.wait_left(7, now), failure.wait_left(8, now)), (Some(500), with_others), "{code:?}");
        }
    }

    #[test]
    fn an_error_is_remembered_whole() {
        let error = Error::new(ErrorCode::LoginRequired, "over").with_status(400).with_oauth(Some(OauthError {
            error: "invalid_grant".into(),
            description: Some("Stale token".into()),
            uri: None,
        }));
        let error = error.with_remedy(Remedy::TryLater);
        let again = StoredError::from(&error).error();
        assert_eq!((again.code(), again.status(), again.to_string()), (ErrorCode::LoginRequired, Some(400), "over".into()));
        assert_eq!((again.oauth_error(), again.oauth_error_description()), (Some("invalid_grant"), Some("Stale token")));
        assert_eq!(again.remedy(), Remedy::TryLater);
    }

    #[test]
    fn debug_shows_no_token() {
        let mut record = record();
        record.refresh_token = Some("canary".into());
        assert!(!format!("{record:?}").contains("canary"));
    }
}
