//! Locks, leases and claims.

use super::*;

#[test]
fn who_has_the_lock_takes_over_what_was_claimed_under_it() {
    let mut rig = Rig::new();
    rig.change(|record| record.claim = claim(true));
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.times("wait"), 0);
}

#[test]
fn a_claim_made_without_the_lock_is_watched_also_under_it() {
    let mut rig = Rig::new();
    rig.change(|record| record.claim = claim(false));
    assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    assert!(rig.record().claim == claim(false));
}

#[test]
fn a_claim_of_another_copy_in_this_process_is_watched() {
    let mut rig = Rig::new();
    rig.change(|record| record.claim = claim(true).map(|claim| Claim { process: 7, ..claim }));
    assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
}

#[test]
fn a_leftover_of_our_own_is_taken_over_at_once() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false).map(|claim| Claim { instance: "here".into(), ..claim }));
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.times("wait"), 0);
}

#[test]
fn without_a_lock_a_claim_is_taken_over_when_it_was_seen_unchanged_for_its_lease() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    for _ in 0..2 {
        assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    }
    let began = rig.now.mono - 60_000;
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert!(rig.now.mono - began >= 75_000);
}

#[test]
fn a_clock_that_jumps_ahead_takes_nothing_over() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    rig.look();
    rig.now.wall += 86_400_000;
    assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
}

#[test]
fn who_waits_for_the_lock_sees_what_its_holder_brought() {
    let mut rig = Rig::new();
    let outcome = rig.fly(Goal::Renew { min_validity: 0 }, |rig, action| {
        matches!(action, Action::TryLock).then(|| {
            rig.put(login("g", 2, START));
            Observation::LockBusy
        })
    });
    assert!(!outcome.unwrap());
    assert_eq!(rig.log, ["load", "lock", "wait", "load", "end"]);
}

#[test]
fn a_token_between_its_limits_is_not_waited_for() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START - 250_000));
    let outcome = rig.fly(Goal::Renew { min_validity: 0 }, |_, action| matches!(action, Action::TryLock).then_some(Observation::LockBusy));
    assert!(!outcome.unwrap());
    assert_eq!(rig.log, ["load", "lock", "end"]);
}
