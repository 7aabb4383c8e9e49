//! What each kind of reply causes.

use super::*;

/// I2
#[test]
fn tokens_are_stored_before_the_operation_finishes() {
    let mut scene = Scene::new();
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.log, ["load", "lock", "load", "claim", "load", "refresh r1", "load", "swap", "finish"]);
    let record = scene.record();
    assert_eq!((record.generation, token_of(record), &record.claim, &record.failure), (2, "r2", &None, &None));
}

/// I4
#[test]
fn unusable_tokens_are_not_handed_out_but_their_refresh_token_is_stored() {
    let mut scene = Scene::new();
    let unusable = |scene: &Scene| Received { tokens: Err(error(ErrorCode::Quarantined)), ..scene.received(2) };
    assert_eq!(code(scene.refresh(|scene| Reply::Tokens(Box::new(unusable(scene))))), ErrorCode::Quarantined);
    assert_eq!((token_of(scene.record()), scene.record().generation), ("r2", 2));
    assert_eq!(scene.record().tokens, Some(tokens(1, START - 300_000)));
    assert!(!scene.local.is_usable(TokenRequirements::default(), scene.now));
}

#[test]
fn a_response_without_a_refresh_token_keeps_the_old_one() {
    let mut scene = Scene::new();
    assert!(scene.refresh(|scene| Reply::Tokens(Box::new(Received { refresh_token: None, ..scene.received(2) }))).unwrap());
    assert_eq!((token_of(scene.record()), scene.record().generation), ("r1", 2));
}

#[test]
fn each_error_says_whether_the_refresh_token_may_be_spent() {
    let kind_of = |failed, connection_lost| match Reply::failed(error(failed), connection_lost) {
        Reply::Tokens(_) => "tokens",
        Reply::Refused(_) => "refused",
        Reply::Rejected(_) => "rejected",
        Reply::ConnectionLost(_) => "connection lost",
        Reply::OutcomeUnknown(_) => "outcome unknown",
    };
    assert_eq!(kind_of(ErrorCode::LoginRequired, false), "rejected");
    assert_eq!(kind_of(ErrorCode::OutcomeUnknown, true), "connection lost");
    for unknown in [ErrorCode::OutcomeUnknown, ErrorCode::BadResponse, ErrorCode::Internal] {
        assert_eq!(kind_of(unknown, false), "outcome unknown");
    }
    for unspent in [ErrorCode::Transport, ErrorCode::Timeout, ErrorCode::ServerUnavailable, ErrorCode::InvalidClient, ErrorCode::Oauth] {
        assert_eq!((kind_of(unspent, false), kind_of(unspent, true)), ("refused", "refused"));
    }
}

#[test]
fn tokens_or_a_rejection_clear_the_stored_failure() {
    for (reply, is_active) in [(Scene::tokens as fn(&Scene, u64) -> Reply, true), (|scene, _| rejected(scene), false)] {
        let mut scene = Scene::new();
        scene.refresh(|_| Reply::Refused(error(ErrorCode::ServerUnavailable))).unwrap_err();
        assert!(scene.record().failure.is_some());
        scene.refresh(|scene| reply(scene, 2)).unwrap();
        assert_eq!((scene.record().is_active(), &scene.record().failure), (is_active, &None));
    }
}

/// I5
#[test]
fn a_request_that_spent_nothing_releases_the_claim_and_keeps_the_tokens() {
    let codes = [
        ErrorCode::Transport,
        ErrorCode::Timeout,
        ErrorCode::ServerUnavailable,
        ErrorCode::InvalidClient,
        ErrorCode::WrongEndpoint,
        ErrorCode::Oauth,
    ];
    for refused in codes {
        let mut scene = Scene::new();
        assert_eq!(code(scene.refresh(|_| Reply::failed(error(refused), false))), refused);
        let record = scene.record();
        assert_eq!((token_of(record), record.generation, record.is_active(), &record.claim), ("r1", 1, true, &None));
        let failure = record.failure.as_ref().unwrap();
        assert!(failure.wait_left(0, scene.now).is_some() && !failure.outcome_unknown);
    }
}

#[test]
fn retry_after_sets_the_wait() {
    let mut scene = Scene::new();
    let unavailable = error(ErrorCode::ServerUnavailable).with_retry_after(Some(Duration::from_secs(20)));
    scene.refresh(|_| Reply::Refused(unavailable.clone())).unwrap_err();
    assert_eq!(scene.record().failure.as_ref().unwrap().wait_left(0, scene.now), Some(20_000));
}

