//! What a caller gets.

use super::*;

fn decision(scene: &Scene, min_validity: u64, done: Attempted) -> &'static str {
    match scene.local.decision(TokenRequirements { min_validity, recheck: 1000, ..TokenRequirements::default() }, done, scene.now) {
        Decision::Use => "use",
        Decision::UseAndRefresh => "use and refresh",
        Decision::Reload => "reload",
        Decision::Refresh => "refresh",
        Decision::Fail(_) => "fail",
    }
}

/// A login whose access token has this lifetime in seconds and this age in milliseconds.
fn login_with(lifetime: i64, age: i64) -> Record {
    let ends = (START - age).div_euclid(1000) + lifetime;
    let tokens = TokenSet::restore(&format!(r#"{{"access_token":"a1","refresh_token":"r1","expires_at":{ends}}}"#)).unwrap();
    Record { tokens: Some(tokens), ..login("g", 1, START - age) }
}

#[test]
fn login_required_is_reported_only_after_a_reload() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START));
    scene.reload();
    assert_eq!(decision(&scene, 0, Attempted::Nothing), "use");
    scene.put(Record { state: State::LoggedOut, ..login("g", 1, START) });
    scene.reload();
    assert_eq!((decision(&scene, 0, Attempted::Nothing), decision(&scene, 0, Attempted::Reload)), ("reload", "fail"));
}

/// I10, I11
#[test]
fn a_refresh_is_due_at_eighty_percent_and_a_token_expires_thirty_seconds_early() {
    let ages = [(0, "use"), (239_999, "use"), (240_000, "use and refresh"), (269_999, "use and refresh"), (270_000, "refresh")];
    for (age, decided) in ages {
        let mut scene = Scene::new();
        scene.put(login("g", 1, START - age));
        scene.reload();
        assert_eq!(decision(&scene, 0, Attempted::Reload), decided, "at {age} ms");
        assert_eq!(scene.local.is_usable(TokenRequirements::default(), scene.now), age < 270_000, "at {age} ms");
    }
}

#[test]
fn a_longer_validity_than_tokens_have_causes_one_refresh() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START - 100_000));
    scene.reload();
    assert_eq!((decision(&scene, 199_999, Attempted::Reload), decision(&scene, 200_000, Attempted::Reload)), ("use", "refresh"));
    assert!(
        scene
            .run(Goal::Refresh(TokenRequirements { min_validity: 1_000_000, ..TokenRequirements::default() }), |scene, action| {
                matches!(action, Action::Refresh(_)).then(|| Observation::Replied(scene.tokens(2)))
            })
            .unwrap()
    );
    assert_eq!(decision(&scene, 1_000_000, Attempted::Refresh), "use");
}

#[test]
fn a_short_lifetime_has_a_short_margin() {
    for (age, decided, usable) in
        [(79_999, "use", true), (80_000, "use and refresh", true), (89_999, "use and refresh", true), (90_000, "refresh", false)]
    {
        let mut scene = Scene::new();
        scene.put(login_with(100, age));
        scene.reload();
        assert_eq!(
            (decision(&scene, 0, Attempted::Reload), scene.local.is_usable(TokenRequirements::default(), scene.now)),
            (decided, usable),
            "at {age} ms"
        );
        assert_eq!(scene.local.is_fresh(TokenRequirements::default(), scene.now), decided == "use", "at {age} ms");
    }
}

#[test]
fn no_more_validity_is_required_than_a_new_token_has() {
    for (age, decided) in [(59_999, "use"), (60_000, "refresh")] {
        let mut scene = Scene::new();
        scene.put(login("g", 1, START - age));
        scene.reload();
        assert_eq!(decision(&scene, 1_000_000, Attempted::Reload), decided, "at {age} ms");
    }
}

