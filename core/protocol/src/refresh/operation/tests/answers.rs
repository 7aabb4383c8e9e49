//! What becomes of each kind of answer.

use super::*;

#[test]
fn tokens_are_stored_before_anybody_is_told() {
    let mut rig = Rig::new();
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.log, ["load", "lock", "load", "claim", "load", "refresh r1", "load", "swap", "end"]);
    let record = rig.record();
    assert_eq!((record.generation, token_of(record), &record.claim, &record.failure), (2, "r2", &None, &None));
}

#[test]
fn tokens_that_fail_the_judgement_are_kept_and_not_handed_out() {
    let mut rig = Rig::new();
    let odd = |rig: &Rig| Received { tokens: Err(error(ErrorCode::Quarantined)), ..rig.received(2) };
    assert_eq!(code(rig.renew(|rig| Reply::Tokens(Box::new(odd(rig))))), ErrorCode::Quarantined);
    assert_eq!((token_of(rig.record()), rig.record().generation), ("r2", 2));
    assert_eq!(rig.record().tokens, Some(tokens(1, START - 300_000)));
    assert!(!rig.known.is_usable(TokenRequirements::default(), rig.now));
}

#[test]
fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    let mut rig = Rig::new();
    assert!(rig.renew(|rig| Reply::Tokens(Box::new(Received { refresh_token: None, ..rig.received(2) }))).unwrap());
    assert_eq!((token_of(rig.record()), rig.record().generation), ("r1", 2));
}

#[test]
fn failures_are_told_apart_by_what_may_have_become_of_the_token() {
    let told = |failed, broken| match Reply::failed(error(failed), broken) {
        Reply::Tokens(_) => "tokens",
        Reply::Refused(_) => "refused",
        Reply::Rejected(_) => "rejected",
        Reply::ConnectionLost(_) => "broken",
        Reply::OutcomeUnknown(_) => "in doubt",
    };
    assert_eq!(told(ErrorCode::LoginRequired, false), "rejected");
    assert_eq!(told(ErrorCode::OutcomeUnknown, true), "broken");
    for doubtful in [ErrorCode::OutcomeUnknown, ErrorCode::BadResponse, ErrorCode::Internal] {
        assert_eq!(told(doubtful, false), "in doubt");
    }
    for good in [ErrorCode::Transport, ErrorCode::Timeout, ErrorCode::ServerUnavailable, ErrorCode::InvalidClient, ErrorCode::Oauth] {
        assert_eq!((told(good, false), told(good, true)), ("refused", "refused"));
    }
}

#[test]
fn an_answer_ends_what_was_remembered_of_failures() {
    for (answer, is_active) in [(Rig::tokens as fn(&Rig, u64) -> Reply, true), (|rig, _| rejected(rig), false)] {
        let mut rig = Rig::new();
        rig.renew(|_| Reply::Refused(error(ErrorCode::ServerUnavailable))).unwrap_err();
        assert!(rig.record().failure.is_some());
        rig.renew(|rig| answer(rig, 2)).unwrap();
        assert_eq!((rig.record().is_active(), &rig.record().failure), (is_active, &None));
    }
}

#[test]
fn what_was_not_sent_or_was_refused_costs_the_claim_only() {
    let codes = [
        ErrorCode::Transport,
        ErrorCode::Timeout,
        ErrorCode::ServerUnavailable,
        ErrorCode::InvalidClient,
        ErrorCode::WrongEndpoint,
        ErrorCode::Oauth,
    ];
    for refused in codes {
        let mut rig = Rig::new();
        assert_eq!(code(rig.renew(|_| Reply::failed(error(refused), false))), refused);
        let record = rig.record();
        assert_eq!((token_of(record), record.generation, record.is_active(), &record.claim), ("r1", 1, true, &None));
        let failure = record.failure.as_ref().unwrap();
        assert!(failure.wait_left(0, rig.now).is_some() && !failure.outcome_unknown);
    }
}

#[test]
fn retry_after_is_waited_out() {
    let mut rig = Rig::new();
    let asked = error(ErrorCode::ServerUnavailable).with_retry_after(Some(Duration::from_secs(20)));
    rig.renew(|_| Reply::Refused(asked.clone())).unwrap_err();
    assert_eq!(rig.record().failure.as_ref().unwrap().wait_left(0, rig.now), Some(20_000));
}

