//! What one process holds of a login without asking the store, and what it hands out of it.

use std::hash::{Hash, Hasher};

use super::record::{LEASE_MILLISECONDS, Record, State, Stored, digest_of};
use crate::error::{Error, ErrorCode};
use crate::oauth::token_set::TokenSet;
use crate::secret::AccessToken;
use crate::time::{Age, Moment};

/// How many ended grants a process remembers: enough for the logins of one account that overlap.
const REMEMBERED_GRANTS: usize = 16;

/// How long a forced refresh is not forced again: an API that refuses a token this new will refuse
/// the next one too.
const FORCED_INTERVAL_MILLISECONDS: u64 = 10_000;

/// After this share of its lifetime a token is due for a refresh, in percent.
const REFRESH_AT_PERCENT: u64 = 80;

/// In a store without locks, a token is due early enough that the lease of a killed owner expires
/// this long before the token does, but not before this share of the token's lifetime.
const LEASE_MARGIN_MILLISECONDS: u64 = 15_000;
const EARLIEST_REFRESH_PERCENT: u64 = 50;

/// How far the refreshes of processes without locks are spread, as a share of the lifetime.
const JITTER_PERCENT: u64 = 10;

/// How long before its end a token counts as expired: a tenth of its lifetime, at most this.
const LONGEST_EXPIRY_MARGIN_MILLISECONDS: u64 = 30_000;

/// A refresh takes less than this, unless the process is suspended.
const LONGEST_REFRESH_MILLISECONDS: u64 = 60_000;

/// Before a claim is taken over, the store must have responded for this long, with no gap longer
/// than the second value. An owner that could not store its tokens does so within a second after an
/// outage of the store.
const STEADY_MILLISECONDS: u64 = 5_000;
const GAP_MILLISECONDS: u64 = 2_000;

/// How long a store that failed is not asked again. Doubles with each failure.
const FIRST_OUTAGE_WAIT_MILLISECONDS: u64 = 1_000;
const LONGEST_OUTAGE_WAIT_MILLISECONDS: u64 = 5_000;

/// How long the next refresh waits after one without new tokens, while the token is still usable.
const NEXT_TRY_MILLISECONDS: u64 = 250;

/// A login that was not loaded for this long is dropped from memory.
const IDLE_MILLISECONDS: u64 = 3_600_000;

/// What a process holds of one key.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct LocalState {
    stored: Option<Stored>,
    /// The age of the tokens; `None` if it is unknown because a clock was set.
    age: Option<Age>,
    /// When the store was last read.
    loaded_at: Option<u64>,
    /// Grants that this process saw logged out or replaced. If one is found again, the store has
    /// lost a write.
    ended_grants: Vec<String>,
    /// The record could not be stored yet.
    unsaved: bool,
    /// The digest of an access token that an API refused.
    invalidated: Option<String>,
    /// When this process last stored the tokens of a forced refresh.
    forced_at: Option<u64>,
    /// Another operation's claim that is waited for.
    watched: Option<Box<Watched>>,
    /// The last request to the store failed.
    outage: Option<Box<Outage>>,
    /// When the next refresh may start while the token is still usable.
    next_try: Option<u64>,
    /// The owners of this process's own claims whose operations are in progress.
    open_claims: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Hash)]
struct Watched {
    version: String,
    /// When this version was first seen.
    since: u64,
    /// Since when the store has responded without a gap.
    steady_since: u64,
    last_seen: u64,
}

#[derive(Clone, Debug)]
struct Outage {
    failures: u32,
    /// When the store may be asked again.
    next_load: u64,
    error: Error,
}

/// Without the error, which has no equality: every failure changes the other members.
impl PartialEq for Outage {
    fn eq(&self, other: &Self) -> bool {
        (self.failures, self.next_load) == (other.failures, other.next_load)
    }
}

impl Hash for Outage {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.failures, self.next_load).hash(state);
    }
}

/// What a caller requires of an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenRequirements {
    /// How long the token must remain valid, in milliseconds.
    pub min_validity: u64,
    /// How long a record that was loaded may be used without loading again, in milliseconds.
    pub recheck: u64,
    /// For a store without locks: how much earlier than others this process refreshes, 0 to 255.
    pub early_refresh: Option<u8>,
    /// The fingerprint of the client's credentials.
    pub credentials: u64,
    /// The generation of tokens that are due, however fresh they are.
    pub due: Option<u64>,
}