/// I11
#[test]
fn a_new_token_is_used_unless_it_expired_while_suspended_or_was_invalidated() {
    for (lifetime, age, decided) in
        [(1, 1_000, "use"), (59, 59_000, "use"), (60, 59_999, "use"), (60, 60_000, "refresh"), (300, 299_999, "use")]
    {
        let mut scene = Scene::new();
        scene.put(login_with(lifetime, age));
        scene.local.invalidate("a0", scene.now);
        scene.reload();
        assert_eq!(
            (decision(&scene, 0, Attempted::Operation), decision(&scene, 0, Attempted::Refresh)),
            ("refresh", decided),
            "{lifetime} s, at {age} ms"
        );
        scene.local.invalidate("a1", scene.now);
        assert_eq!(decision(&scene, 0, Attempted::Refresh), "refresh", "{lifetime} s, at {age} ms");
    }
    let mut scene = Scene::new();
    scene.put(Record { tokens: None, ..login("g", 1, START) });
    scene.reload();
    assert_eq!(decision(&scene, 0, Attempted::Refresh), "refresh");
}

#[test]
fn a_due_token_is_used_after_an_operation_or_a_failure() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START - 250_000));
    scene.reload();
    assert_eq!((decision(&scene, 0, Attempted::Reload), decision(&scene, 0, Attempted::Operation)), ("use and refresh", "use"));
    scene.refresh(|_| Reply::Refused(error(ErrorCode::Transport))).unwrap_err();
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use");
}

#[test]
fn a_token_that_is_not_known_to_expire_is_fresh() {
    let mut scene = Scene::new();
    scene.put(Record { tokens: Some(TokenSet::restore(r#"{"access_token":"a1"}"#).unwrap()), ..login("g", 1, START - 999_000_000) });
    scene.reload();
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use");
    assert_eq!(
        scene.local.cacheable_until(TokenRequirements { recheck: 1000, ..TokenRequirements::default() }, scene.now),
        scene.now.mono + 1000
    );
}

#[test]
fn a_token_is_cacheable_until_a_refresh_or_a_reload_is_due() {
    let mut scene = Scene::new();
    assert_eq!(scene.local.cacheable_until(TokenRequirements { recheck: 1000, ..TokenRequirements::default() }, scene.now), 0);
    scene.put(login("g", 1, START - 100_000));
    scene.reload();
    let loaded_at = scene.now.mono;
    scene.pass(400);
    assert_eq!(
        scene.local.cacheable_until(TokenRequirements { recheck: 1000, ..TokenRequirements::default() }, scene.now),
        loaded_at + 1000
    );
    assert_eq!(
        scene.local.cacheable_until(TokenRequirements { recheck: 1_000_000, ..TokenRequirements::default() }, scene.now),
        loaded_at + 140_000
    );
    scene.pass(139_600);
    assert_eq!(scene.local.cacheable_until(TokenRequirements { recheck: 1_000_000, ..TokenRequirements::default() }, scene.now), 0);
}

/// I12
#[test]
fn a_token_from_the_future_is_trusted_within_a_tenth_of_its_lifetime() {
    let early = [(300, 30_000, "use"), (300, 30_001, "refresh"), (900, 30_001, "refresh"), (100, 10_000, "use"), (100, 10_001, "refresh")];
    for (lifetime, ahead, decided) in early.into_iter().chain([(1, 1_000, "use"), (1, 1_001, "refresh")]) {
        let mut scene = Scene::new();
        let ends = START.div_euclid(1000) + ahead / 1000 + lifetime;
        let tokens = TokenSet::restore(&format!(r#"{{"access_token":"a1","refresh_token":"r1","expires_at":{ends}}}"#)).unwrap();
        scene.put(Record { tokens: Some(tokens), sent_at: START + ahead, ..login("g", 1, START) });
        scene.reload();
        assert_eq!(decision(&scene, 0, Attempted::Reload), decided, "{lifetime} s, {ahead} ms ahead");
    }
}

#[test]
fn a_token_that_is_loaded_again_keeps_its_age() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START));
    scene.reload();
    scene.now.mono += 240_000;
    scene.change(|record| record.claim = claim(true));
    scene.reload();
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use and refresh");
    // Different tokens have an age of their own, even if they were requested in the same
    // millisecond.
    scene.put(login("g", 2, START));
    scene.reload();
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use");
}

/// I12
#[test]
fn our_own_token_is_as_old_as_its_request_even_if_the_clock_is_set_back() {
    let mut scene = Scene::new();
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
        Action::Refresh(_) => {
            let reply = scene.tokens(2);
            scene.now.mono += 239_999;
            scene.now.wall -= 3_600_000;
            Some(Observation::Replied(reply))
        }
        _ => None,
    });
    assert!(outcome.unwrap());
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use");
    scene.now.mono += 1;
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use and refresh");
}

#[test]
fn a_logged_out_account_and_an_unknown_one_have_different_errors() {
    let refused = |scene: &Scene| match scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now) {
        Decision::Fail(error) => (error.code(), error.to_string().contains("logged out")),
        other => panic!("{other:?}"),
    };
    let mut scene = Scene::new();
    scene.put(tombstone("g", 1));
    scene.reload();
    assert_eq!(refused(&scene), (ErrorCode::LoginRequired, true));
    scene = Scene::new();
    scene.put(tombstone("", 0));
    scene.reload();
    assert_eq!(refused(&scene), (ErrorCode::LoginRequired, false));
}

