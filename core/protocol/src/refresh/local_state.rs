//! What one process knows of a login without asking the store, and what it hands out of it.

use super::record::{LEASE_MILLISECONDS, Record, State, Stored, digest_of};
use crate::error::{Error, ErrorCode};
use crate::time::{Age, Moment};

/// How many ended grants a process remembers: enough for the logins of one account that overlap.
const REMEMBERED_GRANTS: usize = 16;

/// A forced refresh is not forced again for this long: an API that refuses a token this new refuses the next one too.
const FORCED_MILLISECONDS: u64 = 10_000;

/// From this share of its life a token should be renewed, in percent.
const SOFT_PERCENT: u64 = 80;

/// Where a store has no locks, a token should be renewed so early that a killed owner's lease ends, with this margin, before the token does;
/// but not before half its life.
const LEASE_MARGIN_MILLISECONDS: u64 = 15_000;
const EARLIEST_PERCENT: u64 = 50;

/// By how much processes without locks differ, so that not all refresh at one instant: this share of the life, in percent.
const SPREAD_PERCENT: u64 = 10;

/// How long before its end a token is not handed out any more, at the most: else a tenth of its life.
const HARD_MILLISECONDS: u64 = 30_000;

/// Longer than a refresh takes, unless the process is stopped meanwhile.
const REFRESH_MILLISECONDS: u64 = 60_000;

/// Before a claim is taken over, the store must have answered for this long without a gap longer than the other: an owner whose tokens the store could not
/// be made to keep writes them within a second of its return.
const STEADY_MILLISECONDS: u64 = 5_000;
const GAP_MILLISECONDS: u64 = 2_000;

/// How long a store that failed is left alone by those who have a token, and by those who have none: doubled with each failure.
const FIRST_TROUBLE_MILLISECONDS: u64 = 1_000;
const LONGEST_TROUBLE_MILLISECONDS: u64 = 5_000;

/// After a refresh that brought nothing, as another process is at it or it failed, the next one waits this long while the token is still good.
const NEXT_TRY_MILLISECONDS: u64 = 250;

/// What was not looked at for this long is not worth its place in memory.
const IDLE_MILLISECONDS: u64 = 3_600_000;

/// What a process knows of one key.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct LocalState {
    stored: Option<Stored>,
    /// Of the tokens; `None`: it cannot be told, as a clock was set.
    age: Option<Age>,
    /// When the store was last looked at.
    looked_at: Option<u64>,
    /// Grants that this process saw ended or replaced: should one come back, the store has lost a write.
    gone: Vec<String>,
    /// The record is newer than what the store could be made to keep.
    unsaved: bool,
    /// The digest of an access token that an API refused.
    invalid: Option<String>,
    /// When this process last stored what a forced refresh brought.
    forced_at: Option<u64>,
    /// A claim of somebody else's, and since when it was seen unchanged.
    watched: Option<Box<Watched>>,
    /// The store failed when it was last asked.
    trouble: Option<Box<Trouble>>,
    /// When the next refresh is worth a try, while the token may still be handed out.
    next_try: Option<u64>,
    /// The owner values of this process's own claims, while their flights last.
    pub claiming: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Hash)]
struct Watched {
    version: String,
    since: u64,
    /// Since when the store has answered without a gap, and when it last did.
    steady: u64,
    last: u64,
}

#[derive(Clone, Debug, Hash)]
struct Trouble {
    failures: u32,
    /// When the store is worth another look.
    next_look: u64,
    error: Error,
}

/// The error follows from the rest.
impl PartialEq for Trouble {
    fn eq(&self, other: &Self) -> bool {
        self.failures == other.failures && self.next_look == other.next_look
    }
}

/// What a caller wants of an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TokenRequirements {
    /// How long it must still live, in milliseconds.
    pub min_validity: u64,
    /// For how long what was read from the store counts.
    pub recheck: u64,
    /// Where the store has no locks: how much earlier than others this process refreshes, from 0 to 255.
    pub early: Option<u8>,
    /// Stands for the client's credentials.
    pub credentials: u64,
}

/// What was done for a caller within its call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attempted {
    #[default]
    Nothing,
    /// The store was read.
    Reload,
    /// An operation has finished without new tokens: a token that is due for a refresh is good enough now.
    Operation,
    /// A refresh has stored a new token.
    Refresh,
}

/// What to do for a caller.
#[derive(Clone, Debug, Hash)]
pub enum Decision {
    /// Hand out the access token.
    Use,
    /// Hand out the access token, and renew it meanwhile.
    UseAndRefresh,
    /// Look into the store first.
    Reload,
    /// Renew the token first.
    Refresh,
    Fail(Error),
}