/// What was already done for a caller within its call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attempted {
    /// Nothing yet.
    #[default]
    Nothing,
    /// The store was read.
    Reload,
    /// An operation finished without new tokens. A token that is due for a refresh will do.
    Operation,
    /// A refresh stored a new token.
    Refresh,
}

/// What to do for a caller.
#[derive(Clone, Debug, Hash)]
pub enum Decision {
    /// Hand out the access token.
    Use,
    /// Hand out the access token, and refresh it meanwhile.
    UseAndRefresh,
    /// Read the store first.
    Reload,
    /// Refresh the token first.
    Refresh,
    /// Report the error.
    Fail(Error),
}

/// How far a token is through its lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    Fresh,
    /// Past 80 % of its lifetime: to be refreshed, but still usable.
    RefreshDue,
    /// Expired, or about to.
    Expired,
}

impl LocalState {
    /// The record that this process holds.
    pub fn record(&self) -> Option<&Record> {
        self.stored.as_ref().map(|stored| &*stored.record)
    }

    /// The record with its version in the store.
    pub fn stored(&self) -> Option<&Stored> {
        self.stored.as_ref()
    }

    /// Whether the record could not be stored yet.
    pub fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// Whether this state may be dropped: the store has all of it, and nobody has asked for it
    /// lately.
    pub fn is_idle(&self, now: Moment) -> bool {
        let is_recent = self.loaded_at.is_some_and(|at| now.mono.saturating_sub(at) < IDLE_MILLISECONDS);
        let is_invalidated = self.record().map_or(self.invalidated.is_some(), |record| self.is_invalidated(record));
        !is_recent && !is_invalidated && !self.unsaved && self.open_claims.is_empty()
    }

    /// What to do for a caller, after what was attempted for it already.
    pub fn decision(&self, requirements: TokenRequirements, attempted: Attempted, now: Moment) -> Decision {
        let is_recent = self.loaded_at.is_some_and(|at| now.mono.saturating_sub(at) < requirements.recheck);
        let decision = self.decision_from_memory(requirements, attempted, now);
        // Before reporting LOGIN_REQUIRED, reload: the user may just have logged in through another
        // process.
        if attempted != Attempted::Nothing || (is_recent && !matches!(decision, Decision::Fail(_))) {
            return decision;
        }
        match self.outage.as_ref().filter(|outage| now.mono < outage.next_load) {
            Some(_) if self.is_usable(requirements, now) => Decision::Use,
            Some(outage) => Decision::Fail(outage.error.clone()),
            None => Decision::Reload,
        }
    }

    fn decision_from_memory(&self, requirements: TokenRequirements, attempted: Attempted, now: Moment) -> Decision {
        let Some(record) = self.record() else { return Decision::Fail(no_login()) };
        if let Some(error) = login_required(record) {
            let may_be_retried = attempted < Attempted::Operation && record.may_be_retried(requirements.credentials, now);
            return if may_be_retried { Decision::Refresh } else { Decision::Fail(error) };
        }
        match self.phase(requirements, now) {
            Phase::Fresh => Decision::Use,
            // I11: the newest token there is, however short its lifetime, unless it expired while
            // the process was suspended.
            _ if attempted == Attempted::Refresh
                && record.tokens.is_some()
                && !self.is_invalidated(record)
                && !self.expired_while_suspended(now) =>
            {
                Decision::Use
            }
            Phase::RefreshDue
                if attempted >= Attempted::Operation || record.refresh_token.is_none() || self.is_backing_off(requirements, now) =>
            {
                Decision::Use
            }
            // I13: the caller does not wait for the refresh.
            Phase::RefreshDue => Decision::UseAndRefresh,
            Phase::Expired if record.refresh_token.is_none() => Decision::Fail(no_refresh_token()),
            Phase::Expired => Decision::Refresh,
        }
    }

    /// Whether the access token may be handed out if no better one is available.
    pub fn is_usable(&self, requirements: TokenRequirements, now: Moment) -> bool {
        self.record().is_some_and(Record::is_active) && self.phase(requirements, now) < Phase::Expired
    }

    /// Whether the token is not due for a refresh yet.
    pub(super) fn is_fresh(&self, requirements: TokenRequirements, now: Moment) -> bool {
        self.record().is_some_and(Record::is_active) && self.phase(requirements, now) == Phase::Fresh
    }

