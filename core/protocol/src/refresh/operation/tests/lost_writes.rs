//! A store that loses writes.

use super::*;

/// I3
#[test]
fn an_older_generation_is_replaced_by_the_newer_one_in_memory() {
    let mut scene = Scene::new();
    scene.put(login("g", 5, START));
    scene.reload();
    scene.put(login("g", 3, START - 600_000));
    scene.reload();
    assert_eq!((scene.record().generation, token_of(scene.record())), (5, "r5"));
}

/// I9
#[test]
fn a_replaced_grant_is_not_accepted_again() {
    let mut scene = Scene::new();
    scene.put(Record { previous_grant_id: Some("g".into()), ..login("h", 2, START) });
    scene.reload();
    scene.put(login("g", 4, START));
    scene.reload();
    assert_eq!((scene.record().grant_id.as_str(), scene.record().generation), ("h", 5));
}

#[test]
fn a_grant_that_was_seen_replaced_is_not_accepted_again() {
    let mut scene = Scene::new();
    scene.reload();
    scene.put(Record { previous_grant_id: Some("between".into()), ..login("h", 3, START) });
    scene.reload();
    scene.put(login("g", 1, START));
    scene.reload();
    assert_eq!((scene.record().grant_id.as_str(), scene.record().generation), ("h", 3));
}

#[test]
fn a_restored_tombstone_keeps_the_newer_token() {
    let mut scene = Scene::new();
    scene.put(tombstone("g", 1));
    scene.reload();
    scene.put(login("g", 2, START));
    scene.reload();
    assert_eq!((scene.record().is_logged_out(), scene.record().generation, token_of(scene.record())), (true, 3, "r2"));
}

#[test]
fn a_tombstone_is_restored_over_the_login_that_it_ended() {
    let mut scene = Scene::new();
    scene.put(Record { refresh_token: Some("local".into()), ..tombstone("g", 2) });
    scene.reload();
    for (generation, written, token) in [(1, 2, "local"), (2, 3, "local"), (3, 4, "r3")] {
        scene.put(login("g", generation, START));
        let mut copy = scene.twin();
        copy.reload();
        assert_eq!((copy.record().is_logged_out(), copy.record().generation, token_of(copy.record())), (true, written, token));
    }
}

#[test]
fn a_login_is_restored_above_a_replaced_one_of_the_same_generation() {
    let mut scene = Scene::new();
    scene.put(Record { previous_grant_id: Some("g".into()), ..login("h", 2, START) });
    scene.reload();
    scene.put(login("g", 2, START));
    scene.reload();
    assert_eq!((scene.record().grant_id.as_str(), scene.record().generation), ("h", 3));
}

#[test]
fn a_restored_record_keeps_its_claim_unless_a_login_has_claimed() {
    let login_claim = claim(false).map(|claim| Claim { login: true, ..claim });
    for (stored_claim, expected) in [(None, claim(true)), (claim(false), claim(true)), (login_claim.clone(), login_claim)] {
        let mut scene = Scene::new();
        scene.put(Record { claim: claim(true), ..login("g", 5, START) });
        scene.reload();
        scene.put(Record { claim: stored_claim, ..login("g", 3, START) });
        scene.reload();
        assert_eq!((scene.record().generation, &scene.record().claim), (5, &expected));
    }
}

#[test]
fn sixteen_ended_grants_are_remembered_once_each() {
    let mut scene = Scene::new();
    let pass_through = |scene: &mut Scene, grants: std::ops::Range<u64>| {
        for grant in grants {
            scene.put(login(&format!("g{grant}"), grant, START));
            scene.reload();
            scene.put(tombstone(&format!("g{grant}"), grant));
            scene.reload();
            scene.reload();
        }
    };
    pass_through(&mut scene, 1..18);
    let is_accepted = |scene: &Scene, grant: &str| {
        let mut copy = scene.twin();
        copy.put(login(grant, 1, START));
        copy.reload();
        copy.record().is_active()
    };
    assert_eq!((is_accepted(&scene, "g1"), is_accepted(&scene, "g2"), is_accepted(&scene, "g17")), (true, false, false));
}

#[test]
fn an_older_load_does_not_replace_what_another_operation_has_seen_since() {
    let mut scene = Scene::new();
    let older = scene.stored.clone().unwrap();
    scene.put(login("g", 2, START));
    scene.reload();
    scene.pass(2_000);
    assert!(!scene.local.wrote(older.clone(), scene.now));
    scene.local.loaded(Some(&older), scene.now);
    assert_eq!(scene.local.record().unwrap().generation, 2);
    // Nor does it count as a load.
    assert!(matches!(
        scene.local.decision(
            TokenRequirements { min_validity: 0, recheck: 1000, ..TokenRequirements::default() },
            Attempted::Nothing,
            scene.now
        ),
        Decision::Reload
    ));
}

#[test]
fn a_store_that_was_emptied_stays_empty() {
    let mut scene = Scene::new();
    scene.reload();
    scene.stored = None;
    scene.reload();
    assert!(scene.stored.is_none());
    assert!(matches!(scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now), Decision::Fail(_)));
}