/// How far a token is through its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    Fresh,
    /// It should be renewed.
    Aging,
    /// It must not be handed out.
    Over,
}

impl LocalState {
    pub fn record(&self) -> Option<&Record> {
        self.stored.as_ref().map(|stored| &*stored.record)
    }

    pub fn stored(&self) -> Option<&Stored> {
        self.stored.as_ref()
    }

    pub fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// Whether it can be forgotten, as if the process had been started anew: the store has it all, and nobody has asked for long.
    pub fn is_idle(&self, now: Moment) -> bool {
        let recent = self.looked_at.is_some_and(|at| now.mono.saturating_sub(at) < IDLE_MILLISECONDS);
        let refused = self.record().map_or(self.invalid.is_some(), |record| self.is_invalid(record));
        !recent && !refused && !self.unsaved && self.claiming.is_empty()
    }

    /// What a caller gets, after what was done for it already.
    pub fn judge(&self, demand: TokenRequirements, done: Attempted, now: Moment) -> Decision {
        let looked = self.looked_at.is_some_and(|at| now.mono.saturating_sub(at) < demand.recheck);
        let judgement = self.judge_known(demand, done, now);
        // Who was refused may have logged in elsewhere just now, and comes here by the next page.
        if done != Attempted::Nothing || (looked && !matches!(judgement, Decision::Fail(_))) {
            return judgement;
        }
        match self.trouble.as_ref().filter(|trouble| now.mono < trouble.next_look) {
            Some(_) if self.is_usable(demand, now) => Decision::Use,
            Some(trouble) => Decision::Fail(trouble.error.clone()),
            None => Decision::Reload,
        }
    }

    /// The same, if what is known is what there is.
    fn judge_known(&self, demand: TokenRequirements, done: Attempted, now: Moment) -> Decision {
        let Some(record) = self.record() else { return Decision::Fail(no_login()) };
        if let Some(error) = ended(record) {
            let again = done < Attempted::Operation && record.is_worth_another_try(demand.credentials, now);
            return if again { Decision::Refresh } else { Decision::Fail(error) };
        }
        match self.phase(demand, now) {
            Phase::Fresh => Decision::Use,
            // The newest there is, however short its life; unless this process slept through it.
            _ if done == Attempted::Refresh && record.tokens.is_some() && !self.is_invalid(record) && !self.slept_through(now) => {
                Decision::Use
            }
            Phase::Aging if done >= Attempted::Operation || record.refresh_token.is_none() || self.waits(demand, now) => Decision::Use,
            Phase::Aging => Decision::UseAndRefresh,
            Phase::Over if record.refresh_token.is_none() => Decision::Fail(no_refresh_token()),
            Phase::Over => Decision::Refresh,
        }
    }

    /// Whether the access token may be handed out where nothing better can be had.
    pub fn is_usable(&self, demand: TokenRequirements, now: Moment) -> bool {
        self.record().is_some_and(Record::is_active) && self.phase(demand, now) < Phase::Over
    }

    /// Whether nobody needs to renew the token yet.
    pub fn is_fresh(&self, demand: TokenRequirements, now: Moment) -> bool {
        self.record().is_some_and(Record::is_active) && self.phase(demand, now) == Phase::Fresh
    }

    /// Until when, by the monotonic clock, the token may be handed out without another thought.
    pub fn at_hand_until(&self, demand: TokenRequirements, now: Moment) -> u64 {
        let demand = TokenRequirements { min_validity: 0, ..demand };
        let Some(looked_at) = self.looked_at.filter(|_| self.is_fresh(demand, now)) else { return 0 };
        let fresh_for = match (self.life_left(now), self.record().and_then(Record::life)) {
            (Some(left), Some(life)) => left.saturating_sub(life - soft(life, demand.early)),
            _ => u64::MAX,
        };
        now.mono.saturating_add(fresh_for).min(looked_at.saturating_add(demand.recheck))
    }

    fn waits(&self, demand: TokenRequirements, now: Moment) -> bool {
        let failure = self.record().and_then(|record| record.failure.as_ref());
        failure.is_some_and(|failure| failure.wait_left(demand.credentials, now).is_some()) || self.next_try.is_some_and(|at| now.mono < at)
    }