    /// Until when, by the monotonic clock, the token may be handed out without another decision.
    pub fn cacheable_until(&self, requirements: TokenRequirements, now: Moment) -> u64 {
        let requirements = TokenRequirements { min_validity: 0, ..requirements };
        let Some(loaded_at) = self.loaded_at.filter(|_| self.is_fresh(requirements, now)) else { return 0 };
        let fresh_for = match (self.lifetime_left(now), self.record().and_then(Record::lifetime)) {
            (Some(left), Some(lifetime)) => left.saturating_sub(lifetime - refresh_age(lifetime, requirements.early_refresh)),
            _ => u64::MAX,
        };
        now.mono.saturating_add(fresh_for).min(loaded_at.saturating_add(requirements.recheck))
    }

    fn is_backing_off(&self, requirements: TokenRequirements, now: Moment) -> bool {
        let failure = self.record().and_then(|record| record.failure.as_ref());
        failure.is_some_and(|failure| failure.wait_left(requirements.credentials, now).is_some())
            || self.next_try.is_some_and(|at| now.mono < at)
    }

    fn phase(&self, requirements: TokenRequirements, now: Moment) -> Phase {
        let Some(record) = self.record() else { return Phase::Expired };
        let Some(tokens) = &record.tokens else { return Phase::Expired };
        if self.invalidated.as_ref().is_some_and(|invalidated| *invalidated == digest_of(tokens.access_token().reveal())) {
            return Phase::Expired;
        }
        let is_due = requirements.due == Some(record.generation);
        let Some(lifetime) = record.lifetime() else { return if is_due { Phase::RefreshDue } else { Phase::Fresh } };
        let Some(age) = &self.age else { return Phase::Expired };
        let age = age.at(now);
        // A token that is new is good enough: the server issues no longer lifetime.
        let margin = expiry_margin(lifetime).max(requirements.min_validity.min(refresh_age(lifetime, None)));
        if age >= lifetime.saturating_sub(margin) {
            Phase::Expired
        } else if is_due || age >= refresh_age(lifetime, requirements.early_refresh) {
            Phase::RefreshDue
        } else {
            Phase::Fresh
        }
    }

    /// Whether the token has expired, after a lifetime that only a suspended process could miss.
    fn expired_while_suspended(&self, now: Moment) -> bool {
        let is_long = self.record().and_then(Record::lifetime).is_some_and(|lifetime| lifetime >= LONGEST_REFRESH_MILLISECONDS);
        is_long && self.lifetime_left(now) == Some(0)
    }

    fn lifetime_left(&self, now: Moment) -> Option<u64> {
        Some(self.record()?.lifetime()?.saturating_sub(self.age?.at(now)))
    }

    /// Notes what the store holds. Ignored if another operation of this process knows of something
    /// newer.
    pub fn loaded(&mut self, found: Option<&Stored>, now: Moment) {
        if found.is_some_and(|found| self.is_newer_than(&found.record)) {
            return;
        }
        self.loaded_at = Some(now.mono);
        self.outage = None;
        match found {
            Some(stored) => self.replace(stored.clone(), now),
            None => self.stored = None,
        }
        self.unsaved = false;
    }

    /// Notes that the store could not be read or written. `jitter` spreads the retries.
    pub(super) fn store_failed(&mut self, error: &Error, now: Moment, jitter: u8) {
        let failures = self.outage.as_ref().map_or(0, |outage| outage.failures);
        let wait = (FIRST_OUTAGE_WAIT_MILLISECONDS << failures.min(3)).min(LONGEST_OUTAGE_WAIT_MILLISECONDS);
        let next_load = now.mono.saturating_add(wait * (384 + u64::from(jitter)) / 512);
        self.outage = Some(Box::new(Outage { failures: failures.saturating_add(1), next_load, error: error.clone() }));
    }

    /// Notes that a refresh finished without new tokens: another process is refreshing, or it
    /// failed.
    pub(super) fn delay_next_refresh(&mut self, now: Moment, jitter: u8) {
        let wait = NEXT_TRY_MILLISECONDS + NEXT_TRY_MILLISECONDS * u64::from(jitter) / 256;
        self.next_try = Some(now.mono.saturating_add(wait));
    }

