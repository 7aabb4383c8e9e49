//! The stored state of one account's login, shared by every process that uses the store.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::crypto::{hex, sha256};
use crate::error::{Error, ErrorCode, OauthError, Remedy, Result, with_oauth};
use crate::oauth::token_set::TokenSet;
use crate::openid::identity::Identity;
use crate::secret::{IdToken, RefreshToken};
use crate::time::Moment;

/// The format that this version writes. It changes by addition; unknown members are kept.
const FORMAT: u32 = 1;

/// No request is sent under a claim older than this, so that it ends before the lease does.
pub(super) const CLAIM_MAX_AGE_MILLISECONDS: u64 = 40_000;

/// How long a token request may take by default.
pub const REQUEST_MILLISECONDS: u64 = 30_000;

/// The lease of a claim with the default request timeout.
pub const LEASE_MILLISECONDS: u64 = lease(REQUEST_MILLISECONDS);

/// How long a lease must be to outlive a request that is sent at the last moment, with a margin.
pub(super) const fn lease(request_milliseconds: u64) -> u64 {
    CLAIM_MAX_AGE_MILLISECONDS + request_milliseconds + 5_000
}

/// The longest wait after failures, and the longest `Retry-After` that is honored.
const LONGEST_BACKOFF_MILLISECONDS: u64 = 30_000;
const LONGEST_RETRY_AFTER_MILLISECONDS: u64 = 3_600_000;

/// After this many refusals in a row without a reason, the login counts as rejected.
///
/// A proxy in front of the server may have refused, so the server is asked again after a while.
pub(super) const UNEXPLAINED_REFUSALS: u32 = 3;
const RETRY_AFTER_FINAL_REFUSAL: Duration = Duration::from_secs(300);

/// Whose login it is: what the store's key is derived from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    /// The issuer of the tokens.
    pub issuer: String,
    /// The client that the tokens were issued to.
    pub client_id: String,
    /// The name that the application gives the account.
    pub account: String,
}

/// One account's login, as the store holds it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Record {
    /// Whose login it is.
    pub account: Arc<Account>,
    /// Names one login. Random, drawn at the login.
    pub grant_id: String,
    /// The login that this one replaced.
    pub previous_grant_id: Option<String>,
    /// Counts the token sets stored under this key. Never goes down, not even with a new login
    /// (I3).
    pub generation: u64,
    /// Whether the login is active.
    pub state: State,
    /// Obtains the next access token; in a tombstone, it is still to be revoked.
    pub refresh_token: Option<RefreshToken>,
    /// What may be handed out.
    pub tokens: Option<TokenSet>,
    /// When the request that obtained the tokens was sent, by the sender's wall clock.
    pub sent_at: i64,
    /// What the login's first ID token says. Later ones must not say otherwise.
    pub identity: Option<Box<Identity>>,
    /// The ID token of the last refresh, if it could not be judged yet. The tokens have an earlier
    /// one.
    pub unjudged: Option<IdToken>,
    /// Why the last refresh failed, if it did.
    pub failure: Option<Failure>,
    /// Who is about to spend the refresh token, if anyone.
    pub claim: Option<Claim>,
    /// Members that a later version has added.
    pub unknown_members: Option<Box<Map<String, Value>>>,
}

/// Whether a login is active.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is.
    Active,
    /// The server rejected the refresh token.
    #[serde(alias = "dead")]
    Rejected {
        /// The digest of the refresh token that was rejected.
        #[serde(alias = "refused")]
        token_digest: String,
        /// Why it was rejected.
        reason: StoredError,
    },
    /// It was logged out, which makes the record a tombstone; or there is no login yet.
    #[serde(alias = "ended")]
    LoggedOut,
}

/// A durable note in the record: this owner is about to spend this refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// Random, drawn for each operation.
    pub owner: String,
    /// The id of the owner's process.
    pub process: u32,
    /// When that process started, if the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// The copy of this library in that process.
    pub instance: String,
    /// Whether the claim was made under the lock. A login may proceed without it.
    #[serde(default)]
    pub locked: bool,
    /// Whether the claim is for the exchange of a code. The end of a refresh does not remove it.
    #[serde(default)]
    pub login: bool,
    /// Whether it has replaced the claim of an owner that may be alive and have tokens to store.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub took_over: bool,
    /// How long others must see the claim unchanged before they take it over.
    pub lease_milliseconds: u64,
}

