//! What a caller gets.

use super::*;

fn judge(rig: &Rig, min_validity: u64, done: Attempted) -> &'static str {
    match rig.known.judge(TokenRequirements { min_validity, recheck: 1000, ..TokenRequirements::default() }, done, rig.now) {
        Decision::Use => "give",
        Decision::UseAndRefresh => "give and refresh",
        Decision::Reload => "look",
        Decision::Refresh => "refresh",
        Decision::Fail(_) => "refuse",
    }
}

/// A login whose access token lives for so many seconds, and is so many milliseconds old.
fn living(life: i64, age: i64) -> Record {
    let ends = (START - age).div_euclid(1000) + life;
    let tokens = TokenSet::restore(&format!(r#"{{"access_token":"a1","refresh_token":"r1","expires_at":{ends}}}"#)).unwrap();
    Record { tokens: Some(tokens), ..login("g", 1, START - age) }
}

#[test]
fn nobody_is_refused_without_a_look() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    rig.look();
    assert_eq!(judge(&rig, 0, Attempted::Nothing), "give");
    rig.put(Record { state: State::LoggedOut, ..login("g", 1, START) });
    rig.look();
    assert_eq!((judge(&rig, 0, Attempted::Nothing), judge(&rig, 0, Attempted::Reload)), ("look", "refuse"));
}

#[test]
fn the_limits_are_at_eighty_percent_and_a_margin_before_the_end() {
    let ages = [(0, "give"), (239_999, "give"), (240_000, "give and refresh"), (269_999, "give and refresh"), (270_000, "refresh")];
    for (age, judged) in ages {
        let mut rig = Rig::new();
        rig.put(login("g", 1, START - age));
        rig.look();
        assert_eq!(judge(&rig, 0, Attempted::Reload), judged, "at {age} ms");
        assert_eq!(rig.known.is_usable(TokenRequirements::default(), rig.now), age < 270_000, "at {age} ms");
    }
}

#[test]
fn more_validity_than_a_token_has_is_bought_once() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START - 100_000));
    rig.look();
    assert_eq!((judge(&rig, 199_999, Attempted::Reload), judge(&rig, 200_000, Attempted::Reload)), ("give", "refresh"));
    assert!(
        rig.fly(Goal::Refresh(TokenRequirements { min_validity: 1_000_000, ..TokenRequirements::default() }), |rig, action| {
            matches!(action, Action::Refresh(_)).then(|| Observation::Replied(rig.tokens(2)))
        })
        .unwrap()
    );
    assert_eq!(judge(&rig, 1_000_000, Attempted::Refresh), "give");
}

#[test]
fn a_short_life_has_a_short_margin() {
    for (age, judged, usable) in
        [(79_999, "give", true), (80_000, "give and refresh", true), (89_999, "give and refresh", true), (90_000, "refresh", false)]
    {
        let mut rig = Rig::new();
        rig.put(living(100, age));
        rig.look();
        assert_eq!(
            (judge(&rig, 0, Attempted::Reload), rig.known.is_usable(TokenRequirements::default(), rig.now)),
            (judged, usable),
            "at {age} ms"
        );
        assert_eq!(rig.known.is_fresh(TokenRequirements::default(), rig.now), judged == "give", "at {age} ms");
    }
}

#[test]
fn no_more_validity_is_asked_for_than_a_new_token_has() {
    for (age, judged) in [(59_999, "give"), (60_000, "refresh")] {
        let mut rig = Rig::new();
        rig.put(login("g", 1, START - age));
        rig.look();
        assert_eq!(judge(&rig, 1_000_000, Attempted::Reload), judged, "at {age} ms");
    }
}

#[test]
fn the_newest_there_is_will_do_unless_it_was_slept_through_or_refused() {
    for (life, age, judged) in
        [(1, 1_000, "give"), (59, 59_000, "give"), (60, 59_999, "give"), (60, 60_000, "refresh"), (300, 299_999, "give")]
    {
        let mut rig = Rig::new();
        rig.put(living(life, age));
        rig.known.invalidate("a0", rig.now);
        rig.look();
        assert_eq!(
            (judge(&rig, 0, Attempted::Operation), judge(&rig, 0, Attempted::Refresh)),
            ("refresh", judged),
            "{life} s, at {age} ms"
        );
        rig.known.invalidate("a1", rig.now);
        assert_eq!(judge(&rig, 0, Attempted::Refresh), "refresh", "{life} s, at {age} ms");
    }
    let mut rig = Rig::new();
    rig.put(Record { tokens: None, ..login("g", 1, START) });
    rig.look();
    assert_eq!(judge(&rig, 0, Attempted::Refresh), "refresh");
}

