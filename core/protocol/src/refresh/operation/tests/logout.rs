//! Logging out.

use super::*;

/// I9, I14
#[test]
fn the_tombstone_is_written_first_and_loses_its_token_last() {
    let mut scene = Scene::new();
    scene.refresh(|_| Reply::Refused(error(ErrorCode::Transport))).unwrap_err();
    scene.log.clear();
    scene.log_out().unwrap();
    assert_eq!(scene.log, ["load", "swap", "lock", "load", "revoke r1", "swap", "finish"]);
    assert_eq!((&scene.record().tokens, &scene.record().failure), (&None, &None));
    assert!(scene.record().is_logged_out() && scene.record().refresh_token.is_none());
    assert!(matches!(scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now), Decision::Fail(_)));
}

#[test]
fn a_tombstone_keeps_a_live_claim_and_the_logout_waits_for_it() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    assert_eq!(code(scene.log_out()), ErrorCode::Busy);
    assert!(scene.record().is_logged_out() && scene.record().claim == claim(false));
    assert_eq!(scene.times("revoke r1"), 0);
}

/// I15
#[test]
fn a_logout_waits_for_a_claim_until_its_lease_expires() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    let began = scene.now.mono;
    for _ in 0..2 {
        assert_eq!(code(scene.log_out()), ErrorCode::Busy);
    }
    scene.log_out().unwrap();
    assert_eq!((scene.now.mono - began, &scene.record().claim, &scene.record().refresh_token), (75_000, &None, &None));
}

#[test]
fn a_logout_waits_for_the_lock_within_its_patience() {
    for (frees, elapsed) in [(20_000, 20_139), (40_000, 30_000)] {
        let mut scene = Scene::new();
        scene.jitter = 255;
        let began = scene.now.mono;
        let outcome = scene.run(Goal::LogOut, |scene, action| match action {
            Action::TryLock => (scene.now.mono - began < frees).then_some(Observation::LockBusy),
            Action::Revoke(_) => Some(Observation::Revoked(Ok(()))),
            _ => None,
        });
        assert_eq!((outcome.is_ok(), scene.now.mono - began), (frees < 30_000, elapsed));
        assert!(scene.record().is_logged_out());
    }
}

#[test]
fn a_logout_waits_for_a_refresh_of_the_same_process_too() {
    let mut scene = Scene::leasing();
    let logs_out = |scene: &mut Scene| assert_eq!(code(scene.log_out()), ErrorCode::Busy);
    assert!(!refresh_while(&mut scene, |scene| scene.tokens(2), logs_out).unwrap());
    assert_eq!((scene.record().is_logged_out(), token_of(scene.record())), (true, "r2"));
    scene.log_out().unwrap();
    assert_eq!((scene.times("revoke r1"), scene.times("revoke r2")), (0, 1));
}

/// I15
#[test]
fn a_login_made_during_the_logout_is_not_revoked() {
    let mut scene = Scene::new();
    let outcome = scene.run(Goal::LogOut, |scene, action| {
        if matches!(action, Action::TryLock) {
            scene.put(Record { previous_grant_id: Some("g".into()), ..login("h", 2, START) });
        }
        None
    });
    outcome.unwrap();
    assert!(!scene.log.iter().any(|done| done.starts_with("revoke")));
    assert_eq!(scene.record().grant_id, "h");
}

/// I5, I14
#[test]
fn a_second_logout_completes_one_that_could_not_reach_the_server() {
    let mut scene = Scene::new();
    let unreachable = |_: &mut Scene, action: &Action| {
        matches!(action, Action::Revoke(_)).then(|| Observation::Revoked(Err(error(ErrorCode::Transport))))
    };
    assert_eq!(code(scene.run(Goal::LogOut, unreachable)), ErrorCode::Transport);
    assert_eq!((scene.record().is_logged_out(), token_of(scene.record())), (true, "r1"));
    scene.log_out().unwrap();
    assert!(scene.record().refresh_token.is_none());
}

/// I14
#[test]
fn a_token_stored_during_the_revocation_is_revoked_too() {
    let mut scene = Scene::new();
    let outcome = scene.run(Goal::LogOut, |scene, action| match action {
        Action::Revoke(token) => {
            if token.reveal() == "r1" {
                scene.change(|record| record.refresh_token = Some("r2".into()));
            }
            Some(Observation::Revoked(Ok(())))
        }
        _ => None,
    });
    outcome.unwrap();
    assert_eq!((scene.times("revoke r1"), scene.times("revoke r2")), (1, 1));
    assert!(scene.record().refresh_token.is_none());
}

#[test]
fn a_refresh_that_has_not_sent_anything_does_not_delay_a_logout() {
    let mut scene = Scene::new();
    scene.owner_exited = false;
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
        if matches!(action, Action::Load) && scene.times("claim") == 1 {
            scene.change(|record| record.state = State::LoggedOut);
        }
        None
    });
    assert!(!outcome.unwrap());
    assert!(scene.record().is_logged_out() && scene.record().claim.is_none() && !scene.log.iter().any(|done| done.starts_with("refresh")));
    scene.local = Default::default();
    scene.log_out().unwrap();
    assert_eq!((scene.times("revoke r1"), scene.times("wait")), (1, 0));
}