#[test]
fn a_loaded_record_is_used_for_as_long_as_recheck_says() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START));
    assert_eq!(decision(&scene, 0, Attempted::Nothing), "reload");
    scene.reload();
    scene.pass(999);
    assert_eq!(decision(&scene, 0, Attempted::Nothing), "use");
    scene.pass(1);
    assert_eq!(decision(&scene, 0, Attempted::Nothing), "reload");
}

/// I10
#[test]
fn twenty_late_401s_cause_one_refresh() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START));
    scene.reload();
    for _ in 0..20 {
        scene.local.invalidate("a1", scene.now);
        if decision(&scene, 0, Attempted::Nothing) == "refresh" {
            assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
        }
    }
    assert_eq!((scene.times("refresh r1"), scene.record().generation), (1, 2));
}

#[test]
fn a_401_for_a_token_that_is_not_current_is_ignored() {
    let mut scene = Scene::new();
    scene.put(login("g", 2, START));
    scene.reload();
    scene.local.invalidate("a1", scene.now);
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use");
}

#[test]
fn a_401_before_the_first_load_is_remembered() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START));
    scene.local.invalidate("a1", scene.now);
    scene.reload();
    assert_eq!(decision(&scene, 0, Attempted::Reload), "refresh");
}

#[test]
fn a_token_obtained_after_a_401_is_not_forced_again_for_ten_seconds() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START));
    scene.reload();
    scene.local.invalidate("a1", scene.now);
    scene.refresh(|scene| scene.tokens(2)).unwrap();
    scene.pass(9_999);
    scene.local.invalidate("a2", scene.now);
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use");
    scene.pass(1);
    scene.local.invalidate("a2", scene.now);
    assert_eq!(decision(&scene, 0, Attempted::Reload), "refresh");
}