    fn phase(&self, demand: TokenRequirements, now: Moment) -> Phase {
        let Some(record) = self.record() else { return Phase::Over };
        let Some(tokens) = &record.tokens else { return Phase::Over };
        if self.invalid.as_ref().is_some_and(|invalid| *invalid == digest_of(tokens.access_token().reveal())) {
            return Phase::Over;
        }
        let Some(life) = record.life() else { return Phase::Fresh };
        let Some(age) = &self.age else { return Phase::Over };
        let age = age.at(now);
        // More than the server gives cannot be had: a token that is new is good enough.
        let margin = hard_margin(life).max(demand.min_validity.min(soft(life, None)));
        if age >= life.saturating_sub(margin) {
            Phase::Over
        } else if age >= soft(life, demand.early) {
            Phase::Aging
        } else {
            Phase::Fresh
        }
    }

    /// Whether the token has ended, and lived long enough that only a process that was stopped could miss all of it.
    fn slept_through(&self, now: Moment) -> bool {
        let long = self.record().and_then(Record::life).is_some_and(|life| life >= REFRESH_MILLISECONDS);
        long && self.life_left(now) == Some(0)
    }

    fn life_left(&self, now: Moment) -> Option<u64> {
        Some(self.record()?.life()?.saturating_sub(self.age?.at(now)))
    }

    /// The store was read; perhaps before another flight of this process has seen what came after.
    pub fn looked(&mut self, found: Option<&Stored>, now: Moment) {
        if found.is_some_and(|found| self.is_ahead(&found.record)) {
            return;
        }
        self.looked_at = Some(now.mono);
        self.trouble = None;
        match found {
            Some(stored) => self.take(stored.clone(), now),
            None => self.stored = None,
        }
        self.unsaved = false;
    }

