//! Checks the invariants of `docs/refresh-protocol.md` at every event.

use sipgate_oauth2_protocol::refresh::action::Action;
use sipgate_oauth2_protocol::refresh::local_state::Attempted;
use sipgate_oauth2_protocol::refresh::record::Record;

use super::records::{access_of, describe_record, refresh_of};
use super::world::{Kind, Purpose, RequestState, World};

/// How far rounding and drift may change an age, in milliseconds.
const INEXACT: u64 = 1_500;

/// Nothing is sent under a claim older than this.
const CLAIM_MAX_AGE: u64 = 40_000;

/// A lease without the request timeout, and the margin between its end and that of the token.
const LEASE_AND_MARGIN: u64 = 45_000 + 15_000;

/// A caller with a usable token gets it within this many milliseconds.
const HAND_OUT_WITHIN: u64 = 260;

/// The longest time that a store that failed is not asked again.
const LONGEST_OUTAGE_WAIT: u64 = 6_250;

/// A little longer than the store takes to respond.
const STORE_DELAY: u64 = 2_100;

/// How many ended grants a process remembers.
const REMEMBERED_GRANTS: usize = 16;

impl World<'_> {
    /// I1, I7, and I10 with I12: a refresh is sent only if it may be and must be.
    pub(super) fn check_action(&mut self, id: u64, action: &Action) {
        let (Action::Refresh(record), Some(running)) = (action, self.operations.get(&id)) else { return };
        let account = running.account;
        let verified_at =
            running.loaded.iter().flatten().any(|found| found.record.claimed_by(&running.owner) && found.record.same_revision(record));
        let others = self.operations.iter().filter(|(other, running)| **other != id && running.account == account);
        let beside =
            others.filter_map(|(_, other)| other.request.map(|request| (other, &self.requests[request]))).find(|(other, request)| {
                let process = &self.processes[other.process];
                let stopped = self.awake_at(other.process) >= request.sent || process.stopped_until >= request.sent;
                let slow = request.state == RequestState::Storing && process.slow_until >= request.sent;
                let is_leased = !self.settings.locks || other.lock_lost;
                // A record that was restored after a lost or failed write also replaced a claim.
                let forked = request.purpose != Purpose::Refresh(refresh_of(record).unwrap_or(usize::MAX)) && self.was_forked(account);
                let unclaimed = self.store.lost_since(account, request.verified_at.min(running.loaded_at));
                other.requested.as_ref().is_some_and(|(grant_id, _)| *grant_id == record.grant_id)
                    && matches!(request.purpose, Purpose::Refresh(_))
                    && matches!(request.state, RequestState::InFlight | RequestState::Storing)
                    && !(forked || unclaimed)
                    && other.received.is_none_or(|received| self.server.notes(received).stored.is_none())
                    && !(is_leased && (stopped || slow || !self.clocks_right_since(request.sent)))
            });
        let problem = if !verified_at {
            "I1: a refresh token is sent without a claim that the last load found".to_owned()
        } else if running.outcome_unknown {
            "I7: a request is repeated although the one before may still be in flight".to_owned()
        } else if let Some(age) = self.claims_age(id).filter(|age| *age > CLAIM_MAX_AGE + INEXACT) {
            format!("I1: a refresh token is sent under a claim that is {age} ms old")
        } else if self.settings.locks && self.store.holder(account) != Some(id) && !running.lock_lost {
            "I7: a refresh token is sent without the lock".to_owned()
        } else if let Some((other, request)) = beside {
            format!("I7: process {} has a request in flight: {:?}", other.process, request.purpose)
        } else if self.is_needless(id, record) {
            format!("I10: token {:?} is refreshed before it is due", access_of(record))
        } else {
            return;
        };
        self.fail(account, format!("operation {id}: {problem}"));
    }

    /// Whether there may be two successions of tokens, because the store lost or rejected a write.
    fn was_forked(&self, account: usize) -> bool {
        self.store.lost_since(account, 0) || self.processes.iter().any(|process| !process.account_states[account].unsaved.is_empty())
    }

    fn clocks_right_since(&self, then: u64) -> bool {
        self.machines.iter().all(|machine| machine.was_right_since(then, self.now))
    }

    /// The age of the operation's claim; `None` if a clock was wrong.
    fn claims_age(&self, id: u64) -> Option<u64> {
        let claimed_at = self.operations.get(&id)?.claimed_at?;
        self.clocks_right_since(claimed_at).then_some(self.now - claimed_at)
    }

    /// I13: a caller waits for a refresh only if the current token is not usable.
    pub(super) fn check_waiting(&mut self, id: u64) {
        let Some(caller) = self.callers.get(&id) else { return };
        let (process, account, min_validity) = (caller.process, caller.account, caller.requirements.min_validity);
        let account_state = &self.processes[process].account_states[account];
        let Some(number) = account_state.local.record().filter(|record| record.is_active()).and_then(access_of) else { return };
        let token = self.server.notes(number);
        let age = self.now - token.sent;
        let is_good = age + INEXACT < self.limit(min_validity) && !account_state.refused.contains(&number);
        if is_good && self.clocks_right_since(token.sent) {
            self.fail(account, format!("I13: caller {id} waits for a refresh, and token {number} is only {age} ms old"));
        }
    }

    /// The age from which a token does not satisfy this validity.
    fn limit(&self, min_validity: u64) -> u64 {
        let lifetime = self.settings.lifetime * 1000;
        lifetime - (lifetime / 10).min(30_000).max(min_validity.min(lifetime * 4 / 5))
    }

    /// The age from which this process refreshes a token.
    fn soft_limit(&self, process: usize) -> u64 {
        let lifetime = self.settings.lifetime * 1000;
        let late = lifetime * 4 / 5;
        if self.settings.locks {
            return late;
        }
        let before_lease = self.limit(0).saturating_sub(LEASE_AND_MARGIN + 30_000).clamp(lifetime / 2, late);
        before_lease - lifetime / 10 * u64::from(self.processes[process].spread) / 255
    }

    fn is_needless(&self, id: u64, record: &Record) -> bool {
        let (Some(running), Some(token)) = (self.operations.get(&id), access_of(record)) else { return false };
        let account_state = &self.processes[running.process].account_states[running.account];
        let sent = self.server.notes(token).sent;
        running.kind == Kind::Refresh
            && !running.wants_validity
            && !account_state.refused.contains(&token)
            && self.now - sent + INEXACT < self.soft_limit(running.process)
            && self.clocks_right_since(sent)
    }

    /// I3, I5, I6, I9, I14, I16, I17 and I18: which record may replace which.
    pub(super) fn check_write(&mut self, (id, kind): (u64, Kind), account: usize, before: Option<&Record>, after: &Record) {
        let Some(problem) = self.problem_of_write(kind, account, before, after) else { return };
        let of = |record: &Record| describe_record(record);
        self.fail(account, format!("operation {id} replaces {} by {}: {problem}", before.map_or("nothing".into(), of), of(after)));
    }

    fn problem_of_write(&self, kind: Kind, account: usize, before: Option<&Record>, after: &Record) -> Option<&'static str> {
        if *after.account != self.users[account].account && !after.is_erased() {
            return Some("I9: it belongs to another account");
        }
        let before = before?;
        let is_login = matches!(kind, Kind::LogIn | Kind::Save);
        let lost = self.was_forked(account);
        let (old, new) = (refresh_of(before), refresh_of(after));
        let is_rejected = |record: &Record| !record.is_active() && !record.is_logged_out();
        if after.generation < before.generation {
            return Some("I3: the generation goes down");
        }
        if after.grant_id != before.grant_id && !is_login && !lost {
            return Some("I3: another login is replaced");
        }
        if let (Some(old), Some(new)) = (old, new)
            && old != new
            && !after.is_logged_out()
        {
            if after.generation == before.generation {
                return Some("I3: the tokens change, but the generation does not");
            }
            if !is_login && !lost && !self.server.descends(new, old) {
                return Some("I3: the tokens were not obtained with the ones they replace");
            }
        }
        if self.is_known_to_be_bad(after) {
            return Some("I16: the ID token beside its access token is bad");
        }
        let was_refused = access_of(after).is_some_and(|token| self.server.notes(token).refusal_stored.is_some());
        if was_refused && !lost {
            return Some("I16: the access token is back that was refused");
        }
        if is_login && self.settings.id_tokens && after.grant_id != before.grant_id && after.tokens.is_some() && after.identity.is_none() {
            return Some("I17: the ID token of the login is not judged");
        }
        let is_end = matches!(kind, Kind::LogOut | Kind::SessionEnd);
        if let (Some(token), None, Kind::SessionEnd, false) = (old, new, kind, lost)
            && self.server.is_alive(self.server.token(token).session)
        {
            return Some("I18: the session of the login has not ended");
        }
        if old.is_some() && new.is_none() && !is_login && !is_end && !lost {
            return Some("I5: the refresh token is gone");
        }
        if let (Some(token), None, Kind::LogOut) = (old, new, kind)
            && self.server.is_alive(self.server.token(token).session)
        {
            return Some("I14: the logout is completed, but the session is alive");
        }
        if is_rejected(after) && before.is_active() && !lost && !new.is_some_and(|token| self.server.notes(token).refused) {
            return Some("I6: the server did not refuse this token");
        }
        if after.is_logged_out() && !before.is_logged_out() && !is_end && !self.users[account].ended.contains_key(&after.grant_id) {
            return Some("I5: the login is logged out without a request");
        }
        None
    }

    /// The store has accepted a record.
    pub(super) fn written(&mut self, kind: Kind, account: usize, record: &Record) {
        for token in [access_of(record), refresh_of(record)].into_iter().flatten() {
            self.server.note_stored(token, self.now);
        }
        if record.is_logged_out() {
            if !record.grant_id.is_empty() {
                self.users[account].ended.entry(record.grant_id.clone()).or_insert(self.now);
            }
            if self.users[account].login.as_ref().is_some_and(|login| login.grant_id == record.grant_id) {
                self.logged_out(account);
            }
            return;
        }
        if let (Kind::LogIn | Kind::Save, Some(token), None) = (kind, refresh_of(record), &record.claim) {
            if let Some(replaced) = &record.previous_grant_id {
                self.users[account].ended.entry(replaced.clone()).or_insert(self.now);
            }
            self.logged_in(account, &record.grant_id, token);
        }
        self.note_stored_login(account, &record.grant_id);
    }

    /// I4: tokens are stored, or superseded.
    pub(super) fn check_end(&mut self, id: u64) {
        let Some(running) = self.operations.get(&id) else { return };
        let (account, Some(received), Some((grant_id, generation))) = (running.account, running.received, &running.requested) else {
            return;
        };
        let token = self.server.notes(received);
        let there = self.store.load(account).map(|stored| &*stored.record);
        let same = there.is_none_or(|there| there.grant_id == *grant_id && there.generation <= *generation && !there.is_logged_out());
        if token.stored.is_none() && same && !self.store.lost_since(account, token.sent) {
            self.fail(account, format!("I4: operation {id} finishes, and its tokens {received} are not stored"));
        }
    }

    /// I2, I9, I11, I13 and I16: what a caller gets.
    pub(super) fn check_hand_out(&mut self, id: u64) {
        let Some(caller) = self.callers.get(&id) else { return };
        let account = caller.account;
        if let Some(problem) = self.problem_of_token(id).or_else(|| self.problem_of_delay(id)) {
            let record = self.processes[caller.process].account_states[account].local.record().map(describe_record);
            self.fail(account, format!("caller {id} gets the token of {}: {problem}", record.unwrap_or_default()));
        }
    }

    fn problem_of_token(&self, id: u64) -> Option<String> {
        let caller = self.callers.get(&id)?;
        let account_state = &self.processes[caller.process].account_states[caller.account];
        let record = account_state.local.record()?;
        let number = access_of(record)?;
        let token = self.server.notes(number);
        if token.account != caller.account {
            return Some("I9: it belongs to another account".into());
        }
        if token.stored.is_none() && !account_state.unsaved.contains(&number) {
            return Some("I2: it is not stored yet".into());
        }
        if self.is_known_to_be_bad(record) {
            return Some("I16: the ID token beside it is bad".into());
        }
        self.problem_of_age(id).or_else(|| self.problem_of_end(id)).or_else(|| self.problem_of_refusal(id))
    }

    /// I13: a caller with a usable token waits neither for the store nor for a refresh.
    fn problem_of_delay(&self, id: u64) -> Option<String> {
        let caller = self.callers.get(&id)?;
        let given = access_of(self.processes[caller.process].account_states[caller.account].local.record()?)?;
        let was_held_up = caller.usable_at_start == Some(given) && self.now > caller.began + HAND_OUT_WITHIN;
        (was_held_up && self.awake_at(caller.process) <= caller.began)
            .then(|| format!("I13: it was usable {} ms ago", self.now - caller.began))
    }

    /// I11: no expired token is handed out, except for the time that the clocks hide (I12).
    fn problem_of_age(&self, id: u64) -> Option<String> {
        let caller = self.callers.get(&id)?;
        let account_state = &self.processes[caller.process].account_states[caller.account];
        let token = self.server.notes(access_of(account_state.local.record()?)?);
        let acquired = account_state.acquired.as_ref()?;
        let lifetime = self.settings.lifetime * 1000;
        let tolerance = (lifetime / 10).clamp(1_000, 30_000);
        let moment = self.moment(caller.process);
        let wall = u64::try_from(moment.wall - acquired.moment.wall).unwrap_or(0);
        let hidden_since = (self.now - acquired.at).saturating_sub(wall.max(moment.mono - acquired.moment.mono));
        let ahead = acquired.skew.map_or(0, |skew| token.sender_skew - skew);
        let age_at_acquisition = i64::try_from(acquired.at - token.sent).unwrap_or(i64::MAX);
        if age_at_acquisition - ahead < -i64::try_from(tolerance + INEXACT).unwrap_or(0) && caller.attempted != Attempted::Refresh {
            return Some("I12: it was sent in the future, so its age is unknown".into());
        }
        let limit = if caller.attempted == Attempted::Refresh { lifetime } else { self.limit(caller.requirements.min_validity) };
        let hidden = hidden_since + u64::try_from(ahead).unwrap_or(0);
        let age = self.now - token.sent;
        (age > limit + hidden + INEXACT).then(|| format!("I11: it is {age} ms old, its limit is {limit}, the clocks hide {hidden}"))
    }

    /// I9: no token of a login that ended longer ago than `recheck`.
    fn problem_of_end(&self, id: u64) -> Option<String> {
        let caller = self.callers.get(&id)?;
        let process = &self.processes[caller.process];
        let account_state = &process.account_states[caller.account];
        let record = account_state.local.record()?;
        let ended = *self.users[caller.account].ended.get(&record.grant_id)?;
        if account_state.seen_ended.iter().rev().take(REMEMBERED_GRANTS).any(|observation| *observation == record.grant_id) {
            return Some("I9: this process saw its login end".into());
        }
        self.is_old_news(id, ended).then(|| "I9: its login has ended".into())
    }

    /// I16: no access token whose ID token was refused longer ago than `recheck`.
    fn problem_of_refusal(&self, id: u64) -> Option<String> {
        let caller = self.callers.get(&id)?;
        let record = self.processes[caller.process].account_states[caller.account].local.record()?;
        let refused = self.server.notes(access_of(record)?).refusal_stored?;
        self.is_old_news(id, refused).then(|| "I16: its ID token was refused".into())
    }

    /// Whether the caller's process must know what the store has held since then.
    fn is_old_news(&self, id: u64, stored_at: u64) -> bool {
        let Some(caller) = self.callers.get(&id) else { return false };
        let process = &self.processes[caller.process];
        let account_state = &process.account_states[caller.account];
        let read = account_state.read_at.unwrap_or(0);
        let stopped = process.stopped_until > read || self.machines[process.machine].suspended_until > read;
        if caller.failed || stopped || self.store.lost_since(caller.account, stored_at) {
            return false;
        }
        if read > stored_at {
            return true;
        }
        // After a failed or slow load, a process keeps what it has for a while.
        let failed = account_state.failed_at.is_some_and(|at| at > read && caller.began <= at + LONGEST_OUTAGE_WAIT);
        let slow = process.slow_until > read;
        !failed && !slow && caller.began > read + caller.requirements.recheck + STORE_DELAY
    }
}
