//! What a process does: it serves callers, and carries out operations as the driver does.

use sipgate_oauth2_protocol::error::{Error, ErrorCode, Result};
use sipgate_oauth2_protocol::openid::identity::EndedSession;
use sipgate_oauth2_protocol::refresh::action::{Action, Goal, Observation, OperationContext};
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, Decision, TokenRequirements};
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::{REQUEST_MILLISECONDS, Record, Stored};
use sipgate_oauth2_protocol::refresh::reply::{Received, ReceivedIdToken, Reply};
use sipgate_oauth2_protocol::time::Moment;

use super::planted::{self, Planted};
use super::setup::{Exclusion, IdTokens, Setup};
use super::world::{
    BEAT, Caller, JUDGING, LOGGING_IN, LOGGING_OUT, Pending, Process, Purpose, REFRESHING, RELOADING, Response, RunningOperation, SUBJECT,
    StoreState, World, account, id_token, identity, number, refresh_token, store_failed, tokens,
};
use crate::mistakes;

const PATIENCE: u64 = 30_000;

impl World {
    pub(super) fn call(&mut self, setup: &Setup, process: usize, force: bool) {
        self.process_mut(process).caller = Some(Caller { attempted: Attempted::Nothing, awaits: REFRESHING, force });
        if force {
            self.begin(setup, process, REFRESHING, Goal::ForceRefresh);
        } else {
            self.proceed(setup, process);
        }
    }

    /// An API refuses the current token.
    pub(super) fn invalidate(&mut self, setup: &Setup, process: usize) {
        let now = self.now(setup, process);
        let local = &mut self.process_mut(process).local;
        let current = local.record().and_then(|record| record.tokens.clone());
        if let Some(tokens) = current {
            local.invalidate(tokens.access_token().reveal(), now);
        }
        self.call(setup, process, false);
    }

    pub(super) fn log_in(&mut self, setup: &Setup, process: usize) {
        let grant_id = format!("g{process}");
        self.begin(setup, process, LOGGING_IN, Goal::LogIn { grant_id });
    }

    /// Tokens from a login elsewhere, in the same browser, are saved.
    pub(super) fn save(&mut self, setup: &Setup, process: usize) {
        let grant_id = format!("s{process}");
        let sent = self.now(setup, process);
        let received = Box::new(received(self.server.log_in(self.time), sent));
        self.begin(setup, process, LOGGING_IN, Goal::Save { grant_id, received });
    }

    /// A login that was exchanged is judged, and saved if its ID token is good.
    pub(super) fn complete(&mut self, setup: &Setup, process: usize) {
        let (token, grant_id) = self.held.clone().expect("there is such a login");
        if self.server.notes(token).bad {
            self.held = None;
            return;
        }
        let grant_id = if setup.planted == Some(Planted::SaveTwice) { format!("{grant_id}.{process}") } else { grant_id };
        let id_token = ReceivedIdToken::Accepted(identity(&self.server, token));
        let received = Box::new(Received { id_token, ..received(token, self.now(setup, process)) });
        self.begin(setup, process, LOGGING_IN, Goal::Save { grant_id, received });
    }

    /// The ID token of the last refresh is judged.
    pub(super) fn judge(&mut self, setup: &Setup, process: usize) {
        self.begin(setup, process, JUDGING, Goal::JudgeIdToken);
    }

    /// The server ends the user's sessions, and a process is told.
    pub(super) fn end_sessions(&mut self, setup: &Setup, process: usize) {
        let session = Some(format!("s{}", self.server.end_by_itself())).filter(|_| !setup.ends_by_user);
        let subject = Some(SUBJECT.to_owned()).filter(|_| setup.ends_by_user);
        let mut ended = EndedSession { session, subject, issued_at: self.server.issued() - 1 };
        if setup.planted == Some(Planted::EndAnySession) {
            ended = mistakes::every_session(SUBJECT);
        }
        self.begin(setup, process, LOGGING_OUT, Goal::EndSession(ended));
    }

    pub(super) fn log_out(&mut self, setup: &Setup, process: usize) {
        let goal = if setup.forgets { Goal::Forget } else { Goal::LogOut };
        self.begin(setup, process, LOGGING_OUT, goal);
    }

