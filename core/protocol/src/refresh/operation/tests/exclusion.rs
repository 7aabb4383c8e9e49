//! Locks, leases and claims.

use super::*;

/// I8
#[test]
fn under_the_lock_the_claim_of_a_process_that_exited_is_taken_over() {
    let mut scene = Scene::new();
    scene.change(|record| record.claim = claim(true));
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.times("wait"), 0);
}

#[test]
fn a_claim_made_without_the_lock_is_waited_for_under_it_too() {
    let mut scene = Scene::new();
    scene.change(|record| record.claim = claim(false));
    assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    assert!(scene.record().claim == claim(false));
}

#[test]
fn a_free_lock_does_not_prove_that_a_claims_owner_has_exited() {
    let mut scene = Scene::new();
    scene.owner_exited = false;
    scene.change(|record| record.claim = claim(true));
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    }
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
}

#[test]
fn a_claim_of_another_copy_in_this_process_is_waited_for() {
    let mut scene = Scene::new();
    scene.owner_exited = false;
    scene.change(|record| record.claim = claim(true).map(|claim| Claim { process: 7, ..claim }));
    assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
}

/// I8
#[test]
fn an_abandoned_claim_of_this_instance_is_taken_over_at_once() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false).map(|claim| Claim { instance: "here".into(), ..claim }));
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.times("wait"), 0);
}

#[test]
fn the_claim_of_a_failed_operation_of_this_process_is_taken_over_at_once() {
    let mut scene = Scene::leasing();
    let fails = |scene: &mut Scene, action: &Action| {
        (matches!(action, Action::Load) && scene.times("claim") == 1).then(|| Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
    };
    scene.run(Goal::Refresh(TokenRequirements::default()), fails).unwrap_err();
    assert!(scene.record().claim.is_some());
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.times("wait"), 0);
}

/// I4, I7
#[test]
fn a_takeover_that_failed_and_was_carried_out_is_waited_for_like_the_claim_that_it_replaced() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    }
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
        Action::Swap { record, .. } => {
            scene.put((**record).clone());
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        _ => None,
    });
    assert_eq!((code(outcome), scene.record().claim.as_ref().unwrap().took_over), (ErrorCode::StoreUnavailable, true));
    let began = scene.now.mono;
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    }
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert!(scene.now.mono - began >= 75_000);
    assert_eq!((scene.times("refresh r1"), &scene.record().claim), (1, &None));
}

/// I7, I8
#[test]
fn without_a_lock_a_claim_is_taken_over_once_its_lease_has_expired() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    }
    let began = scene.now.mono - 60_000;
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert!(scene.now.mono - began >= 75_000);
}

#[test]
fn an_outage_of_the_store_does_not_count_towards_a_lease() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    scene.pass(85_000);
    let back = scene.now.mono;
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    // Five seconds without a gap before the takeover, and five more for the former owner.
    assert!((10_000..11_000).contains(&(scene.now.mono - back)));
    // An owner that went through the same outage writes within this time, so nothing is taken over.
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    scene.pass(85_000);
    let back = scene.now.mono;
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
        if matches!(action, Action::Load) && scene.now.mono - back > 1_000 {
            scene.put(login("g", 2, scene.now.wall));
        }
        None
    });
    assert!(!outcome.unwrap());
    assert_eq!(scene.record().generation, 2);
}

#[test]
fn an_owner_whose_write_failed_writes_over_the_claim_that_took_over() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    }
    // Until now the store was read-only.
    let mut taken_over = None;
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
        if scene.times("claim") == 1 && taken_over.is_none() {
            taken_over = Some(scene.now.mono);
        }
        if taken_over.is_some_and(|at| matches!(action, Action::Load) && scene.now.mono - at >= 1_000) {
            scene.put(login("g", 2, scene.now.wall));
        }
        None
    });
    assert!(!outcome.unwrap());
    assert_eq!((scene.record().generation, scene.times("refresh r1")), (2, 0));
}

#[test]
fn a_process_that_loads_rarely_takes_over_too() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    scene.pass(3_600_000);
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
}