/// Why the last refresh failed, and how long the next one waits.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// The error of the last refresh.
    pub reason: StoredError,
    /// How many refreshes in a row have failed.
    pub count: u32,
    at: i64,
    wait_milliseconds: u64,
    /// Whether the request was sent and may have been carried out.
    pub(super) outcome_unknown: bool,
    /// The fingerprint of the credentials in the request.
    #[serde(default)]
    credentials: u64,
    /// How many times in a row the server has refused the refresh token without a reason.
    #[serde(default)]
    pub(super) unexplained: u32,
}

/// An error for callers that did not see it happen. Boxed, as most logins have none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredError(Box<StoredErrorJson>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct StoredErrorJson {
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

/// A record with its version in the store.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Stored {
    /// The version.
    pub version: String,
    /// The record.
    pub record: Arc<Record>,
    /// Whether the process that made the record's claim has certainly exited. A free lock alone
    /// does not prove that.
    pub owner_has_exited: bool,
}

impl Stored {
    /// A record as this process wrote it.
    pub fn new(version: String, record: impl Into<Arc<Record>>) -> Self {
        Self { version, record: record.into(), owner_has_exited: false }
    }
}

impl Record {
    /// A record without a login.
    pub fn empty(account: impl Into<Arc<Account>>) -> Self {
        Self {
            account: account.into(),
            grant_id: String::new(),
            previous_grant_id: None,
            generation: 0,
            state: State::LoggedOut,
            refresh_token: None,
            tokens: None,
            sent_at: 0,
            identity: None,
            unjudged: None,
            failure: None,
            claim: None,
            unknown_members: None,
        }
    }

    /// The same record; if its account equals this one, both share one allocation.
    pub fn sharing(mut self, account: &Arc<Account>) -> Self {
        if self.account == *account {
            self.account = Arc::clone(account);
        }
        self
    }

    /// Whether this is a tombstone, or there is no login yet.
    pub fn is_logged_out(&self) -> bool {
        self.state == State::LoggedOut
    }

    /// The tombstone without the user. The ids of the grants stay, so that other processes see that
    /// the login has ended (I9). A login in progress keeps its claim.
    pub fn erased(&self) -> Self {
        let Account { issuer, client_id, .. } = &*self.account;
        let account = Account { issuer: issuer.clone(), client_id: client_id.clone(), account: String::new() };
        Self {
            grant_id: self.grant_id.clone(),
            previous_grant_id: self.previous_grant_id.clone(),
            generation: self.generation,
            claim: self.claim.clone().filter(|claim| claim.login),
            ..Self::empty(account)
        }
    }

    /// Whether the user was erased: no account has an empty name. The store may delete such a
    /// record once other processes have seen it.
    pub fn is_erased(&self) -> bool {
        self.account.account.is_empty() && self.is_logged_out() && self.refresh_token.is_none()
    }

    /// Whether there is no login: none yet, or one that was erased.
    pub fn is_absent(&self) -> bool {
        self.is_logged_out() && (self.grant_id.is_empty() || self.is_erased())
    }

    /// Whether the login is active.
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// Whether the login was rejected without a reason, and its wait for another try is over.
    pub(super) fn may_be_retried(&self, credentials: u64, now: Moment) -> bool {
        let is_rejected = matches!(self.state, State::Rejected { .. });
        let failure = self.failure.as_ref().filter(|failure| is_rejected && failure.unexplained >= UNEXPLAINED_REFUSALS);
        failure.is_some_and(|failure| failure.wait_left(credentials, now).is_none())
    }

    /// Whether both hold the same refresh token of the same login at the same generation.
    pub fn same_revision(&self, other: &Self) -> bool {
        self.grant_id == other.grant_id && self.generation == other.generation && self.refresh_token == other.refresh_token
    }

