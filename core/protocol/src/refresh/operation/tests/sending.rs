//! The load just before the first byte.

use super::*;

/// Refreshes; `meanwhile` runs once, between the claim and the load before the first byte.
fn refresh_after(scene: &mut Scene, meanwhile: impl Fn(&mut Scene)) -> Result<bool> {
    let mut pending = true;
    scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
        Action::Load if scene.times("claim") == 1 && std::mem::take(&mut pending) => {
            meanwhile(scene);
            None
        }
        Action::Refresh(record) => Some(Observation::Replied(scene.tokens(record.generation + 1))),
        _ => None,
    })
}

/// I1
#[test]
fn nothing_is_sent_once_the_claim_is_gone() {
    let mut scene = Scene::new();
    assert!(!refresh_after(&mut scene, |scene| scene.put(login("g", 2, START))).unwrap());
    assert!(!scene.log.iter().any(|done| done.starts_with("refresh")));
}

/// I1, I12
#[test]
fn a_claim_that_is_too_old_by_either_clock_is_made_again() {
    for (mono, wall, claims) in [(40_001, 0, 2), (0, 40_001, 2), (40_000, 40_000, 1)] {
        let mut scene = Scene::new();
        let refreshed = refresh_after(&mut scene, |scene| {
            scene.now.mono += mono;
            scene.now.wall += wall;
        });
        assert!(refreshed.unwrap());
        assert_eq!((scene.times("claim"), scene.times("refresh r1")), (claims, 1));
    }
}

#[test]
fn a_claim_that_was_written_despite_an_error_is_found() {
    let mut scene = Scene::new();
    let mut pending = true;
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
        Action::Swap { record, .. } if std::mem::take(&mut pending) => {
            scene.put((**record).clone());
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        Action::Refresh(_) => Some(Observation::Replied(scene.tokens(2))),
        _ => None,
    });
    assert!(outcome.unwrap());
    assert_eq!((scene.times("wait"), scene.times("refresh r1")), (0, 1));
}

#[test]
fn a_store_that_rejects_writes_costs_no_token() {
    let mut scene = Scene::new();
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |_, action| {
        matches!(action, Action::Swap { .. }).then(|| Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
    });
    assert_eq!(code(outcome), ErrorCode::StoreUnavailable);
    assert!(!scene.log.iter().any(|done| done.starts_with("refresh")));
}