    /// Carries out the decision for the caller.
    fn proceed(&mut self, setup: &Setup, process: usize) {
        let now = self.now(setup, process);
        let requirements = requirements(setup, process);
        let Process { local, operations, caller: Some(caller), .. } = self.process_mut(process) else { return };
        let is_refreshing = operations[REFRESHING].is_some();
        match local.decision(requirements, caller.attempted, now) {
            Decision::Use => self.hand_out(setup, process),
            Decision::UseAndRefresh => {
                self.hand_out(setup, process);
                if !is_refreshing {
                    self.begin(setup, process, REFRESHING, Goal::Refresh(requirements));
                }
            }
            Decision::Reload => {
                caller.awaits = RELOADING;
                self.begin(setup, process, RELOADING, Goal::Reload);
            }
            Decision::Refresh => {
                caller.awaits = REFRESHING;
                self.check_waiting(setup, process);
                if is_refreshing {
                    self.use_or_fail(setup, process);
                } else {
                    self.begin(setup, process, REFRESHING, Goal::Refresh(requirements));
                }
            }
            Decision::Fail(_) => self.process_mut(process).caller = None,
        }
    }

    /// Hands out the current token if it is usable. Otherwise the call fails.
    fn use_or_fail(&mut self, setup: &Setup, process: usize) {
        let now = self.now(setup, process);
        if self.processes[process].local.is_usable(requirements(setup, process), now) {
            self.hand_out(setup, process);
        } else {
            self.process_mut(process).caller = None;
        }
    }

    fn hand_out(&mut self, setup: &Setup, process: usize) {
        let local = &self.processes[process].local;
        let unsaved = local.is_unsaved();
        if let Some(record) = local.record().cloned() {
            self.check_hand_out(setup, process, &record, unsaved);
        }
        self.process_mut(process).caller = None;
    }

    fn begin(&mut self, setup: &Setup, process: usize, slot: usize, goal: Goal) {
        let now = self.now(setup, process);
        let pid = setup.pid(process, self.processes[process].incarnation);
        let state = self.process_mut(process);
        let incarnation = state.incarnation;
        let owner = if slot == RELOADING {
            format!("p{process}.{incarnation}")
        } else {
            state.operations_started += 1;
            format!("p{process}.{incarnation}.{}", state.operations_started)
        };
        let instance = format!("p{process}.{incarnation}");
        let context = OperationContext {
            account: account(),
            owner: owner.clone(),
            process: pid,
            started: None,
            instance,
            jitter: 0,
            patience: PATIENCE,
            credentials: 0,
            request_timeout: REQUEST_MILLISECONDS,
        };
        let obtained = match &goal {
            Goal::Save { received, .. } => received.refresh_token.as_ref().map(|token| number(token.reveal())),
            _ => None,
        };
        let operation = Operation::new(goal, context, now);
        state.operations[slot] = Some(RunningOperation {
            operation,
            owner,
            pending: Pending::Load,
            swaps: 0,
            unstored: false,
            obtained,
            claimed: None,
            stale_reads: false,
            before_claim: None,
        });
        self.observe(setup, process, slot, Observation::Begun);
    }

    /// Passes an observation to an operation, and begins the next action.
    ///
    /// A load after a wait or a lock is part of the same step: what others do in between, they
    /// could do before.
    pub(super) fn observe(&mut self, setup: &Setup, process: usize, slot: usize, observation: Observation) {
        let now = self.now(setup, process);
        let mut observation = observation;
        loop {
            let state = self.process_mut(process);
            let Process { local, operations, watching, .. } = state;
            let running = operations[slot].as_mut().expect("the operation is in progress");
            let at_once = matches!(observation, Observation::Begun | Observation::Waited | Observation::Locked | Observation::NoLocks);
            match (setup.planted, &observation) {
                (Some(Planted::CountOutageAsWatched), Observation::Loaded(Some(found))) => {
                    mistakes::bridge_gap(watching, local, found, now);
                }
                (Some(Planted::ClaimDatedLate), Observation::Stored(_)) => {
                    mistakes::date_claim_now(&mut running.before_claim, &mut running.operation, local, now);
                }
                _ => {}
            }
            let took_over = matches!(observation, Observation::Stored(_));
            let before =
                (setup.planted == Some(Planted::ClaimDatedLate)).then(|| Box::new((running.operation.clone(), observation.clone())));
            let action = running.operation.decide(local, observation, now);
            let owner = running.owner.clone();
            running.before_claim = before.filter(|_| matches!(&action, Action::Swap { record, .. } if record.claimed_by(&owner)));
            let pending = match action {
                Action::Load if at_once => {
                    observation = self.load(setup, process, slot);
                    continue;
                }
                Action::Load => Pending::Load,
                Action::TryLock if setup.exclusion == Exclusion::Lease => {
                    observation = Observation::NoLocks;
                    continue;
                }
                Action::TryLock => Pending::TryLock,
                Action::Swap { expected, record } => Pending::Swap { expected, record },
                Action::Wait(_) if took_over && setup.planted == Some(Planted::TakeoverWithoutWait) => {
                    observation = Observation::Waited;
                    continue;
                }
                Action::Wait(milliseconds) => self.wait(milliseconds),
                Action::AcquirePermit if self.budget.queues == 0 || setup.planted == Some(Planted::ClaimBeforePermit) => {
                    observation = Observation::PermitAcquired { waited: false };
                    continue;
                }
                Action::AcquirePermit => Pending::Permit,
                Action::Refresh(record) if self.budget.queues > 0 && setup.planted == Some(Planted::ClaimBeforePermit) => {
                    Pending::ClaimedWhileQueued { record }
                }
                Action::Refresh(record) => self.send(&owner, &record, now),
                Action::Judge(record) => Pending::Keys { record },
                Action::Exchange => Pending::Request { purpose: Purpose::Exchange, sent: now, response: None },
                Action::Revoke(token) => {
                    let token = number(token.reveal());
                    self.check_revoking(token);
                    Pending::Request { purpose: Purpose::Revoke(token), sent: now, response: None }
                }
                Action::Report(outcome) => {
                    self.notify_caller(setup, process, slot, &outcome.map(|()| true));
                    observation = Observation::Reported;
                    continue;
                }
                Action::Finish(outcome) => {
                    self.finish(setup, process, slot, &outcome);
                    return;
                }
            };
            let running = self.process_mut(process).operations[slot].as_mut().expect("the operation is in progress");
            running.pending = pending;
            return;
        }
    }