    /// Notes what this process has stored. Returns whether it is the newest that this process knows
    /// of.
    pub(super) fn wrote(&mut self, stored: Stored, now: Moment) -> bool {
        if self.is_newer_than(&stored.record) {
            return false;
        }
        self.loaded_at = Some(now.mono);
        self.outage = None;
        self.unsaved = false;
        self.replace(stored, now);
        true
    }

    /// Holds a record that could not be stored.
    pub fn hold_unsaved(&mut self, record: Record, now: Moment) {
        self.unsaved = true;
        self.replace(Stored::new(String::new(), record), now);
    }

    /// Notes when this process sent the request that obtained the tokens (I12).
    pub(super) fn set_token_age(&mut self, sent: Moment) {
        self.age = Some(Age::new(sent));
    }

    fn replace(&mut self, stored: Stored, now: Moment) {
        let stored = self.as_judged(stored);
        let record = &stored.record;
        // The generation does not tell: a store that lost a write may have two token sets of one.
        let same_tokens = self.record().is_some_and(|local| local.sent_at == record.sent_at && access_token(local) == access_token(record));
        if !same_tokens {
            self.next_try = None;
            let tolerance = expiry_margin(record.lifetime().unwrap_or(u64::MAX)).max(1000);
            self.age = Age::first_seen(now, record.sent_at, tolerance);
        }
        let replaced = self.record().map(|local| local.grant_id.clone()).filter(|grant_id| *grant_id != record.grant_id);
        let logged_out = record.is_logged_out().then(|| record.grant_id.clone());
        let ended: Vec<String> = [record.previous_grant_id.clone(), replaced, logged_out].into_iter().flatten().collect();
        ended.into_iter().for_each(|grant_id| self.remember_ended(grant_id));
        self.stored = Some(stored);
    }

    /// What was loaded or written before this process saw the judgement of its ID token, or was
    /// restored since then, as it is after that (I16).
    fn as_judged(&self, stored: Stored) -> Stored {
        let is_judged =
            |local: &&Record| local.unjudged.is_none() && stored.record.unjudged.is_some() && local.same_revision(&stored.record);
        let Some(local) = self.record().filter(is_judged) else { return stored };
        let (tokens, identity) = (local.tokens.clone(), local.identity.clone());
        let record = Record { tokens, identity, unjudged: None, ..(*stored.record).clone() };
        Stored { record: record.into(), ..stored }
    }

    fn remember_ended(&mut self, grant_id: String) {
        if !grant_id.is_empty() && !self.ended_grants.contains(&grant_id) {
            if self.ended_grants.len() == REMEMBERED_GRANTS {
                self.ended_grants.remove(0);
            }
            self.ended_grants.push(grant_id);
        }
    }

    /// The record to store again, if the store lost a write that this process knows of (I3, I9).
    ///
    /// It keeps the claim: the owner may still have a request in flight.
    pub fn record_to_restore(&self, found: Option<&Record>) -> Option<Record> {
        let local = self.record()?;
        // An empty store may have been emptied on purpose. Only what it never held is stored again.
        let Some(found) = found else { return self.unsaved.then(|| local.clone()) };
        self.is_newer_than(found).then(|| {
            let mut record = local.clone();
            if found.generation >= local.generation {
                record.generation = found.generation + 1;
            }
            // A login that was logged out has been refreshed since. Its newer token ends the
            // session (I14).
            if local.is_logged_out() && local.grant_id == found.grant_id && found.generation > local.generation {
                record.refresh_token = found.refresh_token.clone();
                record.account = found.account.clone();
            }
            let login = found.claim.as_ref().filter(|claim| claim.login);
            record.claim = login.or(local.claim.as_ref()).cloned();
            record
        })
    }

    fn is_newer_than(&self, other: &Record) -> bool {
        let Some(local) = self.record() else { return false };
        if local.grant_id != other.grant_id {
            // A first login that could not be stored replaces the claim that it was made under.
            return self.has_ended(&other.grant_id) || (self.unsaved && other.grant_id.is_empty());
        }
        // A logout is final, even if the other record has a higher generation.
        if local.is_logged_out() == other.is_logged_out() { local.generation > other.generation } else { local.is_logged_out() }
    }

    /// Whether this process saw the grant logged out or replaced.
    pub(super) fn has_ended(&self, grant_id: &str) -> bool {
        self.ended_grants.iter().any(|ended| ended == grant_id)
    }

