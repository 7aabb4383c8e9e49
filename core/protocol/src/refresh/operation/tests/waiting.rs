//! Backoff after failures.

use super::*;

fn failed(scene: &mut Scene, seconds: u64) {
    let unavailable = error(ErrorCode::ServerUnavailable).with_retry_after(Some(Duration::from_secs(seconds)));
    scene.refresh(|_| Reply::Refused(unavailable.clone())).unwrap_err();
    scene.log.clear();
}

#[test]
fn a_backoff_within_the_patience_is_waited_out() {
    let mut scene = Scene::new();
    failed(&mut scene, 20);
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.times("wait"), 1);
}

#[test]
fn a_backoff_as_long_as_the_patience_is_waited_out() {
    let mut scene = Scene::new();
    failed(&mut scene, 30);
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.times("wait"), 1);
}

#[test]
fn a_longer_backoff_returns_the_stored_error() {
    let mut scene = Scene::new();
    failed(&mut scene, 40);
    assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::ServerUnavailable);
    assert_eq!(scene.log, ["load", "finish"]);
}

#[test]
fn a_usable_token_is_handed_out_during_a_backoff() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START - 250_000));
    failed(&mut scene, 20);
    assert!(!scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.log, ["load", "finish"]);
    assert!(matches!(scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now), Decision::Use));
}

#[test]
fn a_refusal_that_spent_nothing_does_not_delay_a_forced_refresh() {
    let mut scene = Scene::new();
    failed(&mut scene, 20);
    let force = |scene: &mut Scene, action: &Action| matches!(action, Action::Refresh(_)).then(|| Observation::Replied(scene.tokens(2)));
    assert!(scene.run(Goal::ForceRefresh, force).unwrap());
    assert_eq!(scene.times("wait"), 0);
}
