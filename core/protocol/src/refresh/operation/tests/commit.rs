//! Tokens that arrive after the record has changed.

use super::*;

fn good(scene: &Scene) -> Reply {
    scene.tokens(2)
}

#[test]
fn tokens_are_stored_even_if_the_login_was_marked_rejected_meanwhile() {
    let mut scene = Scene::new();
    let reason = StoredError::from(&error(ErrorCode::LoginRequired));
    let rejected_state = State::Rejected { token_digest: digest_of("r1"), reason };
    assert!(refresh_while(&mut scene, good, |scene| scene.change(|record| record.state = rejected_state.clone())).unwrap());
    assert!(scene.record().is_active() && scene.record().generation == 2);
}

/// I3
#[test]
fn a_newer_generation_and_another_grant_stay() {
    for theirs in [login("g", 2, START - 1), login("h", 2, START)] {
        let mut scene = Scene::new();
        assert!(!refresh_while(&mut scene, good, |scene| scene.put(theirs.clone())).unwrap());
        assert_eq!((scene.record(), scene.local.record()), (&theirs, Some(&theirs)));
    }
}

/// I3, I4
#[test]
fn tokens_over_a_lost_write_get_the_larger_generation_plus_one() {
    let mut scene = Scene::new();
    scene.put(login("g", 5, START - 300_000));
    assert!(refresh_while(&mut scene, |scene| scene.tokens(6), |scene| scene.put(login("g", 3, START - 600_000))).unwrap());
    assert_eq!((scene.record().generation, token_of(scene.record())), (6, "r6"));
    scene.pass(LIFETIME_MILLISECONDS);
    assert!(refresh_while(&mut scene, |scene| scene.tokens(7), |scene| scene.stored = None).unwrap());
    assert_eq!((scene.record().generation, token_of(scene.record())), (7, "r7"));
}

#[test]
fn a_forced_refresh_revives_a_rejected_login() {
    let mut scene = Scene::new();
    scene.refresh(rejected).unwrap();
    assert!(!scene.record().is_active());
    assert!(scene.force(good).unwrap());
    assert!(scene.record().is_active() && scene.record().generation == 2);
}

#[test]
fn another_token_of_the_same_generation_means_that_the_store_lost_a_write() {
    let mut scene = Scene::new();
    let fork = Record { refresh_token: Some("fork".into()), ..login("g", 1, START - 300_000) };
    assert!(refresh_while(&mut scene, good, |scene| scene.put(fork.clone())).unwrap());
    assert_eq!((scene.record().generation, token_of(scene.record())), (2, "r2"));
}

#[test]
fn the_tombstone_of_the_refreshed_token_gets_the_new_token() {
    let mut scene = Scene::new();
    assert!(!refresh_while(&mut scene, good, |scene| scene.put(tombstone("g", 1))).unwrap());
    assert_eq!((scene.record().is_logged_out(), token_of(scene.record())), (true, "r2"));
    assert!(scene.record().tokens.is_none() && scene.record().claim.is_none());
}

#[test]
fn the_tombstone_loses_the_claim_that_the_logout_waits_for() {
    let mut scene = Scene::new();
    let log_out = |scene: &mut Scene| scene.change(|record| (record.state, record.tokens) = (State::LoggedOut, None));
    assert!(!refresh_while(&mut scene, good, log_out).unwrap());
    assert_eq!((token_of(scene.record()), &scene.record().claim), ("r2", &None));
}

#[test]
fn a_tombstone_that_was_seen_is_restored_if_the_store_loses_it() {
    for (lost, generation) in [(login("g", 1, START - 300_000), 2), (login("f", 5, START - 900_000), 6)] {
        let mut scene = Scene::new();
        scene.put(Record { previous_grant_id: Some("f".into()), ..login("g", 1, START - 300_000) });
        let mut pending = true;
        let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
            Action::Refresh(_) => {
                scene.change(|record| (record.state, record.tokens) = (State::LoggedOut, None));
                Some(Observation::Replied(scene.tokens(2)))
            }
            Action::Swap { record, .. } if record.is_logged_out() && std::mem::take(&mut pending) => {
                scene.put(lost.clone());
                None
            }
            _ => None,
        });
        assert!(!outcome.unwrap() && !pending);
        let record = scene.record();
        assert_eq!((record.is_logged_out(), record.generation, token_of(record), &record.claim), (true, generation, "r2", &None));
    }
}

