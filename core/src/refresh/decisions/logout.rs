//! The end of a login.

use super::*;

#[test]
fn the_tombstone_comes_first_and_forgets_the_token_last() {
    let mut rig = Rig::new();
    rig.log_out().unwrap();
    assert_eq!(rig.log, ["load", "swap", "lock", "load", "revoke r1", "swap", "end"]);
    assert!(rig.record().is_ended() && rig.record().refresh_token.is_none());
    assert!(matches!(rig.known.judge(Demand::default(), Done::Looked, rig.now), Judgement::Refuse(_)));
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