#[test]
fn invalid_grant_ends_the_lineage_that_was_refused() {
    let mut rig = Rig::new();
    assert!(!rig.renew(rejected).unwrap());
    let State::Rejected { refused, .. } = &rig.record().state else { panic!("it lives") };
    assert_eq!((refused, token_of(rig.record())), (&digest_of("r1"), "r1"));
    assert!(rig.record().tokens.is_some() && rig.record().claim.is_none());
    rig.log.clear();
    assert!(!rig.renew(rejected).unwrap());
    assert_eq!(rig.log, ["load", "end"]);
}

#[test]
fn after_invalid_grant_a_newer_generation_or_another_grant_is_adopted() {
    let not_rotated = Record { refresh_token: Some("r1".into()), ..login("g", 2, START) };
    for newer in [login("g", 2, START), login("h", 2, START), not_rotated] {
        let mut rig = Rig::new();
        assert!(!renew_while(&mut rig, rejected, |rig| rig.put(newer.clone())).unwrap());
        assert_eq!(rig.record(), &newer);
        assert_eq!(rig.known.record(), Some(&newer));
    }
}

#[test]
fn after_invalid_grant_an_older_generation_is_what_the_store_lost() {
    let mut rig = Rig::new();
    rig.put(login("g", 5, START - 300_000));
    let loses_once = |rig: &mut Rig| {
        if rig.times("refresh r5") == 1 {
            rig.put(login("g", 4, START - 600_000));
        }
    };
    renew_while(&mut rig, rejected, loses_once).unwrap();
    assert_eq!((rig.record().generation, token_of(rig.record()), rig.times("refresh r5")), (5, "r5", 2));
    assert!(!rig.record().is_active());
}

#[test]
fn after_a_takeover_invalid_grant_waits_for_the_owner_who_was_slow() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    for _ in 0..2 {
        assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    }
    let mut sent = 0;
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
        Action::Refresh(_) => {
            sent = rig.now.mono;
            Some(Observation::Replied(rejected(rig)))
        }
        Action::Wait(2_000) => {
            rig.put(login("g", 2, rig.now.wall));
            None
        }
        _ => None,
    });
    assert!(!outcome.unwrap());
    assert_eq!((rig.record().generation, rig.now.mono - sent), (2, 2_000));
    assert!(rig.record().is_active());
}

#[test]
fn a_broken_connection_is_replayed_once_under_the_same_claim() {
    let mut rig = Rig::new();
    assert_eq!(code(rig.renew(broken)), ErrorCode::OutcomeUnknown);
    assert_eq!((rig.times("refresh r1"), rig.times("claim")), (2, 1));
    let record = rig.record();
    assert!(record.claim.is_none() && record.is_active() && record.failure.as_ref().unwrap().outcome_unknown);
}

#[test]
fn a_broken_connection_is_not_replayed_when_somebody_was_faster() {
    let mut rig = Rig::new();
    assert!(!renew_while(&mut rig, broken, |rig| rig.put(login("g", 2, START))).unwrap());
    assert_eq!((rig.times("refresh r1"), rig.record().generation), (1, 2));
}

#[test]
fn what_is_in_doubt_is_not_sent_again_before_its_wait_is_over() {
    let mut rig = Rig::new();
    assert_eq!(code(rig.renew(in_doubt)), ErrorCode::OutcomeUnknown);
    assert_eq!(rig.times("refresh r1"), 1);
    assert!(rig.record().claim.is_none() && rig.record().failure.as_ref().unwrap().outcome_unknown);
    for goal in [Goal::Refresh(TokenRequirements::default()), Goal::ForceRefresh] {
        let mut waited = false;
        rig.log.clear();
        rig.fly(goal, |rig, action| {
            waited |= matches!(action, Action::Wait(500..));
            matches!(action, Action::Refresh(_)).then(|| Observation::Replied(in_doubt(rig)))
        })
        .unwrap_err();
        assert!(waited && rig.times("refresh r1") == 1);
    }
}

