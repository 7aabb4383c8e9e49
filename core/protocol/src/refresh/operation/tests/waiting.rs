//! Waits after failures.

use super::*;

fn failed(rig: &mut Rig, seconds: u64) {
    let asked = error(ErrorCode::ServerUnavailable).with_retry_after(Some(Duration::from_secs(seconds)));
    rig.renew(|_| Reply::Refused(asked.clone())).unwrap_err();
    rig.log.clear();
}

#[test]
fn a_wait_within_the_patience_is_waited_out() {
    let mut rig = Rig::new();
    failed(&mut rig, 20);
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.times("wait"), 1);
}

#[test]
fn a_wait_as_long_as_the_patience_is_waited_out() {
    let mut rig = Rig::new();
    failed(&mut rig, 30);
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.times("wait"), 1);
}

#[test]
fn a_longer_wait_is_answered_with_what_was_remembered() {
    let mut rig = Rig::new();
    failed(&mut rig, 40);
    assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::ServerUnavailable);
    assert_eq!(rig.log, ["load", "end"]);
}

#[test]
fn a_token_that_is_still_usable_is_given_meanwhile() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START - 250_000));
    failed(&mut rig, 20);
    assert!(!rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.log, ["load", "end"]);
    assert!(matches!(rig.known.judge(TokenRequirements::default(), Attempted::Reload, rig.now), Decision::Use));
}

#[test]
fn a_refusal_that_cost_nothing_does_not_bind_a_forced_refresh() {
    let mut rig = Rig::new();
    failed(&mut rig, 20);
    let force = |rig: &mut Rig, action: &Action| matches!(action, Action::Refresh(_)).then(|| Observation::Replied(rig.tokens(2)));
    assert!(rig.fly(Goal::ForceRefresh, force).unwrap());
    assert_eq!(rig.times("wait"), 0);
}