    /// Whether the record has this owner's claim.
    pub fn claimed_by(&self, owner: &str) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.owner == owner)
    }

    /// The lifetime of the access token in milliseconds; `None` if it is not known to expire.
    pub(super) fn lifetime(&self) -> Option<u64> {
        let ends = self.tokens.as_ref()?.expires_at()?;
        let seconds = ends.saturating_sub(self.sent_at.div_euclid(1000));
        Some(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000))
    }

    /// The bytes for the store.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let tokens = self.tokens.as_ref().map(|tokens| serde_json::from_str(tokens.export().reveal())).transpose();
        let json = tokens.and_then(|tokens| {
            serde_json::to_vec(&RecordJson {
                format: FORMAT,
                account: Account::clone(&self.account),
                grant_id: self.grant_id.clone(),
                previous_grant_id: self.previous_grant_id.clone(),
                generation: self.generation,
                state: self.state.clone(),
                refresh_token: self.refresh_token.as_ref().map(|token| token.reveal().to_owned()),
                tokens,
                sent_at: self.sent_at,
                identity: self.identity.clone(),
                unjudged: self.unjudged.as_ref().map(|token| token.reveal().to_owned()),
                failure: self.failure.clone(),
                claim: self.claim.clone(),
                unknown_members: self.unknown_members.as_deref().cloned().unwrap_or_default(),
            })
        });
        json.map_err(|_| Error::new(ErrorCode::Internal, "a login could not be encoded as JSON; please report it"))
    }

    /// The record in bytes from the store.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::StoreCorrupt`], or [`ErrorCode::StoreFormat`] if a newer version wrote the
    /// bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::decode_any(bytes)?.ok_or_else(corrupt)
    }

    /// The record in these bytes, or `None` if they are another kind of entry, which has no
    /// format.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode).
    pub fn decode_any(bytes: &[u8]) -> Result<Option<Self>> {
        let Format { format } = serde_json::from_slice(bytes).map_err(|_| corrupt())?;
        let Some(format) = format else { return Ok(None) };
        if format > FORMAT {
            return Err(Error::new(
                ErrorCode::StoreFormat,
                "a newer version of sipgate-oauth2 has stored this login; update this one, nothing was changed",
            ));
        }
        let json: RecordJson = serde_json::from_slice(bytes).map_err(|_| corrupt())?;
        let tokens = json.tokens.map(|tokens| TokenSet::restore(&tokens.to_string())).transpose().map_err(|_| corrupt())?;
        Ok(Some(Self {
            account: json.account.into(),
            grant_id: json.grant_id,
            previous_grant_id: json.previous_grant_id,
            generation: json.generation,
            state: json.state,
            refresh_token: json.refresh_token.map(|text| shared(text, tokens.as_ref())),
            tokens,
            sent_at: json.sent_at,
            identity: json.identity,
            unjudged: json.unjudged.map(IdToken::from),
            failure: json.failure,
            claim: json.claim,
            unknown_members: Some(json.unknown_members).filter(|members| !members.is_empty()).map(Box::new),
        }))
    }
}

/// The refresh token with this text. Shares the allocation with the token set, which usually has
/// the same token.
fn shared(refresh_token: String, tokens: Option<&TokenSet>) -> RefreshToken {
    let read = RefreshToken::from(refresh_token);
    tokens.and_then(TokenSet::refresh_token).filter(|held| **held == read).cloned().unwrap_or(read)
}

fn corrupt() -> Error {
    let message = "the store entry is not a login; restore the store from a backup, nothing was changed";
    Error::new(ErrorCode::StoreCorrupt, message)
}