    /// A wait that is shorter than a beat may end at once.
    fn wait(&self, milliseconds: u64) -> Pending {
        let seconds = u32::try_from(milliseconds.div_ceil(1000)).expect("a wait is short");
        Pending::Wait { since: self.time, until: self.time + if seconds < BEAT { 0 } else { seconds } }
    }

    /// A refresh is sent.
    pub(super) fn send(&mut self, owner: &str, record: &Record, sent: Moment) -> Pending {
        self.check_sending(record, owner);
        let token = number(record.refresh_token.as_ref().expect("a refresh has a token").reveal());
        self.check_claim(owner, token);
        Pending::Request { purpose: Purpose::Refresh(token), sent, response: None }
    }

    fn finish(&mut self, setup: &Setup, process: usize, slot: usize, outcome: &Result<bool>) {
        let code = u8::try_from(process).expect("few processes");
        self.locks.retain(|holder| *holder != (code, slot));
        let obtained = self.process_mut(process).operations[slot].take().and_then(|running| running.obtained);
        if let (Some(token), Ok(_)) = (obtained, outcome) {
            self.check_login_reported(token);
            self.held.take_if(|(held, _)| *held == token);
        }
        self.notify_caller(setup, process, slot, outcome);
    }

    fn notify_caller(&mut self, setup: &Setup, process: usize, slot: usize, outcome: &Result<bool>) {
        let Some(caller) = self.process_mut(process).caller.as_mut().filter(|caller| caller.awaits == slot) else { return };
        match outcome {
            Ok(refreshed) => {
                let refreshed = *refreshed;
                caller.attempted = match (slot, refreshed) {
                    (RELOADING, _) => Attempted::Reload,
                    (_, true) => Attempted::Refresh,
                    (_, false) => Attempted::Operation,
                };
                if !caller.force || refreshed {
                    self.proceed(setup, process);
                } else {
                    self.process_mut(process).caller = None;
                }
            }
            Err(_) => self.use_or_fail(setup, process),
        }
    }

    /// What the operation loads.
    pub(super) fn load(&self, setup: &Setup, process: usize, slot: usize) -> Observation {
        if self.store.state == StoreState::Down {
            return store_failed();
        }
        let running = self.processes[process].operations[slot].as_ref().expect("the operation is in progress");
        let mut stored = if running.stale_reads { running.claimed.clone() } else { self.stored().cloned() };
        if setup.planted == Some(Planted::LeaseByWallClock)
            && let Some(stored) = &mut stored
        {
            planted::compare_clocks(stored, &running.owner, self.now(setup, process));
        }
        if let Some(stored) = &mut stored {
            stored.owner_has_exited = self.owner_has_exited(setup, stored);
        }
        Observation::Loaded(stored)
    }

    /// Whether the claim's owner looks as if it had exited. By its process id, a live process on
    /// another machine does too.
    fn owner_has_exited(&self, setup: &Setup, stored: &Stored) -> bool {
        let Some(claim) = &stored.record.claim else { return false };
        let mut running = self.processes.iter().enumerate().map(|(process, state)| setup.pid(process, state.incarnation));
        let is_assumed = setup.exclusion == Exclusion::Lease || setup.planted == Some(Planted::TrustFreeLock);
        is_assumed || !running.any(|pid| pid == claim.process)
    }