    /// Notes that an API refused this access token. A process that has not read the store yet
    /// remembers the token until it has.
    ///
    /// Ignored if the token is not the current one, or was itself obtained by a forced refresh a
    /// moment ago (I10).
    pub fn invalidate(&mut self, access_token: &str, now: Moment) {
        let current = self.record().and_then(|record| record.tokens.as_ref());
        let is_another = current.is_some_and(|tokens| tokens.access_token().reveal() != access_token);
        let was_just_forced = self.forced_at.is_some_and(|at| now.mono.saturating_sub(at) < FORCED_INTERVAL_MILLISECONDS);
        if !is_another && !was_just_forced {
            self.invalidated = Some(digest_of(access_token));
        }
    }

    /// Whether an API refused the access token of this record.
    pub(super) fn is_invalidated(&self, record: &Record) -> bool {
        let current = record.tokens.as_ref().map(|tokens| digest_of(tokens.access_token().reveal()));
        self.invalidated.is_some() && self.invalidated == current
    }

    /// Notes that a forced refresh has stored its tokens.
    pub(super) fn note_forced_refresh(&mut self, now: Moment) {
        self.forced_at = Some(now.mono);
    }

    /// Whether another operation's claim was seen unchanged for its lease (I7).
    ///
    /// Towards the end it must have been seen without a gap: after an outage of the store, its
    /// owner needs time to store its tokens. Only the monotonic clock of this process counts (I12).
    pub fn has_watched(&mut self, version: &str, lease: u64, now: Moment) -> bool {
        let now = now.mono;
        if self.watched.as_ref().is_none_or(|watched| watched.version != version) {
            self.watched = Some(Box::new(Watched { version: version.to_owned(), since: now, steady_since: now, last_seen: now }));
        }
        let Some(watched) = &mut self.watched else { return false };
        if now.saturating_sub(watched.last_seen) > GAP_MILLISECONDS {
            watched.steady_since = now;
        }
        watched.last_seen = now;
        now.saturating_sub(watched.since) >= lease && now.saturating_sub(watched.steady_since) >= STEADY_MILLISECONDS
    }

    pub(super) fn open_claim(&mut self, owner: &str) {
        if !self.has_open_claim(owner) {
            self.open_claims.push(owner.to_owned());
        }
    }

    pub(super) fn has_open_claim(&self, owner: &str) -> bool {
        self.open_claims.iter().any(|open| open == owner)
    }

    pub(super) fn close_claim(&mut self, owner: &str) {
        self.open_claims.retain(|open| open != owner);
        // This state lives as long as the process, and is mostly empty.
        self.open_claims.shrink_to_fit();
    }
}

/// The age at which a token is due for a refresh. Lifetimes are whole seconds.
fn refresh_age(lifetime: u64, early_refresh: Option<u8>) -> u64 {
    let late = lifetime / 100 * REFRESH_AT_PERCENT;
    let Some(early_refresh) = early_refresh else { return late };
    let before_lease = lifetime.saturating_sub(expiry_margin(lifetime) + LEASE_MILLISECONDS + LEASE_MARGIN_MILLISECONDS);
    let early = before_lease.clamp(lifetime / 100 * EARLIEST_REFRESH_PERCENT, late);
    early - lifetime / 100 * JITTER_PERCENT * u64::from(early_refresh) / 255
}

/// How long before its end a token counts as expired.
fn expiry_margin(lifetime: u64) -> u64 {
    LONGEST_EXPIRY_MARGIN_MILLISECONDS.min(lifetime / 10)
}

/// Why the record's account must log in again, if it must.
pub fn login_required(record: &Record) -> Option<Error> {
    match &record.state {
        State::Active => None,
        State::Rejected { reason, .. } => Some(reason.error()),
        State::LoggedOut if record.is_absent() => Some(no_login()),
        State::LoggedOut => Some(Error::new(ErrorCode::LoginRequired, "this account was logged out; log in again")),
    }
}

fn access_token(record: &Record) -> Option<&AccessToken> {
    record.tokens.as_ref().map(TokenSet::access_token)
}

/// For an account that has never logged in.
pub fn no_login() -> Error {
    Error::new(ErrorCode::LoginRequired, "the store has no login of this account; log in")
}

pub(super) fn no_refresh_token() -> Error {
    Error::new(
        ErrorCode::LoginRequired,
        "the access token has expired and the server issued no refresh token; \
         log in again, and check that the client may use refresh tokens",
    )
}