#[test]
fn between_the_limits_a_flight_or_a_failure_before_will_do() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START - 250_000));
    rig.look();
    assert_eq!((judge(&rig, 0, Attempted::Reload), judge(&rig, 0, Attempted::Operation)), ("give and refresh", "give"));
    rig.renew(|_| Reply::Refused(error(ErrorCode::Transport))).unwrap_err();
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give");
}

#[test]
fn a_token_that_is_not_known_to_end_is_fresh() {
    let mut rig = Rig::new();
    rig.put(Record { tokens: Some(TokenSet::restore(r#"{"access_token":"a1"}"#).unwrap()), ..login("g", 1, START - 999_000_000) });
    rig.look();
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give");
    assert_eq!(rig.known.at_hand_until(TokenRequirements { recheck: 1000, ..TokenRequirements::default() }, rig.now), rig.now.mono + 1000);
}

#[test]
fn a_token_is_at_hand_until_it_should_be_renewed_or_the_store_looked_at() {
    let mut rig = Rig::new();
    assert_eq!(rig.known.at_hand_until(TokenRequirements { recheck: 1000, ..TokenRequirements::default() }, rig.now), 0);
    rig.put(login("g", 1, START - 100_000));
    rig.look();
    let looked_at = rig.now.mono;
    rig.pass(400);
    assert_eq!(rig.known.at_hand_until(TokenRequirements { recheck: 1000, ..TokenRequirements::default() }, rig.now), looked_at + 1000);
    assert_eq!(
        rig.known.at_hand_until(TokenRequirements { recheck: 1_000_000, ..TokenRequirements::default() }, rig.now),
        looked_at + 140_000
    );
    rig.pass(139_600);
    assert_eq!(rig.known.at_hand_until(TokenRequirements { recheck: 1_000_000, ..TokenRequirements::default() }, rig.now), 0);
}

#[test]
fn what_was_sent_in_the_future_is_believed_within_a_tenth_of_its_life() {
    let early =
        [(300, 30_000, "give"), (300, 30_001, "refresh"), (900, 30_001, "refresh"), (100, 10_000, "give"), (100, 10_001, "refresh")];
    for (life, ahead, judged) in early.into_iter().chain([(1, 1_000, "give"), (1, 1_001, "refresh")]) {
        let mut rig = Rig::new();
        let ends = START.div_euclid(1000) + ahead / 1000 + life;
        let tokens = TokenSet::restore(&format!(r#"{{"access_token":"a1","refresh_token":"r1","expires_at":{ends}}}"#)).unwrap();
        rig.put(Record { tokens: Some(tokens), sent_at: START + ahead, ..login("g", 1, START) });
        rig.look();
        assert_eq!(judge(&rig, 0, Attempted::Reload), judged, "{life} s, {ahead} ms ahead");
    }
}

#[test]
fn what_is_read_again_is_as_old_as_it_was() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    rig.look();
    rig.now.mono += 240_000;
    rig.change(|record| record.claim = claim(true));
    rig.look();
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give and refresh");
    // Others are met anew, also when they were sent in the same millisecond.
    rig.put(login("g", 2, START));
    rig.look();
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give");
}

#[test]
fn what_this_process_asked_for_is_as_old_as_the_request_though_the_clock_is_set_back() {
    let mut rig = Rig::new();
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
        Action::Refresh(_) => {
            let answer = rig.tokens(2);
            rig.now.mono += 239_999;
            rig.now.wall -= 3_600_000;
            Some(Observation::Replied(answer))
        }
        _ => None,
    });
    assert!(outcome.unwrap());
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give");
    rig.now.mono += 1;
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give and refresh");
}

#[test]
fn a_login_that_is_over_and_one_that_never_was_are_told_apart() {
    let refused = |rig: &Rig| match rig.known.judge(TokenRequirements::default(), Attempted::Reload, rig.now) {
        Decision::Fail(error) => (error.code(), error.to_string().contains("logged out")),
        other => panic!("{other:?}"),
    };
    let mut rig = Rig::new();
    rig.put(tomb("g", 1));
    rig.look();
    assert_eq!(refused(&rig), (ErrorCode::LoginRequired, true));
    rig = Rig::new();
    rig.put(tomb("", 0));
    rig.look();
    assert_eq!(refused(&rig), (ErrorCode::LoginRequired, false));
}

#[test]
fn what_was_read_counts_for_as_long_as_recheck_says() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    assert_eq!(judge(&rig, 0, Attempted::Nothing), "look");
    rig.look();
    rig.pass(999);
    assert_eq!(judge(&rig, 0, Attempted::Nothing), "give");
    rig.pass(1);
    assert_eq!(judge(&rig, 0, Attempted::Nothing), "look");
}

#[test]
fn twenty_late_refusals_of_an_api_cause_one_refresh() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    rig.look();
    for _ in 0..20 {
        rig.known.invalidate("a1", rig.now);
        if judge(&rig, 0, Attempted::Nothing) == "refresh" {
            assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
        }
    }
    assert_eq!((rig.times("refresh r1"), rig.record().generation), (1, 2));
}

#[test]
fn a_refusal_of_another_token_than_the_current_one_is_late() {
    let mut rig = Rig::new();
    rig.put(login("g", 2, START));
    rig.look();
    rig.known.invalidate("a1", rig.now);
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give");
}

#[test]
fn a_refusal_before_the_first_look_is_remembered() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    rig.known.invalidate("a1", rig.now);
    rig.look();
    assert_eq!(judge(&rig, 0, Attempted::Reload), "refresh");
}

