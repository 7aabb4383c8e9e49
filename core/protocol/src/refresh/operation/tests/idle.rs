//! When a process may drop what it holds of a login.

use super::*;

const HOUR: u64 = 3_600_000;

#[test]
fn a_login_that_was_not_loaded_for_an_hour_may_be_dropped() {
    let mut scene = Scene::new();
    assert!(scene.local.is_idle(scene.now));
    scene.reload();
    scene.pass(HOUR - 1);
    assert!(!scene.local.is_idle(scene.now));
    scene.pass(1);
    assert!(scene.local.is_idle(scene.now));
}

#[test]
fn a_token_that_an_api_refused_is_remembered_while_it_is_current() {
    let mut scene = Scene::new();
    scene.local.invalidate("a1", scene.now);
    assert!(!scene.local.is_idle(scene.now));
    scene.reload();
    scene.pass(HOUR);
    assert!(!scene.local.is_idle(scene.now));
    scene.put(login("g", 2, scene.now.wall));
    scene.reload();
    scene.pass(HOUR);
    assert!(scene.local.is_idle(scene.now));
}

#[test]
fn unsaved_tokens_and_open_claims_are_not_dropped() {
    let mut scene = Scene::new();
    let busy = |scene: &mut Scene| {
        scene.pass(HOUR);
        assert!(!scene.local.is_idle(scene.now));
    };
    refresh_while(&mut scene, |scene| scene.tokens(2), busy).unwrap();
    let mut unsaved = scene.twin();
    unsaved.local.hold_unsaved(login("g", 3, START), unsaved.now);
    for scene in [&mut scene, &mut unsaved] {
        scene.pass(HOUR);
    }
    assert_eq!((scene.local.is_idle(scene.now), unsaved.local.is_idle(unsaved.now)), (true, false));
}