    /// The store could not be read or written. `jitter` of 0 to 255 spreads those who ask again.
    pub fn store_failed(&mut self, error: &Error, now: Moment, jitter: u8) {
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures);
        let wait = (FIRST_TROUBLE_MILLISECONDS << failures.min(3)).min(LONGEST_TROUBLE_MILLISECONDS);
        let next_look = now.mono.saturating_add(wait * (384 + u64::from(jitter)) / 512);
        self.trouble = Some(Box::new(Trouble { failures: failures.saturating_add(1), next_look, error: error.clone() }));
    }

    /// A refresh has ended without new tokens: somebody else is at it, or it failed.
    pub fn refreshed_in_vain(&mut self, now: Moment, jitter: u8) {
        let wait = NEXT_TRY_MILLISECONDS + NEXT_TRY_MILLISECONDS * u64::from(jitter) / 256;
        self.next_try = Some(now.mono.saturating_add(wait));
    }

    /// This process has written it. Whether nothing newer has been seen meanwhile, by another flight of this process.
    pub fn wrote(&mut self, stored: Stored, now: Moment) -> bool {
        if self.is_ahead(&stored.record) {
            return false;
        }
        self.looked_at = Some(now.mono);
        self.trouble = None;
        self.unsaved = false;
        self.take(stored, now);
        true
    }

    /// This process could not write it.
    pub fn holds(&mut self, record: Record, now: Moment) {
        self.unsaved = true;
        self.take(Stored::new(String::new(), record), now);
    }

    /// The request that brought the tokens in hand was sent at `sent`, by this process's own clocks.
    pub fn sent(&mut self, sent: Moment) {
        self.age = Some(Age::new(sent));
    }

    fn take(&mut self, stored: Stored, now: Moment) {
        let record = &stored.record;
        // Not by the generation: a store that lost a write brings the same one twice.
        let same_tokens = self.record().is_some_and(|known| known.sent_at == record.sent_at && known.tokens == record.tokens);
        if !same_tokens {
            self.next_try = None;
            let tolerance = hard_margin(record.life().unwrap_or(u64::MAX)).max(1000);
            self.age = Age::met(now, record.sent_at, tolerance);
        }
        let replaced = self.record().map(|known| known.grant_id.clone()).filter(|known| *known != record.grant_id);
        let ended = record.is_ended().then(|| record.grant_id.clone());
        let gone: Vec<String> = [record.replaced.clone(), replaced, ended].into_iter().flatten().collect();
        gone.into_iter().for_each(|grant| self.remember_ended(grant));
        self.stored = Some(stored);
    }

    fn remember_ended(&mut self, grant_id: String) {
        if !grant_id.is_empty() && !self.gone.contains(&grant_id) {
            if self.gone.len() == REMEMBERED_GRANTS {
                self.gone.remove(0);
            }
            self.gone.push(grant_id);
        }
    }

    /// What to write again when the store is behind what this process knows: it has lost a write.
    /// With the claim: its owner may still have a request under way.
    pub fn lost(&self, found: Option<&Record>) -> Option<Record> {
        let known = self.record()?;
        // Somebody may have emptied the store on purpose. What it never kept, nobody has.
        let Some(found) = found else { return self.unsaved.then(|| known.clone()) };
        self.is_ahead(found).then(|| {
            let mut again = known.clone();
            if found.generation >= known.generation {
                again.generation = found.generation + 1;
            }
            // Somebody has refreshed what was logged out: the newer token is the one that ends the session.
            if known.is_ended() && known.grant_id == found.grant_id && found.generation > known.generation {
                again.refresh_token = found.refresh_token.clone();
            }
            let login = found.claim.as_ref().filter(|claim| claim.login);
            again.claim = login.or(known.claim.as_ref()).cloned();
            again
        })
    }

    /// Whether what is known came after `other`.
    fn is_ahead(&self, other: &Record) -> bool {
        let Some(known) = self.record() else { return false };
        if known.grant_id != other.grant_id {
            return self.is_gone(&other.grant_id);
        }
        // A logout is the end, whatever it did not know of.
        if known.is_ended() == other.is_ended() { known.generation > other.generation } else { known.is_ended() }
    }

    pub fn is_gone(&self, grant_id: &str) -> bool {
        self.gone.iter().any(|gone| gone == grant_id)
    }

    /// An API refused this access token. Nothing comes of it when the token is not current any more, or is itself what a refusal brought. A process
    /// that has not looked yet remembers it for when it does.
    pub fn invalidate(&mut self, access_token: &str, now: Moment) {
        let current = self.record().and_then(|record| record.tokens.as_ref());
        let is_another = current.is_some_and(|tokens| tokens.access_token().reveal() != access_token);
        let just_forced = self.forced_at.is_some_and(|at| now.mono.saturating_sub(at) < FORCED_MILLISECONDS);
        if !is_another && !just_forced {
            self.invalid = Some(digest_of(access_token));
        }
    }

    pub fn is_invalid(&self, record: &Record) -> bool {
        let current = record.tokens.as_ref().map(|tokens| digest_of(tokens.access_token().reveal()));
        self.invalid.is_some() && self.invalid == current
    }

    pub fn forced(&mut self, now: Moment) {
        self.forced_at = Some(now.mono);
    }

    /// Whether somebody else's claim has been seen as it is now for its whole lease, the last part of it without a gap: an owner that waited for the same
    /// store has had the time to write.
    pub fn has_watched(&mut self, version: &str, lease: u64, now: Moment) -> bool {
        let now = now.mono;
        if self.watched.as_ref().is_none_or(|watched| watched.version != version) {
            self.watched = Some(Box::new(Watched { version: version.to_owned(), since: now, steady: now, last: now }));
        }
        let Some(watched) = &mut self.watched else { return false };
        if now.saturating_sub(watched.last) > GAP_MILLISECONDS {
            watched.steady = now;
        }
        watched.last = now;
        now.saturating_sub(watched.since) >= lease && now.saturating_sub(watched.steady) >= STEADY_MILLISECONDS
    }
}

/// From which age on a token should be renewed. Lives are whole seconds.
fn soft(life: u64, early: Option<u8>) -> u64 {
    let late = life / 100 * SOFT_PERCENT;
    let Some(spread) = early else { return late };
    let before_lease = life.saturating_sub(hard_margin(life) + LEASE_MILLISECONDS + LEASE_MARGIN_MILLISECONDS);
    let early = before_lease.clamp(life / 100 * EARLIEST_PERCENT, late);
    early - life / 100 * SPREAD_PERCENT * u64::from(spread) / 255
}

/// How long before its end a token is not handed out any more.
fn hard_margin(life: u64) -> u64 {
    HARD_MILLISECONDS.min(life / 10)
}

/// Why nothing is handed out of a login that is over, if it is.
pub fn ended(record: &Record) -> Option<Error> {
    match &record.state {
        State::Active => None,
        State::Rejected { reason, .. } => Some(reason.error()),
        State::LoggedOut if record.grant_id.is_empty() => Some(no_login()),
        State::LoggedOut => Some(Error::new(ErrorCode::LoginRequired, "this account was logged out; log in again")),
    }
}

fn no_login() -> Error {
    Error::new(ErrorCode::LoginRequired, "the store has no login of this account; log in")
}

pub fn no_refresh_token() -> Error {
    Error::new(
        ErrorCode::LoginRequired,
        "the access token has run out and the server gave no refresh token; log in again, and check that the client may use refresh tokens",
    )
}
