//! Locks, leases and claims.

use super::*;

#[test]
fn who_has_the_lock_takes_over_what_a_process_claimed_under_it_that_is_gone() {
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
fn a_free_lock_does_not_prove_that_a_claims_owner_is_gone() {
    let mut rig = Rig::new();
    rig.gone = false;
    rig.change(|record| record.claim = claim(true));
    for _ in 0..2 {
        assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    }
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
}

#[test]
fn a_claim_of_another_copy_in_this_process_is_watched() {
    let mut rig = Rig::new();
    rig.gone = false;
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
fn a_claim_of_our_own_flight_that_failed_is_taken_over_at_once() {
    let mut rig = Rig::leasing();
    let fails = |rig: &mut Rig, action: &Action| {
        (matches!(action, Action::Load) && rig.times("claim") == 1).then(|| Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
    };
    rig.fly(Goal::Refresh(TokenRequirements::default()), fails).unwrap_err();
    assert!(rig.record().claim.is_some());
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
fn an_outage_of_the_store_does_not_count_as_watching() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    rig.pass(85_000);
    let back = rig.now.mono;
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    // Watched for so long, and then taken over, and waited for the owner as long again.
    assert!((10_000..11_000).contains(&(rig.now.mono - back)));
    // An owner that came through the same outage writes within this time, and nothing is taken over.
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    rig.pass(85_000);
    let back = rig.now.mono;
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| {
        if matches!(action, Action::Load) && rig.now.mono - back > 1_000 {
            rig.put(login("g", 2, rig.now.wall));
        }
        None
    });
    assert!(!outcome.unwrap());
    assert_eq!(rig.record().generation, 2);
}

#[test]
fn an_owner_that_could_not_write_writes_over_the_claim_of_who_takes_over() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    for _ in 0..2 {
        assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    }
    // Until now the store could be read, and not be written.
    let mut taken_over = None;
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| {
        if rig.times("claim") == 1 && taken_over.is_none() {
            taken_over = Some(rig.now.mono);
        }
        if taken_over.is_some_and(|at| matches!(action, Action::Load) && rig.now.mono - at >= 1_000) {
            rig.put(login("g", 2, rig.now.wall));
        }
        None
    });
    assert!(!outcome.unwrap());
    assert_eq!((rig.record().generation, rig.times("refresh r1")), (2, 0));
}

#[test]
fn who_looks_seldom_takes_over_all_the_same() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    rig.pass(3_600_000);
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
}

#[test]
fn a_claim_is_as_old_as_the_request_for_it() {
    let mut rig = Rig::leasing();
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| {
        if matches!(action, Action::Swap { record, .. } if record.claim.is_some()) && rig.times("claim") == 1 {
            rig.pass(40_001);
        }
        matches!(action, Action::Refresh(_)).then(|| Observation::Replied(rig.tokens(2)))
    });
    assert!(outcome.unwrap());
    assert_eq!((rig.times("claim"), rig.times("refresh r1")), (2, 1));
}

#[test]
fn who_waited_for_a_turn_at_the_server_looks_again_before_the_claim() {
    let mut rig = Rig::new();
    rig.queue = true;
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.log, ["load", "lock", "load", "load", "claim", "load", "refresh r1", "load", "swap", "end"]);
}

#[test]
fn a_lease_is_as_long_as_the_requests_of_its_owner_may_take() {
    assert_eq!((lease(30_000), lease(300_000)), (75_000, 345_000));
}

#[test]
fn another_claim_is_watched_from_the_beginning() {
    let mut rig = Rig::leasing();
    for owner in ["theirs", "another's"] {
        rig.change(|record| record.claim = claim(false).map(|claim| Claim { owner: owner.into(), ..claim }));
        for _ in 0..2 {
            assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
        }
    }
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
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| {
        matches!(action, Action::TryLock).then(|| {
            rig.put(login("g", 2, START));
            Observation::LockBusy
        })
    });
    assert!(!outcome.unwrap());
    assert_eq!(rig.log, ["load", "lock", "wait", "load", "end"]);
}

#[test]
fn nobody_refreshes_without_the_lock() {
    let mut rig = Rig::new();
    let began = rig.now.mono;
    let outcome = rig
        .fly(Goal::Refresh(TokenRequirements::default()), |_, action| matches!(action, Action::TryLock).then_some(Observation::LockBusy));
    assert_eq!(code(outcome), ErrorCode::Busy);
    assert_eq!((rig.now.mono - began, rig.times("claim")), (30_000, 0));
}

#[test]
fn a_claim_says_whether_it_was_made_under_the_lock() {
    for (mut rig, locked) in [(Rig::new(), true), (Rig::leasing(), false)] {
        let mut claims = Vec::new();
        renew_while(&mut rig, |rig| rig.tokens(2), |rig| claims.extend(rig.record().claim.clone())).unwrap();
        assert_eq!(claims.iter().map(|claim| (claim.locked, claim.login)).collect::<Vec<_>>(), [(locked, false)]);
    }
}

#[test]
fn those_who_wait_are_spread_and_leave_in_time() {
    for (mut rig, busy, poll) in [(Rig::new(), Observation::LockBusy, 29), (Rig::leasing(), Observation::NoLocks, 374)] {
        rig.jitter = 255;
        rig.change(|record| record.claim = claim(false));
        let (began, mut waits) = (rig.now.mono, Vec::new());
        let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |_, action| match action {
            Action::TryLock => Some(busy.clone()),
            Action::Wait(milliseconds) => {
                waits.push(*milliseconds);
                None
            }
            _ => None,
        });
        assert_eq!(code(outcome), ErrorCode::Busy);
        assert_eq!((waits[0], rig.now.mono - began), (poll, 30_000));
    }
}

#[test]
fn the_longer_a_lock_is_busy_the_less_often_it_is_tried() {
    let mut rig = Rig::new();
    let mut waits = Vec::new();
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |_, action| match action {
        Action::TryLock => Some(Observation::LockBusy),
        Action::Wait(milliseconds) => {
            waits.push(*milliseconds);
            None
        }
        _ => None,
    });
    assert_eq!(code(outcome), ErrorCode::Busy);
    assert!(waits[..5].iter().all(|wait| *wait == 20) && waits[20..waits.len() - 1].iter().all(|wait| *wait == 160), "{waits:?}");
}

#[test]
fn a_token_between_its_limits_is_not_waited_for() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START - 250_000));
    let outcome = rig
        .fly(Goal::Refresh(TokenRequirements::default()), |_, action| matches!(action, Action::TryLock).then_some(Observation::LockBusy));
    assert!(!outcome.unwrap());
    assert_eq!(rig.log, ["load", "lock", "end"]);
}
