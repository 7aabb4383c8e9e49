//! The end of a login.

use super::*;

#[test]
fn the_tombstone_comes_first_and_forgets_the_token_last() {
    let mut rig = Rig::new();
    rig.renew(|_| Reply::Refused(error(ErrorCode::Transport))).unwrap_err();
    rig.log.clear();
    rig.log_out().unwrap();
    assert_eq!(rig.log, ["load", "swap", "lock", "load", "revoke r1", "swap", "end"]);
    assert_eq!((&rig.record().tokens, &rig.record().failure), (&None, &None));
    assert!(rig.record().is_ended() && rig.record().refresh_token.is_none());
    assert!(matches!(rig.known.judge(TokenRequirements::default(), Attempted::Reload, rig.now), Decision::Fail(_)));
}

#[test]
fn a_live_claim_is_kept_and_waited_for() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    assert_eq!(code(rig.log_out()), ErrorCode::Busy);
    assert!(rig.record().is_ended() && rig.record().claim == claim(false));
    assert_eq!(rig.times("revoke r1"), 0);
}

#[test]
fn a_claim_that_was_seen_unchanged_for_its_lease_is_waited_for_no_longer() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    let began = rig.now.mono;
    for _ in 0..2 {
        assert_eq!(code(rig.log_out()), ErrorCode::Busy);
    }
    rig.log_out().unwrap();
    assert_eq!((rig.now.mono - began, &rig.record().claim, &rig.record().refresh_token), (75_000, &None, &None));
}

#[test]
fn a_lock_is_waited_for_within_the_patience() {
    for (frees, elapsed) in [(20_000, 20_139), (40_000, 30_000)] {
        let mut rig = Rig::new();
        rig.jitter = 255;
        let began = rig.now.mono;
        let outcome = rig.fly(Goal::LogOut, |rig, action| match action {
            Action::TryLock => (rig.now.mono - began < frees).then_some(Observation::LockBusy),
            Action::Revoke(_) => Some(Observation::Revoked(Ok(()))),
            _ => None,
        });
        assert_eq!((outcome.is_ok(), rig.now.mono - began), (frees < 30_000, elapsed));
        assert!(rig.record().is_ended());
    }
}

#[test]
fn a_refresh_of_this_process_is_waited_for_too() {
    let mut rig = Rig::leasing();
    let logs_out = |rig: &mut Rig| assert_eq!(code(rig.log_out()), ErrorCode::Busy);
    assert!(!renew_while(&mut rig, |rig| rig.tokens(2), logs_out).unwrap());
    assert_eq!((rig.record().is_ended(), token_of(rig.record())), (true, "r2"));
    rig.log_out().unwrap();
    assert_eq!((rig.times("revoke r1"), rig.times("revoke r2")), (0, 1));
}

#[test]
fn a_new_login_that_stands_there_by_now_is_not_ended() {
    let mut rig = Rig::new();
    let outcome = rig.fly(Goal::LogOut, |rig, action| {
        if matches!(action, Action::TryLock) {
            rig.put(Record { replaced: Some("g".into()), ..login("h", 2, START) });
        }
        None
    });
    outcome.unwrap();
    assert!(!rig.log.iter().any(|done| done.starts_with("revoke")));
    assert_eq!(rig.record().grant_id, "h");
}

#[test]
fn when_the_server_cannot_be_reached_a_second_logout_finishes_it() {
    let mut rig = Rig::new();
    let unreachable =
        |_: &mut Rig, action: &Action| matches!(action, Action::Revoke(_)).then(|| Observation::Revoked(Err(error(ErrorCode::Transport))));
    assert_eq!(code(rig.fly(Goal::LogOut, unreachable)), ErrorCode::Transport);
    assert_eq!((rig.record().is_ended(), token_of(rig.record())), (true, "r1"));
    rig.log_out().unwrap();
    assert!(rig.record().refresh_token.is_none());
}

#[test]
fn a_token_that_came_while_the_server_was_asked_is_ended_too() {
    let mut rig = Rig::new();
    let outcome = rig.fly(Goal::LogOut, |rig, action| match action {
        Action::Revoke(token) => {
            if token.reveal() == "r1" {
                rig.change(|record| record.refresh_token = Some("r2".into()));
            }
            Some(Observation::Revoked(Ok(())))
        }
        _ => None,
    });
    outcome.unwrap();
    assert_eq!((rig.times("revoke r1"), rig.times("revoke r2")), (1, 1));
    assert!(rig.record().refresh_token.is_none());
}

#[test]
fn a_refresh_that_has_not_sent_anything_yet_does_not_hold_up_a_logout() {
    let mut rig = Rig::new();
    rig.gone = false;
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| {
        if matches!(action, Action::Load) && rig.times("claim") == 1 {
            rig.change(|record| record.state = State::LoggedOut);
        }
        None
    });
    assert!(!outcome.unwrap());
    assert!(rig.record().is_ended() && rig.record().claim.is_none() && !rig.log.iter().any(|done| done.starts_with("refresh")));
    rig.known = Default::default();
    rig.log_out().unwrap();
    assert_eq!((rig.times("revoke r1"), rig.times("wait")), (1, 0));
}