#[test]
fn a_token_that_a_refusal_brought_is_not_forced_again_for_a_while() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    rig.look();
    rig.known.invalidate("a1", rig.now);
    rig.renew(|rig| rig.tokens(2)).unwrap();
    rig.pass(9_999);
    rig.known.invalidate("a2", rig.now);
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give");
    rig.pass(1);
    rig.known.invalidate("a2", rig.now);
    assert_eq!(judge(&rig, 0, Attempted::Reload), "refresh");
}

#[test]
fn a_login_without_a_refresh_token_ends_with_its_access_token() {
    let mut rig = Rig::new();
    rig.put(Record { refresh_token: None, ..login("g", 1, START - 250_000) });
    rig.look();
    assert_eq!(judge(&rig, 0, Attempted::Reload), "give");
    rig.pass(50_000);
    assert_eq!(judge(&rig, 0, Attempted::Reload), "refuse");
    assert!(!rig.renew(|rig| rig.tokens(2)).unwrap());
    assert!(!rig.log.iter().any(|done| done.starts_with("refresh")));
}

fn early(spread: u8) -> TokenRequirements {
    TokenRequirements { early: Some(spread), recheck: 1000, ..TokenRequirements::default() }
}

#[test]
fn without_locks_a_token_is_renewed_before_the_lease_of_a_killed_owner_outlives_it() {
    for (life, spread, soft) in [(300, 0, 180_000), (300, 255, 150_000), (100, 0, 50_000), (3600, 0, 2_880_000)] {
        let mut rig = Rig::leasing();
        rig.put(living(life, soft - 1));
        rig.look();
        assert!(matches!(rig.known.judge(early(spread), Attempted::Nothing, rig.now), Decision::Use), "{life} s, {spread}");
        rig.pass(1);
        assert!(matches!(rig.known.judge(early(spread), Attempted::Nothing, rig.now), Decision::UseAndRefresh), "{life} s, {spread}");
    }
}

#[test]
fn a_refresh_that_another_process_is_at_is_tried_again_a_little_later() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START - 250_000));
    let busy = |_: &mut Rig, action: &Action| matches!(action, Action::TryLock).then_some(Observation::LockBusy);
    assert!(!rig.fly(Goal::Refresh(TokenRequirements::default()), busy).unwrap());
    assert_eq!(judge(&rig, 0, Attempted::Nothing), "give");
    rig.pass(250);
    assert_eq!(judge(&rig, 0, Attempted::Nothing), "give and refresh");
}

#[test]
fn a_store_that_fails_is_left_alone_for_a_while_by_all() {
    let fails = |rig: &mut Rig| {
        let failed = |_: &mut Rig, action: &Action| {
            matches!(action, Action::Load).then(|| Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        };
        rig.fly(Goal::Reload, failed).unwrap_err();
    };
    for (age, meanwhile) in [(0, "give"), (250_000, "give"), (280_000, "refuse")] {
        let mut rig = Rig::new();
        rig.jitter = 128;
        rig.put(login("g", 1, START - age));
        rig.look();
        rig.pass(1000);
        for wait in [1_000, 2_000, 4_000, 5_000, 5_000] {
            assert_eq!(judge(&rig, 0, Attempted::Nothing), "look", "at {age} ms");
            fails(&mut rig);
            rig.pass(wait - 1);
            assert_eq!(judge(&rig, 0, Attempted::Nothing), meanwhile, "at {age} ms");
            rig.pass(1);
        }
        rig.look();
        assert_ne!(judge(&rig, 0, Attempted::Nothing), "look");
    }
}