/// I5, I6
#[test]
fn invalid_grant_marks_the_login_as_rejected() {
    let mut scene = Scene::new();
    assert!(!scene.refresh(rejected).unwrap());
    let State::Rejected { token_digest, .. } = &scene.record().state else { panic!("the login is not rejected") };
    assert_eq!((token_digest, token_of(scene.record())), (&digest_of("r1"), "r1"));
    assert!(scene.record().tokens.is_some() && scene.record().claim.is_none());
    scene.log.clear();
    assert!(!scene.refresh(rejected).unwrap());
    assert_eq!(scene.log, ["load", "finish"]);
}

/// I6
#[test]
fn after_invalid_grant_a_newer_generation_or_another_grant_is_adopted() {
    let not_rotated = Record { refresh_token: Some("r1".into()), ..login("g", 2, START) };
    for newer in [login("g", 2, START), login("h", 2, START), not_rotated] {
        let mut scene = Scene::new();
        assert!(!refresh_while(&mut scene, rejected, |scene| scene.put(newer.clone())).unwrap());
        assert_eq!(scene.record(), &newer);
        assert_eq!(scene.local.record(), Some(&newer));
    }
}

#[test]
fn after_invalid_grant_an_older_generation_means_that_the_store_lost_a_write() {
    let mut scene = Scene::new();
    scene.put(login("g", 5, START - 300_000));
    let loses_once = |scene: &mut Scene| {
        if scene.times("refresh r5") == 1 {
            scene.put(login("g", 4, START - 600_000));
        }
    };
    refresh_while(&mut scene, rejected, loses_once).unwrap();
    assert_eq!((scene.record().generation, token_of(scene.record()), scene.times("refresh r5")), (5, "r5", 2));
    assert!(!scene.record().is_active());
}

#[test]
fn after_a_takeover_invalid_grant_waits_for_the_former_owner() {
    let mut scene = Scene::leasing();
    scene.change(|record| record.claim = claim(false));
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(|scene| scene.tokens(2))), ErrorCode::Busy);
    }
    let mut sent = 0;
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
        Action::Refresh(_) => {
            sent = scene.now.mono;
            Some(Observation::Replied(rejected(scene)))
        }
        Action::Wait(2_000) => {
            scene.put(login("g", 2, scene.now.wall));
            None
        }
        _ => None,
    });
    assert!(!outcome.unwrap());
    assert_eq!((scene.record().generation, scene.now.mono - sent), (2, 2_000));
    assert!(scene.record().is_active());
}

/// I7
#[test]
fn a_request_whose_connection_was_lost_is_replayed_once_under_the_same_claim() {
    let mut scene = Scene::new();
    assert_eq!(code(scene.refresh(connection_lost)), ErrorCode::OutcomeUnknown);
    assert_eq!((scene.times("refresh r1"), scene.times("claim")), (2, 1));
    let record = scene.record();
    assert!(record.claim.is_none() && record.is_active() && record.failure.as_ref().unwrap().outcome_unknown);
}

#[test]
fn nothing_is_replayed_once_another_process_has_refreshed() {
    let mut scene = Scene::new();
    assert!(!refresh_while(&mut scene, connection_lost, |scene| scene.put(login("g", 2, START))).unwrap());
    assert_eq!((scene.times("refresh r1"), scene.record().generation), (1, 2));
}

/// I7
#[test]
fn a_request_with_an_unknown_outcome_is_not_repeated_before_its_wait_is_over() {
    let mut scene = Scene::new();
    assert_eq!(code(scene.refresh(outcome_unknown)), ErrorCode::OutcomeUnknown);
    assert_eq!(scene.times("refresh r1"), 1);
    assert!(scene.record().claim.is_none() && scene.record().failure.as_ref().unwrap().outcome_unknown);
    for goal in [Goal::Refresh(TokenRequirements::default()), Goal::ForceRefresh] {
        let mut waited = false;
        scene.log.clear();
        scene
            .run(goal, |scene, action| {
                waited |= matches!(action, Action::Wait(500..));
                matches!(action, Action::Refresh(_)).then(|| Observation::Replied(outcome_unknown(scene)))
            })
            .unwrap_err();
        assert!(waited && scene.times("refresh r1") == 1);
    }
}