#[test]
fn a_login_that_was_seen_replaced_is_not_restored() {
    let mut scene = Scene::new();
    let replaced_and_lost = |scene: &mut Scene| {
        let before = scene.record().clone();
        scene.put(Record { previous_grant_id: Some("g".into()), ..login("h", 2, START) });
        scene.reload();
        scene.put(before);
    };
    refresh_while(&mut scene, good, replaced_and_lost).unwrap();
    assert_eq!(scene.local.record().unwrap().grant_id, "h");
    scene.reload();
    assert_eq!((scene.record().grant_id.as_str(), token_of(scene.record())), ("h", "r2"));
}

#[test]
fn any_other_tombstone_stays_as_it_is() {
    for other in [tombstone("h", 2), Record { refresh_token: None, ..tombstone("g", 1) }] {
        let mut scene = Scene::new();
        assert!(!refresh_while(&mut scene, good, |scene| scene.put(other.clone())).unwrap());
        assert_eq!(scene.record(), &other);
    }
}

#[test]
fn after_a_conflict_the_store_is_loaded_again() {
    let mut scene = Scene::new();
    let mut pending = true;
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
        Action::Refresh(_) => Some(Observation::Replied(scene.tokens(2))),
        Action::Swap { record, .. } if record.generation == 2 && std::mem::take(&mut pending) => {
            scene.change(|record| record.unknown_members = Some(Box::new([("later".into(), 1.into())].into_iter().collect())));
            None
        }
        _ => None,
    });
    assert!(outcome.unwrap() && !pending);
    assert_eq!(scene.record().generation, 2);
}

#[test]
fn a_write_that_was_carried_out_despite_an_error_is_not_repeated() {
    let mut scene = Scene::new();
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
        Action::Refresh(_) => Some(Observation::Replied(scene.tokens(2))),
        Action::Swap { record, .. } if record.generation == 2 => {
            scene.put((**record).clone());
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        _ => None,
    });
    outcome.unwrap();
    assert_eq!((scene.record().generation, token_of(scene.record())), (2, "r2"));
    assert!(scene.local.is_fresh(TokenRequirements::default(), scene.now) && !scene.local.is_unsaved());
    assert_eq!(scene.times("report"), 0);
}

#[test]
fn writes_to_a_read_only_store_are_retried_with_a_wait() {
    for is_emptied in [false, true] {
        let mut scene = Scene::new();
        let (mut failing, mut reports) = (3, Vec::new());
        let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
            Action::Refresh(_) => {
                scene.stored.take_if(|_| is_emptied);
                Some(Observation::Replied(scene.tokens(2)))
            }
            Action::Swap { record, .. } if record.generation == 2 && failing > 0 => {
                failing -= 1;
                Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
            }
            Action::Report(outcome) => {
                reports.push(outcome.is_ok());
                None
            }
            _ => None,
        });
        outcome.unwrap();
        assert_eq!((reports, scene.times("wait")), (vec![true, false], 2));
        assert_eq!((scene.record().generation, scene.local.is_unsaved()), (2, false));
    }
}

/// I2, I4
#[test]
fn without_the_store_tokens_are_handed_out_as_unsaved_and_written_later() {
    let mut scene = Scene::new();
    let mut reports = Vec::new();
    let mut failing = 3;
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
        Action::Refresh(_) => Some(Observation::Replied(scene.tokens(2))),
        Action::Report(outcome) => {
            reports.push(outcome.is_ok());
            assert!(scene.local.is_unsaved() && scene.local.is_fresh(TokenRequirements::default(), scene.now));
            None
        }
        Action::Load if scene.times("refresh r1") == 1 && failing > 0 => {
            failing -= 1;
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        _ => None,
    });
    outcome.unwrap();
    assert_eq!(reports, [true, false, false]);
    assert!(!scene.local.is_unsaved() && scene.record().generation == 2);
}

#[test]
fn without_the_store_a_newer_record_in_memory_stays() {
    for theirs in [tombstone("h", 2), login("g", 3, START)] {
        let mut scene = Scene::new();
        let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
            Action::Refresh(_) => {
                scene.put(theirs.clone());
                scene.reload();
                Some(Observation::Replied(scene.tokens(2)))
            }
            Action::Load if scene.times("refresh r1") == 1 && scene.times("finish") == 1 => {
                Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
            }
            _ => None,
        });
        assert_eq!((code(outcome), scene.times("report")), (ErrorCode::StoreUnavailable, 0));
        assert_eq!(scene.local.record(), Some(&theirs));
    }
}

#[test]
fn the_claim_of_a_login_in_progress_stays() {
    for stored in [login("g", 1, START - 300_000), tombstone("g", 1)] {
        let mut scene = Scene::new();
        let theirs = claim(false).map(|claim| Claim { login: true, ..claim });
        refresh_while(&mut scene, good, |scene| scene.put(Record { claim: theirs.clone(), ..stored.clone() })).unwrap();
        assert_eq!((token_of(scene.record()), &scene.record().claim), ("r2", &theirs));
    }
}