#[test]
fn a_failure_is_noted_where_the_claim_is_gone_and_nothing_else_has_changed() {
    let mut rig = Rig::new();
    assert!(renew_while(&mut rig, in_doubt, |rig| rig.change(|record| record.claim = None)).is_err());
    assert!(rig.record().failure.is_some());
    let mut rig = Rig::new();
    assert!(renew_while(&mut rig, in_doubt, |rig| rig.put(tomb("g", 1))).is_err());
    assert_eq!(rig.record(), &tomb("g", 1));
}

#[test]
fn a_claim_that_is_another_s_by_now_is_left() {
    let mut rig = Rig::leasing();
    assert!(renew_while(&mut rig, in_doubt, |rig| rig.change(|record| record.claim = claim(false))).is_err());
    assert_eq!(rig.record().claim, claim(false));
    assert!(rig.record().failure.is_none());
}

#[test]
fn a_configuration_that_must_be_corrected_is_told_at_once_and_binds_only_those_who_have_it() {
    let mut rig = Rig::new();
    let refused = |_: &Rig| Reply::Refused(error(ErrorCode::InvalidClient));
    for _ in 0..3 {
        assert_eq!(code(rig.renew(refused)), ErrorCode::InvalidClient);
    }
    assert_eq!((rig.times("refresh r1"), rig.times("wait")), (1, 0));
    rig.credentials = 1;
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.times("wait"), 0);
}

#[test]
fn a_login_that_is_refused_without_a_reason_again_and_again_is_over_until_a_new_one() {
    let unexplained = |_: &Rig| Reply::Refused(error(ErrorCode::LoginFailed).with_status(400));
    let mut rig = Rig::new();
    for _ in 0..2 {
        assert_eq!(code(rig.renew(unexplained)), ErrorCode::LoginFailed);
        assert!(rig.record().is_active());
    }
    // Something else in between, and they are counted from the beginning.
    assert_eq!(code(rig.renew(in_doubt)), ErrorCode::OutcomeUnknown);
    for _ in 0..2 {
        assert_eq!(code(rig.renew(unexplained)), ErrorCode::LoginFailed);
    }
    assert!(!rig.renew(unexplained).unwrap());
    let State::Rejected { reason, .. } = &rig.record().state else { panic!("{:?}", rig.record().state) };
    assert_eq!((reason.error().code(), reason.error().status()), (ErrorCode::LoginRequired, Some(400)));
    assert!(!rig.renew(unexplained).unwrap());
    assert_eq!(rig.times("refresh r1"), 6);
    let logged_in = rig.fly(Goal::LogIn { grant_id: "h".into() }, |rig, action| {
        matches!(action, Action::Exchange).then(|| Observation::Replied(rig.tokens(2)))
    });
    assert!(logged_in.unwrap() && rig.record().is_active());
}

#[test]
fn a_login_that_is_over_without_a_reason_is_tried_again_every_few_minutes() {
    let unexplained = |_: &Rig| Reply::Refused(error(ErrorCode::LoginFailed).with_status(401));
    let judge = |rig: &Rig| rig.known.judge(TokenRequirements::default(), Attempted::Reload, rig.now);
    let mut rig = Rig::new();
    for _ in 0..2 {
        assert_eq!(code(rig.renew(unexplained)), ErrorCode::LoginFailed);
    }
    for tries in 3..6 {
        assert!(!rig.renew(unexplained).unwrap());
        assert_eq!(rig.times("refresh r1"), tries);
        rig.pass(299_999);
        assert!(!rig.renew(unexplained).unwrap());
        assert!(matches!(judge(&rig), Decision::Fail(error) if error.code() == ErrorCode::LoginRequired));
        rig.pass(1);
        assert!(matches!(judge(&rig), Decision::Refresh));
        assert!(matches!(rig.known.judge(TokenRequirements::default(), Attempted::Operation, rig.now), Decision::Fail(_)));
    }
    // It was a proxy that refused, and the server has never heard of it.
    assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
    assert!(rig.record().is_active() && rig.record().failure.is_none());
}

#[test]
fn a_login_that_is_over_with_a_reason_is_not_tried_again() {
    let mut rig = Rig::new();
    assert!(!rig.renew(|_| Reply::Rejected(error(ErrorCode::LoginRequired))).unwrap());
    rig.pass(3_600_000);
    assert!(matches!(rig.known.judge(TokenRequirements::default(), Attempted::Reload, rig.now), Decision::Fail(_)));
    assert!(!rig.renew(|rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.times("refresh r1"), 1);
}