#[test]
fn a_login_without_a_refresh_token_ends_with_its_access_token() {
    let mut scene = Scene::new();
    scene.put(Record { refresh_token: None, ..login("g", 1, START - 250_000) });
    scene.reload();
    assert_eq!(decision(&scene, 0, Attempted::Reload), "use");
    scene.pass(50_000);
    assert_eq!(decision(&scene, 0, Attempted::Reload), "fail");
    assert!(!scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert!(!scene.log.iter().any(|done| done.starts_with("refresh")));
}

fn early(spread: u8) -> TokenRequirements {
    TokenRequirements { early_refresh: Some(spread), recheck: 1000, ..TokenRequirements::default() }
}

#[test]
fn without_locks_a_refresh_is_due_before_a_killed_owners_lease_would_outlive_the_token() {
    for (lifetime, spread, due_at) in [(300, 0, 180_000), (300, 255, 150_000), (100, 0, 50_000), (3600, 0, 2_880_000)] {
        let mut scene = Scene::leasing();
        scene.put(login_with(lifetime, due_at - 1));
        scene.reload();
        assert!(matches!(scene.local.decision(early(spread), Attempted::Nothing, scene.now), Decision::Use), "{lifetime} s, {spread}");
        scene.pass(1);
        assert!(
            matches!(scene.local.decision(early(spread), Attempted::Nothing, scene.now), Decision::UseAndRefresh),
            "{lifetime} s, {spread}"
        );
    }
}

#[test]
fn a_refresh_that_another_process_has_begun_is_retried_a_little_later() {
    let mut scene = Scene::new();
    scene.put(login("g", 1, START - 250_000));
    let busy = |_: &mut Scene, action: &Action| matches!(action, Action::TryLock).then_some(Observation::LockBusy);
    assert!(!scene.run(Goal::Refresh(TokenRequirements::default()), busy).unwrap());
    assert_eq!(decision(&scene, 0, Attempted::Nothing), "use");
    scene.pass(250);
    assert_eq!(decision(&scene, 0, Attempted::Nothing), "use and refresh");
}

/// I13
#[test]
fn a_store_that_failed_is_not_asked_again_for_a_while() {
    let fails = |scene: &mut Scene| {
        let failed = |_: &mut Scene, action: &Action| {
            matches!(action, Action::Load).then(|| Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        };
        scene.run(Goal::Reload, failed).unwrap_err();
    };
    for (age, meanwhile) in [(0, "use"), (250_000, "use"), (280_000, "fail")] {
        let mut scene = Scene::new();
        scene.jitter = 128;
        scene.put(login("g", 1, START - age));
        scene.reload();
        scene.pass(1000);
        for wait in [1_000, 2_000, 4_000, 5_000, 5_000] {
            assert_eq!(decision(&scene, 0, Attempted::Nothing), "reload", "at {age} ms");
            fails(&mut scene);
            scene.pass(wait - 1);
            assert_eq!(decision(&scene, 0, Attempted::Nothing), meanwhile, "at {age} ms");
            scene.pass(1);
        }
        scene.reload();
        assert_ne!(decision(&scene, 0, Attempted::Nothing), "reload");
    }
}

/// I10
#[test]
fn tokens_that_are_due_are_refreshed_once_however_fresh_they_are() {
    for expires in [true, false] {
        let mut scene = Scene::new();
        scene.put(login("g", 1, START));
        if !expires {
            scene.change(|record| record.tokens = Some(TokenSet::restore(r#"{"access_token":"a1","refresh_token":"r1"}"#).unwrap()));
        }
        let due = Goal::Refresh(TokenRequirements { due: Some(1), ..TokenRequirements::default() });
        let refresh = |scene: &mut Scene| {
            scene.run(due.clone(), |scene, action| match action {
                Action::Refresh(_) => Some(Observation::Replied(scene.tokens(2))),
                _ => None,
            })
        };
        assert!(refresh(&mut scene).unwrap());
        assert!(!refresh(&mut scene).unwrap());
        assert_eq!((scene.record().generation, scene.times("refresh r1"), scene.times("refresh r2")), (2, 1, 0));
    }
}

/// I7
#[test]
fn tokens_that_are_due_wait_for_the_end_of_a_backoff() {
    let mut scene = Scene::new();
    let unavailable = error(ErrorCode::ServerUnavailable).with_retry_after(Some(Duration::from_secs(600)));
    scene.refresh(|_| Reply::Refused(unavailable.clone())).unwrap_err();
    scene.log.clear();
    let due = Goal::Refresh(TokenRequirements { due: Some(1), ..TokenRequirements::default() });
    assert_eq!(code(scene.run(due, |_, _| None)), ErrorCode::ServerUnavailable);
    assert_eq!(scene.log, ["load", "finish"]);
}