impl Failure {
    /// The failure that follows `before`, for a request with these credentials.
    pub(super) fn after(before: Option<&Self>, error: &Error, credentials: u64, now: Moment, jitter: u8) -> Self {
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        let doubled = 1000_u64 << (count - 1).min(5);
        let backoff = doubled.min(LONGEST_BACKOFF_MILLISECONDS) * (256 + u64::from(jitter)) / 512;
        let retry_after = error.retry_after().map_or(0, |wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        Self {
            reason: StoredError::from(error),
            count,
            at: now.wall,
            wait_milliseconds: backoff.max(retry_after.min(LONGEST_RETRY_AFTER_MILLISECONDS)),
            outcome_unknown: error.code() == ErrorCode::OutcomeUnknown,
            credentials,
            unexplained: if error.is_unexplained_refusal() { before.map_or(0, |before| before.unexplained).saturating_add(1) } else { 0 },
        }
    }

    /// The failure for the refusal that ends the login.
    pub(super) fn after_final_refusal(before: Option<&Self>, error: &Error, credentials: u64, now: Moment, jitter: u8) -> Self {
        let error = error.clone().with_retry_after(Some(RETRY_AFTER_FINAL_REFUSAL));
        Self { unexplained: UNEXPLAINED_REFUSALS, ..Self::after(before, &error, credentials, now, jitter) }
    }

    /// Whether waiting does not help, because the configuration must be fixed.
    pub(super) fn needs_correction(&self) -> bool {
        self.reason.error().remedy() == Remedy::FixConfiguration
    }

    /// How long the next request with these credentials has to wait.
    ///
    /// `None` if it need not, if the clock was set back since then (I12), or if different
    /// credentials were at fault.
    pub(super) fn wait_left(&self, credentials: u64, now: Moment) -> Option<u64> {
        if self.credentials != credentials && self.needs_correction() {
            return None;
        }
        let passed = u64::try_from(now.wall.saturating_sub(self.at)).ok()?;
        self.wait_milliseconds.checked_sub(passed).filter(|left| *left > 0)
    }
}

impl From<&Error> for StoredError {
    fn from(error: &Error) -> Self {
        Self(Box::new(StoredErrorJson {
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
    /// The error. A code that only a later version knows becomes [`ErrorCode::BadResponse`].
    pub fn error(&self) -> Error {
        let StoredErrorJson { code, remedy, message, status, oauth_error, oauth_error_description } = &*self.0;
        let code = ErrorCode::ALL.iter().find(|candidate| candidate.as_str() == code).copied().unwrap_or(ErrorCode::BadResponse);
        let mut error = Error::new(code, &**message);
        if let Some(oauth_error) = oauth_error {
            let oauth = OauthError { error: oauth_error.clone(), description: oauth_error_description.clone(), uri: None };
            error = with_oauth(error, oauth);
        }
        if let Some(remedy) = Remedy::ALL.iter().find(|candidate| Some(candidate.as_str()) == remedy.as_deref()) {
            error = error.with_remedy(*remedy);
        }
        match *status {
            Some(status) => error.with_status(status),
            None => error,
        }
    }
}

/// A digest to compare a secret by, where the secret itself must not be kept.
pub fn digest_of(secret: &str) -> String {
    hex(&sha256([secret.as_bytes()]))
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct RecordJson {
    format: u32,
    #[serde(flatten)]
    account: Account,
    grant_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "replaced")]
    previous_grant_id: Option<String>,
    generation: u64,
    state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<Value>,
    sent_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Box<Identity>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unjudged: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    #[serde(flatten)]
    unknown_members: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let tokens = TokenSet::restore(r#"{"access_token":"a","refresh_token":"r","expires_at":1700000300,"x":[1.5,null]}"#).unwrap();
        Record {
            account: Account { issuer: "https://i.example".into(), client_id: "c".into(), account: "user-42".into() }.into(),
            grant_id: "g2".into(),
            previous_grant_id: Some("g1".into()),
            generation: 7,
            state: State::Active,
            refresh_token: tokens.refresh_token().cloned(),
            tokens: Some(tokens),
            sent_at: 1_700_000_000_900,
            identity: Some(
                Identity {
                    subject: "user".into(),
                    session: Some("s".into()),
                    nonce: Some("n".into()),
                    authorized_party: Some("c".into()),
                    auth_time: Some(1_699_999_000),
                    issued_at: 1_700_000_000,
                }
                .into(),
            ),
            unjudged: Some("unjudged".into()),
            failure: Some(Failure::after(
                None,
                &Error::new(ErrorCode::OutcomeUnknown, "no response").with_status(503),
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
                took_over: true,
                lease_milliseconds: LEASE_MILLISECONDS,
            }),
            unknown_members: None,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = record();
        assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
        record.state =
            State::Rejected { token_digest: digest_of("r"), reason: StoredError::from(&Error::new(ErrorCode::LoginRequired, "over")) };
        assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
        let empty = Record::empty(record.account);
        assert_eq!(Record::decode(&empty.encode().unwrap()).unwrap(), empty);
    }

    #[test]
    fn unusual_members_beside_the_tokens_do_not_prevent_storing_them() {
        let nested = (90..140).map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        let objects = (90..140).map(|depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)));
        // Numbers that get longer when they are written again.
        let long = format!("[{}1]", "1e15,".repeat(200_000));
        for beside in nested.chain(objects).chain([long]) {
            let tokens = TokenSet::restore(&format!(r#"{{"access_token":"a","refresh_token":"r","beside":{beside}}}"#)).unwrap();
            let record = Record { refresh_token: tokens.refresh_token().cloned(), tokens: Some(tokens), ..record() };
            assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
        }
    }

    #[test]
    fn a_refresh_token_that_is_stored_twice_takes_memory_once() {
        let read = Record::decode(&record().encode().unwrap()).unwrap();
        let of_tokens = read.tokens.as_ref().and_then(TokenSet::refresh_token).unwrap();
        assert!(std::ptr::eq(read.refresh_token.as_ref().unwrap().reveal(), of_tokens.reveal()));
    }

    #[test]
    fn records_of_one_account_share_its_texts_in_memory() {
        let Record { account, .. } = record();
        let shared = record().sharing(&account);
        assert!(Arc::ptr_eq(&shared.account, &account));
        let other = Account { account: "user-43".into(), ..Account::clone(&account) };
        assert_eq!(record().sharing(&other.into()), record());
    }

    #[test]
    fn a_record_with_the_former_names_is_read() {
        let decode = |text: &str| Record::decode(text.as_bytes()).unwrap();
        let written = r#"{"format":1,"issuer":"https://i.example","client_id":"c","account":"user-42","grant_id":"g2","replaced":"g1",
            "generation":7,"state":"active","refresh_token":"r","sent_at":1700000000900,"later":1,
            "tokens":{"access_token":"a","refresh_token":"r","expires_at":1700000300}}"#;
        let active = decode(written);
        assert_eq!((active.previous_grant_id.as_deref(), &active.state), (Some("g1"), &State::Active));
        assert_eq!(active.unknown_members.as_ref().unwrap().keys().collect::<Vec<_>>(), ["later"]);
        let rejected =
            decode(&written.replace(r#""active""#, r#"{"dead":{"refused":"0a","reason":{"code":"LOGIN_REQUIRED","message":"over"}}}"#));
        let reason = StoredError::from(&Error::new(ErrorCode::LoginRequired, "over")).error();
        let State::Rejected { token_digest, reason: read } = &rejected.state else { panic!("{:?}", rejected.state) };
        assert_eq!((token_digest.as_str(), read.error().to_string()), ("0a", reason.to_string()));
        assert!(decode(&written.replace(r#""active""#, r#""ended""#)).is_logged_out());
        // What is written again has the new names, and each once.
        let text = String::from_utf8(rejected.encode().unwrap()).unwrap();
        assert!(text.contains(r#""previous_grant_id":"g1""#) && text.contains(r#""rejected":{"token_digest":"0a""#), "{text}");
        assert!(!text.contains("replaced") && !text.contains("dead") && !text.contains("refused"), "{text}");
    }

    #[test]
    fn members_that_a_later_version_has_added_are_kept() {
        let bytes = record().encode().unwrap();
        let text = String::from_utf8(bytes).unwrap().replacen('{', r#"{"later":{"a":[1]},"#, 1);
        let kept = Record::decode(text.as_bytes()).unwrap().encode().unwrap();
        assert!(String::from_utf8(kept).unwrap().contains(r#""later":{"a":[1]}"#));
    }

    #[test]
    fn a_newer_format_and_a_corrupt_entry_have_different_errors() {
        let newer = Record::decode(br#"{"format":2}"#).unwrap_err();
        assert_eq!(newer.code(), ErrorCode::StoreFormat);
        for corrupt in [&b""[..], b"{}", b"[]", b"\xFF", br#"{"format":1}"#] {
            assert_eq!(Record::decode(corrupt).unwrap_err().code(), ErrorCode::StoreCorrupt);
        }
    }

    #[test]
    fn the_lifetime_counts_from_the_second_in_which_the_request_was_sent() {
        assert_eq!(record().lifetime(), Some(300_000));
    }

    #[test]
    fn waits_double_up_to_thirty_seconds_and_are_spread() {
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
    fn retry_after_is_honored_up_to_an_hour_and_a_clock_set_back_ends_the_wait() {
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
    fn a_wait_for_a_fixed_configuration_ends_with_different_credentials() {
        let now = Moment { wall: 1_000_000, mono: 0 };
        for (code, with_others) in [(ErrorCode::InvalidClient, None), (ErrorCode::Transport, Some(500))] {
            let failure = Failure::after(None, &Error::new(code, "no"), 7, now, 0);
            assert_eq!((failure.wait_left(7, now), failure.wait_left(8, now)), (Some(500), with_others), "{code:?}");
        }
    }

    #[test]
    fn an_error_is_stored_with_all_its_members() {
        let oauth = OauthError { error: "invalid_grant".into(), description: Some("Stale token".into()), uri: None };
        let error = with_oauth(Error::new(ErrorCode::LoginRequired, "over").with_status(400), oauth);
        let error = error.with_remedy(Remedy::TryLater);
        let read = StoredError::from(&error).error();
        assert_eq!((read.code(), read.status(), read.to_string()), (ErrorCode::LoginRequired, Some(400), "over".into()));
        assert_eq!((read.oauth_error(), read.oauth_error_description()), (Some("invalid_grant"), Some("Stale token")));
        assert_eq!(read.remedy(), Remedy::TryLater);
    }

    #[test]
    fn debug_shows_no_token() {
        let mut record = record();
        record.refresh_token = Some("canary".into());
        record.unjudged = Some("canary".into());
        assert!(!format!("{record:?}").contains("canary"));
    }
}
