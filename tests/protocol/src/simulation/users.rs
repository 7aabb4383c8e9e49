//! What users do, and which faults happen meanwhile.

use sipgate_oauth2_protocol::error::{ErrorCode, Result};
use sipgate_oauth2_protocol::refresh::action::Goal;
use sipgate_oauth2_protocol::refresh::reply::{Received, ReceivedIdToken};

use super::login::UnavoidableLoss;
use super::records::refresh_of;
use super::server::RequestOrigin;
use super::world::{Delivery, Event, Kind, World};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// For how many seconds callers retry around the end of an outage.
const IMPATIENT: u64 = 12;

impl World<'_> {
    pub(super) fn burst(&mut self, account: usize) {
        if !self.faulty {
            return;
        }
        let longest = if self.random.per_mille(300) { self.settings.lifetime * 2_000 } else { self.settings.mean_pause * 2 };
        let mean_pause = self.random.below(longest.min(self.settings.mean_pause * 2));
        self.after(mean_pause, Event::Burst { account });
        self.inject_faults(account);
        for _ in 0..self.random.between(1, 6) {
            let process = self.some_process();
            let at = self.random.below(3_000);
            let force = self.random.per_mille(20);
            self.after(at, Event::Call { process, account, must: false, force });
        }
    }

    fn inject_faults(&mut self, account: usize) {
        let process = self.some_process();
        let soon = self.random.below(10_000);
        let minute = self.random.below(60_000);
        if self.random.per_mille(15) {
            self.after(soon, Event::Kill { process });
        }
        if self.random.per_mille(10) {
            let length = self.pause_length();
            self.after(soon, Event::Stop { process, length });
        }
        if self.random.per_mille(3) {
            self.deploy();
        }
        if self.random.per_mille(12) {
            self.set_a_clock(soon);
        }
        if self.random.per_mille(5) {
            let machine = self.random.index(self.settings.machines);
            let longest = [60_000, HOUR, DAY][self.random.index(3)];
            let length = self.random.between(1_000, longest);
            self.tally.fault("machine suspended");
            self.after(soon, Event::Suspend { machine, length });
        }
        if self.random.per_mille(14) {
            let (at, length) = (self.random.below(4_000), self.random.below(300_000));
            self.after(at, Event::StoreDown { length });
        }
        if self.random.per_mille(14) {
            let (at, length) = (self.random.below(4_000), self.random.below(300_000));
            self.after(at, Event::StoreReadOnly { length });
        }
        if self.random.per_mille(8) {
            let length = self.random.below(300_000);
            self.after(0, Event::SlowStore { process, length });
        }
        if self.random.per_mille(8) && self.settings.locks {
            let at = self.random.below(4_000);
            self.after(at, Event::LoseLock { account });
        }
        if self.random.per_mille(6) {
            self.after(minute, Event::LoseWrites { account, writes: 1 });
        }
        if self.random.per_mille(3) {
            let writes = self.random.index(10) + 2;
            self.after(minute, Event::LoseWrites { account, writes });
        }
        if self.random.per_mille(3) {
            self.after(soon, Event::EndSession { account });
        }
        if self.random.per_mille(12) && self.settings.id_tokens {
            let length = self.random.below(600_000);
            self.after(soon, Event::KeysDown { length });
        }
        if self.random.per_mille(3) {
            self.tally.fault("user disabled for a while");
            self.users[account].disabled_until = self.now + soon + self.random.below(600_000);
        }
        if self.random.per_mille(6) {
            self.after(soon, Event::Logout { account });
        }
        if self.random.per_mille(6) {
            self.after(soon, Event::Login { account, again: true });
        }
        if self.random.per_mille(4) {
            // Both at once, as from two tabs.
            let apart = self.random.below(1_000);
            self.after(soon, Event::Logout { account });
            self.after(soon + apart, Event::Login { account, again: true });
        }
    }

    fn deploy(&mut self) {
        self.tally.fault("deploy");
        for process in 0..self.settings.processes {
            let at = self.random.below(60_000);
            self.after(at, Event::Kill { process });
        }
    }

    /// Sets a wall clock wrong, and corrects it later.
    fn set_a_clock(&mut self, soon: u64) {
        let machine = self.random.index(self.settings.machines);
        let (kind, skew) = match self.random.below(3) {
            0 => ("clock set by seconds", self.random.between(1_000, 30_000)),
            1 => ("clock set by an hour", HOUR),
            _ => ("clock set by a day", DAY),
        };
        self.tally.fault(kind);
        let skew = i64::try_from(skew).unwrap_or(0);
        let skew = if self.random.half() { skew } else { -skew };
        let lasts = self.random.between(60_000, 12 * HOUR);
        self.after(soon, Event::SetClock { machine, skew });
        self.after(soon + lasts, Event::SetClock { machine, skew: 0 });
    }

    /// The store does not respond, or only rejects writes. Callers of the affected accounts retry
    /// during the outage and around its end.
    pub(super) fn fail_store(&mut self, length: u64, only_writes: bool) {
        if !self.faulty {
            return;
        }
        self.tally.fault(if only_writes { "store read-only for a while" } else { "store down for a while" });
        let until = self.now + length;
        self.trace.note(None, self.now, || format!("the store is {} for {length} ms", if only_writes { "read-only" } else { "down" }));
        let store = &mut self.store;
        let end = if only_writes { &mut store.read_only_until } else { &mut store.down_until };
        *end = until.max(*end);
        let busy: Vec<usize> = (0..self.users.len()).filter(|account| self.users[*account].running_operations > 0).collect();
        for account in busy {
            let process = self.some_process();
            let meanwhile = self.random.below(length);
            self.after(meanwhile, Event::Call { process, account, must: false, force: false });
            let process = self.some_process();
            let first = until.saturating_sub(8_000).max(self.now);
            for second in 0..IMPATIENT {
                let late = self.random.below(1_000);
                self.at(first + second * 1_000 + late, Event::Call { process, account, must: false, force: false });
            }
        }
    }

    pub(super) fn slow_down(&mut self, process: usize, length: u64) {
        if self.faulty {
            self.tally.fault("store slow for one process");
            self.trace.note(None, self.now, || format!("the store is slow for process {process}, for {length} ms"));
            self.processes[process].slow_until = self.now + length;
        }
    }

    /// The lock is lost unnoticed, because a descriptor of its file was closed.
    pub(super) fn lose_lock(&mut self, account: usize) {
        if self.faulty
            && let Some(running) = self.store.lose_lock(account).and_then(|holder| self.operations.get_mut(&holder))
        {
            running.lock_lost = true;
            self.tally.fault("lock lost");
            self.trace.note(Some(account), self.now, || "the lock is lost".into());
        }
    }

    pub(super) fn lose_writes(&mut self, account: usize, writes: usize) {
        if self.faulty && self.store.lose(account, writes, self.now) {
            self.tally.fault(if writes == 1 { "store lost its last write" } else { "store restored from an older backup" });
            self.trace.note(Some(account), self.now, || format!("the store loses the last {writes} writes"));
            self.check_reachable(account);
        }
    }

    pub(super) fn end_session(&mut self, account: usize) {
        let mut alive = self.users[account].sessions.clone();
        alive.retain(|session| self.server.is_alive(*session));
        if !alive.is_empty() && self.faulty {
            self.tally.fault("session ended by the server");
            self.trace.note(Some(account), self.now, || "the server ends the session".into());
            // Of one browser, or of all.
            let only = self.random.half().then(|| alive[self.random.index(alive.len())]);
            for session in alive.into_iter().filter(|session| only.is_none_or(|only| only == *session)) {
                self.kill_session(account, session, UnavoidableLoss::EndedByServer);
            }
            let ended = self.ended_session(account, only);
            for _ in 0..self.random.below(3) {
                let later = self.random.below(20_000);
                self.after(later, Event::SessionEnded { account, ended: ended.clone() });
            }
        }
    }

    pub(super) fn log_in(&mut self, account: usize, again: bool) {
        let process = self.some_process();
        if again && self.users[account].login.is_none() && !self.users[account].wants_login {
            return;
        }
        if !self.processes[process].is_up || self.awake_at(process) > self.now {
            self.after(1_000, Event::Login { account, again });
            return;
        }
        if again && self.random.half() {
            // The next login uses a different browser.
            self.users[account].session = None;
        }
        self.tally.logins += 1;
        let grant_id = self.name("g");
        let goal =
            if self.random.per_mille(200) { self.tokens_from_elsewhere(process, account, grant_id) } else { Goal::LogIn { grant_id } };
        let kind = if matches!(goal, Goal::Save { .. }) { Kind::Save } else { Kind::LogIn };
        self.tally.saves += u64::from(kind == Kind::Save);
        self.start(process, account, kind, goal, 30_000);
    }

    fn tokens_from_elsewhere(&mut self, process: usize, account: usize, grant_id: String) -> Goal {
        let moment = self.moment(process);
        let session = self.browser_session(account);
        let (sent, sender_skew) = (self.now, self.skew(process));
        let origin = RequestOrigin { account, request: usize::MAX, sent, sender_skew, arrived: sent, bad: false };
        let new = self.server.log_in(session, origin);
        let id_token = if self.settings.id_tokens { ReceivedIdToken::Accepted(self.identity(new)) } else { ReceivedIdToken::Absent };
        let received = Received { id_token, ..self.received(new, None, moment, Delivery::Complete) };
        Goal::Save { grant_id, received: Box::new(received) }
    }

    pub(super) fn log_out(&mut self, account: usize) {
        let process = self.some_process();
        if self.processes[process].is_up && self.awake_at(process) <= self.now {
            self.tally.fault("logout");
            let goal = if process.is_multiple_of(2) { Goal::Forget } else { Goal::LogOut };
            self.start(process, account, Kind::LogOut, goal, 60_000);
        }
    }

    /// A caller got `LOGIN_REQUIRED`.
    pub(super) fn wants_login(&mut self, account: usize) {
        if !self.users[account].wants_login {
            self.users[account].wants_login = true;
            let later = if self.faulty { self.random.between(1_000, 1_800_000) } else { 100 };
            self.after(later, Event::Login { account, again: false });
        }
    }

    /// A login has finished, successfully or not.
    pub(super) fn login_over(&mut self, account: usize) {
        let has_login = self.users[account].login.is_some();
        if self.users[account].wants_login {
            self.users[account].wants_login = false;
            if !has_login {
                self.wants_login(account);
            }
        }
    }

    /// The user learns the outcome of a login.
    pub(super) fn login_reported(&mut self, id: u64, outcome: &Result<bool>) {
        let Some(running) = self.operations.get(&id) else { return };
        let account = running.account;
        if !matches!(running.kind, Kind::LogIn | Kind::Save) {
            return;
        }
        if let (Ok(_), Some(grant_id)) = (outcome, running.grant_id.clone()) {
            let record = self.processes[running.process].account_states[account].local.record();
            if let Some(token) = record.filter(|record| record.grant_id == grant_id).and_then(refresh_of) {
                self.logged_in(account, &grant_id, token);
            }
        }
        if outcome.as_ref().err().is_none_or(|error| error.code() != ErrorCode::Unsaved) {
            self.login_over(account);
        }
    }
}