#[test]
fn a_failure_is_stored_if_only_the_claim_is_gone() {
    let mut scene = Scene::new();
    assert!(refresh_while(&mut scene, outcome_unknown, |scene| scene.change(|record| record.claim = None)).is_err());
    assert!(scene.record().failure.is_some());
    let mut scene = Scene::new();
    assert!(refresh_while(&mut scene, outcome_unknown, |scene| scene.put(tombstone("g", 1))).is_err());
    assert_eq!(scene.record(), &tombstone("g", 1));
}

#[test]
fn another_owners_claim_is_not_released() {
    let mut scene = Scene::leasing();
    assert!(refresh_while(&mut scene, outcome_unknown, |scene| scene.change(|record| record.claim = claim(false))).is_err());
    assert_eq!(scene.record().claim, claim(false));
    assert!(scene.record().failure.is_none());
}

#[test]
fn a_configuration_error_is_reported_at_once_until_the_credentials_change() {
    let mut scene = Scene::new();
    let refused = |_: &Scene| Reply::Refused(error(ErrorCode::InvalidClient));
    for _ in 0..3 {
        assert_eq!(code(scene.refresh(refused)), ErrorCode::InvalidClient);
    }
    assert_eq!((scene.times("refresh r1"), scene.times("wait")), (1, 0));
    scene.credentials = 1;
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.times("wait"), 0);
}

#[test]
fn three_refusals_without_a_reason_reject_the_login() {
    let unexplained = |_: &Scene| Reply::Refused(error(ErrorCode::LoginFailed).with_status(400));
    let mut scene = Scene::new();
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(unexplained)), ErrorCode::LoginFailed);
        assert!(scene.record().is_active());
    }
    // A different outcome in between resets the count.
    assert_eq!(code(scene.refresh(outcome_unknown)), ErrorCode::OutcomeUnknown);
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(unexplained)), ErrorCode::LoginFailed);
    }
    assert!(!scene.refresh(unexplained).unwrap());
    let State::Rejected { reason, .. } = &scene.record().state else { panic!("{:?}", scene.record().state) };
    assert_eq!((reason.error().code(), reason.error().status()), (ErrorCode::LoginRequired, Some(400)));
    assert!(!scene.refresh(unexplained).unwrap());
    assert_eq!(scene.times("refresh r1"), 6);
    let logged_in = scene.run(Goal::LogIn { grant_id: "h".into() }, |scene, action| {
        matches!(action, Action::Exchange).then(|| Observation::Replied(scene.tokens(2)))
    });
    assert!(logged_in.unwrap() && scene.record().is_active());
}

#[test]
fn a_login_rejected_without_a_reason_is_retried_every_five_minutes() {
    let unexplained = |_: &Scene| Reply::Refused(error(ErrorCode::LoginFailed).with_status(401));
    let decision = |scene: &Scene| scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now);
    let mut scene = Scene::new();
    for _ in 0..2 {
        assert_eq!(code(scene.refresh(unexplained)), ErrorCode::LoginFailed);
    }
    for tries in 3..6 {
        assert!(!scene.refresh(unexplained).unwrap());
        assert_eq!(scene.times("refresh r1"), tries);
        scene.pass(299_999);
        assert!(!scene.refresh(unexplained).unwrap());
        assert!(matches!(decision(&scene), Decision::Fail(error) if error.code() == ErrorCode::LoginRequired));
        scene.pass(1);
        assert!(matches!(decision(&scene), Decision::Refresh));
        assert!(matches!(scene.local.decision(TokenRequirements::default(), Attempted::Operation, scene.now), Decision::Fail(_)));
    }
    // A proxy had refused, and the server never saw the requests.
    assert!(scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert!(scene.record().is_active() && scene.record().failure.is_none());
}

#[test]
fn a_login_rejected_with_a_reason_is_not_retried() {
    let mut scene = Scene::new();
    assert!(!scene.refresh(|_| Reply::Rejected(error(ErrorCode::LoginRequired))).unwrap());
    scene.pass(3_600_000);
    assert!(matches!(scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now), Decision::Fail(_)));
    assert!(!scene.refresh(|scene| scene.tokens(2)).unwrap());
    assert_eq!(scene.times("refresh r1"), 1);
}