#[test]
fn the_age_of_a_claim_counts_from_before_its_write() {
    let mut scene = Scene::leasing();
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
        if matches!(action, Action::Swap { record, .. } if record.claim.is_some()) && scene.times("claim") == 1 {
            scene.pass(40_001);
        }
        matches!(action, Action::Refresh(_)).then(|| Observation::Replied(scene.tokens(2)))
    });
    assert!(outcome.unwrap());
    assert_eq!((scene.times("claim"), scene.times("refresh r1")), (2, 1));
}

#[test]
fn after_a_wait_for_a_permit_the_store_is_loaded_before_the_claim() {
    let mut scene = Scene::new();
    scene.others_first = true;
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.log, ["load", "lock", "load", "load", "claim", "load", "refresh r1", "load", "swap", "finish"]);
}

#[test]
fn a_lease_depends_on_the_owners_request_timeout() {
    assert_eq!((lease(30_000), lease(300_000)), (75_000, 345_000));
}

#[test]
fn the_lease_of_another_claim_starts_when_it_is_first_seen() {
    let mut scene = Scene::leasing();
    for owner in ["theirs", "another's"] {
        scene.change(|record| record.claim = claim(false).map(|claim| Claim { owner: owner.into(), ..claim }));
        for _ in 0..2 {
            assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
        }
    }
}

/// I12
#[test]
fn a_wall_clock_that_jumps_ahead_expires_no_lease() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    scene.reload();
    scene.now.wall += 86_400_000;
    assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
}

/// I10
#[test]
fn an_operation_that_waits_for_the_lock_sees_what_its_holder_stored() {
    let mut scene = Scene::new();
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
        matches!(action, Action::TryLock).then(|| {
            scene.put(login("g", 2, START));
            Observation::LockBusy
        })
    });
    assert!(!outcome.unwrap());
    assert_eq!(scene.log, ["load", "lock", "wait", "load", "finish"]);
}

#[test]
fn nothing_is_refreshed_without_the_lock() {
    let mut scene = Scene::new();
    let began = scene.now.mono;
    let outcome = scene
        .run(Goal::Refresh(TokenRequirements::default()), |_, action| matches!(action, Action::TryLock).then_some(Observation::LockBusy));
    assert_eq!(code(outcome), ErrorCode::Busy);
    assert_eq!((scene.now.mono - began, scene.times("claim")), (30_000, 0));
}

#[test]
fn a_claim_says_whether_it_was_made_under_the_lock() {
    for (mut scene, locked) in [(Scene::new(), true), (Scene::leasing(), false)] {
        let mut claims = Vec::new();
        refresh_while(&mut scene, |scene| scene.tokens(2), |scene| claims.extend(scene.record().claim.clone())).unwrap();
        assert_eq!(claims.iter().map(|claim| (claim.locked, claim.login)).collect::<Vec<_>>(), [(locked, false)]);
    }
}

#[test]
fn waits_are_spread_and_end_at_the_deadline() {
    for (mut scene, busy, poll) in [(Scene::new(), Observation::LockBusy, 29), (Scene::leasing(), Observation::NoLocks, 374)] {
        scene.jitter = 255;
        scene.change(|record| record.claim = claim(false));
        let (began, mut waits) = (scene.now.mono, Vec::new());
        let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |_, action| match action {
            Action::TryLock => Some(busy.clone()),
            Action::Wait(milliseconds) => {
                waits.push(*milliseconds);
                None
            }
            _ => None,
        });
        assert_eq!(code(outcome), ErrorCode::Busy);
        assert_eq!((waits[0], scene.now.mono - began), (poll, 30_000));
    }
}

#[test]
fn the_longer_a_lock_is_busy_the_less_often_it_is_tried() {
    let mut scene = Scene::new();
    let mut waits = Vec::new();
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |_, action| match action {
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

/// I13
#[test]
fn a_usable_token_is_not_waited_for() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START - 250_000));
    let outcome = scene
        .run(Goal::Refresh(TokenRequirements::default()), |_, action| matches!(action, Action::TryLock).then_some(Observation::LockBusy));
    assert!(!outcome.unwrap());
    assert_eq!(scene.log, ["load", "lock", "finish"]);
}