    /// A response arrives.
    pub(super) fn deliver(&mut self, setup: &Setup, process: usize, slot: usize, response: Response, sent: Moment) {
        let is_login = self.request(process, slot) == Some(Purpose::Exchange);
        let reply = match response {
            Response::Tokens(token) if setup.planted == Some(Planted::DropBadIdToken) && self.server.notes(token).bad => {
                mistakes::dropped()
            }
            Response::Tokens(token) => Reply::Tokens(Box::new(self.receive(setup, process, token, sent, is_login))),
            Response::InvalidGrant => Reply::Rejected(Error::new(ErrorCode::LoginRequired, "invalid_grant")),
            Response::Revoked => return self.observe(setup, process, slot, Observation::Revoked(Ok(()))),
        };
        let running = self.process_mut(process).operations[slot].as_mut().expect("the operation is in progress");
        running.unstored = matches!(response, Response::Tokens(_));
        if let (Response::Tokens(token), true) = (response, is_login) {
            running.obtained = Some(token);
        }
        running.stale_reads = setup.planted == Some(Planted::NoReload) && response == Response::InvalidGrant;
        match (setup.planted, response) {
            (Some(Planted::DeleteOnInvalidGrant), Response::InvalidGrant) => self.put(None),
            (Some(Planted::HandOutBeforeCommit), Response::Tokens(token)) if !is_login => {
                let record = Record { tokens: Some(tokens(token, sent.wall)), ..Record::empty(account()) };
                self.check_hand_out(setup, process, &record, false);
            }
            _ => {}
        }
        self.reply(setup, process, slot, reply);
    }

    /// What becomes of tokens that the server has issued. A login that cannot be judged is not in
    /// the record.
    fn receive(&mut self, setup: &Setup, process: usize, token: u8, sent: Moment, is_login: bool) -> Received {
        let received = received(token, sent);
        let id_token = match setup.id_tokens {
            IdTokens::None => ReceivedIdToken::Absent,
            _ if !self.has_keys && is_login && setup.planted == Some(Planted::StoreUnjudgedLogin) => ReceivedIdToken::Absent,
            _ if !self.has_keys => {
                if is_login {
                    self.held = Some((token, format!("g{process}")));
                }
                ReceivedIdToken::Unjudged(id_token(token))
            }
            _ if self.server.notes(token).bad && setup.planted != Some(Planted::IgnoreBadIdToken) => {
                let code = if is_login { ErrorCode::IdToken } else { ErrorCode::Quarantined };
                return Received { tokens: Err(Error::new(code, "a bad ID token")), ..received };
            }
            _ => ReceivedIdToken::Accepted(identity(&self.server, token)),
        };
        Received { id_token, ..received }
    }

    /// A request fails.
    pub(super) fn fail(&mut self, setup: &Setup, process: usize, slot: usize, reply: Reply) {
        match (self.request(process, slot), reply) {
            (Some(Purpose::Revoke(_)), Reply::ConnectionLost(error) | Reply::OutcomeUnknown(error) | Reply::Refused(error)) => {
                let outcome = if setup.planted == Some(Planted::ForgetUnconfirmedLogout) { Ok(()) } else { Err(error) };
                self.observe(setup, process, slot, Observation::Revoked(outcome));
            }
            (_, reply) => self.reply(setup, process, slot, reply),
        }
    }

    fn reply(&mut self, setup: &Setup, process: usize, slot: usize, reply: Reply) {
        let reply = if setup.planted == Some(Planted::ReplayAfterTimeout) { planted::mistake(reply) } else { reply };
        self.observe(setup, process, slot, Observation::Replied(reply));
    }

    /// The request in flight.
    pub(super) fn request(&self, process: usize, slot: usize) -> Option<Purpose> {
        match self.processes[process].operations[slot].as_ref()?.pending {
            Pending::Request { purpose, .. } => Some(purpose),
            _ => None,
        }
    }
}

/// What the callers of a process require.
fn requirements(setup: &Setup, process: usize) -> TokenRequirements {
    let spread = u8::try_from(process).expect("few processes") * 100;
    TokenRequirements {
        min_validity: 0,
        recheck: 1000,
        early_refresh: (setup.exclusion == Exclusion::Lease).then_some(spread),
        credentials: 0,
        due: None,
    }
}

/// What a request that was sent at `sent` obtains.
fn received(token: u8, sent: Moment) -> Received {
    Received { tokens: Ok(tokens(token, sent.wall)), refresh_token: Some(refresh_token(token)), sent, id_token: ReceivedIdToken::Absent }
}
