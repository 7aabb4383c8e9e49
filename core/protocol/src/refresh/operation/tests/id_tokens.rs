//! ID tokens: judged at once, or later with keys that have to be fetched.

use super::*;
use crate::openid::identity::Identity;
use crate::refresh::action::Judgement;

fn other_identity() -> Identity {
    Identity { issued_at: START / 1000 + 7, ..identity("s1") }
}

fn with_id_token(scene: &Scene, number: u64, id_token: ReceivedIdToken) -> Reply {
    Reply::Tokens(Box::new(Received { id_token, ..scene.received(number) }))
}

fn unjudged(scene: &Scene, number: u64) -> Reply {
    with_id_token(scene, number, ReceivedIdToken::Unjudged(format!("i{number}").into()))
}

fn bad(scene: &Scene) -> Reply {
    Reply::Tokens(Box::new(Received { tokens: Err(error(ErrorCode::Quarantined)), ..scene.received(2) }))
}

/// A scene after a refresh whose ID token `i2` could not be judged.
fn unjudged_scene() -> Scene {
    let mut scene = Scene::new();
    assert!(scene.refresh(|scene| unjudged(scene, 2)).unwrap());
    scene.log.clear();
    scene
}

/// Judges; `meanwhile` runs while the keys are fetched.
fn judge_while(scene: &mut Scene, judgement: &Judgement, mut meanwhile: impl FnMut(&mut Scene)) -> Result<bool> {
    scene.run(Goal::JudgeIdToken, |scene, action| {
        matches!(action, Action::Judge(_)).then(|| {
            meanwhile(scene);
            Observation::Judged(judgement.clone())
        })
    })
}

fn judge(scene: &mut Scene, judgement: &Judgement) -> Result<bool> {
    judge_while(scene, judgement, |_| ())
}

fn accepted() -> Judgement {
    Judgement::Accepted(identity("s1"))
}

fn refused() -> Judgement {
    Judgement::Refused(error(ErrorCode::Quarantined))
}

fn id_token_of(record: &Record) -> Option<&str> {
    record.tokens.as_ref()?.id_token().map(|token| token.reveal())
}

fn unjudged_of(record: &Record) -> Option<&str> {
    record.unjudged.as_ref().map(|token| token.reveal())
}

fn decision(scene: &Scene) -> Decision {
    scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now)
}

/// I13
#[test]
fn a_refresh_does_not_wait_for_keys() {
    let mut scene = Scene::new();
    assert!(scene.refresh(|scene| unjudged(scene, 2)).unwrap());
    assert_eq!(scene.log, ["load", "lock", "load", "claim", "load", "refresh r1", "load", "swap", "finish"]);
    assert_eq!((token_of(scene.record()), unjudged_of(scene.record())), ("r2", Some("i2")));
    assert_eq!(scene.record().tokens, Some(tokens(2, START)));
    assert!(matches!(decision(&scene), Decision::Use));
}

#[test]
fn the_first_id_token_of_a_login_says_whose_it_is() {
    let mut scene = Scene::new();
    for first in [identity("s1"), other_identity()] {
        scene.pass(LIFETIME_MILLISECONDS);
        assert!(scene.refresh(|scene| with_id_token(scene, 2, ReceivedIdToken::Accepted(first.clone()))).unwrap());
        assert_eq!(scene.record().identity, Some(Box::new(identity("s1"))));
    }
}

#[test]
fn an_id_token_that_is_not_judged_goes_with_the_access_token_beside_it() {
    for (id_token, left) in [
        (ReceivedIdToken::Absent, None),
        (ReceivedIdToken::Accepted(identity("s1")), None),
        (ReceivedIdToken::Unjudged("i3".into()), Some("i3")),
    ] {
        let mut scene = unjudged_scene();
        scene.pass(LIFETIME_MILLISECONDS);
        assert!(scene.refresh(|scene| with_id_token(scene, 3, id_token.clone())).unwrap());
        assert_eq!((token_of(scene.record()), unjudged_of(scene.record())), ("r3", left));
    }
}

/// I5, I16
#[test]
fn a_bad_id_token_loses_neither_the_refresh_token_nor_the_access_token_before() {
    let mut scene = unjudged_scene();
    scene.pass(LIFETIME_MILLISECONDS / 100 * 85);
    let before = scene.record().clone();
    let reply = |scene: &Scene| {
        let received = Received { tokens: Err(error(ErrorCode::Quarantined)), ..scene.received(3) };
        Reply::Tokens(Box::new(received))
    };
    assert_eq!(code(scene.refresh(reply)), ErrorCode::Quarantined);
    let record = scene.record();
    assert_eq!((token_of(record), record.generation, unjudged_of(record)), ("r3", 3, Some("i2")));
    assert_eq!((&record.tokens, record.sent_at), (&before.tokens, before.sent_at));
    assert!(matches!(decision(&scene), Decision::Use));
    scene.pass(LIFETIME_MILLISECONDS / 10);
    assert!(matches!(decision(&scene), Decision::Refresh));
}

#[test]
fn an_id_token_that_is_good_joins_the_tokens() {
    let mut scene = unjudged_scene();
    scene.pass(1_000);
    let before = scene.record().clone();
    assert!(!judge(&mut scene, &accepted()).unwrap());
    assert_eq!(scene.log, ["load", "judge i2", "load", "swap", "finish"]);
    let record = scene.record();
    assert_eq!((id_token_of(record), unjudged_of(record)), (Some("i2"), None));
    assert_eq!(record.identity, Some(Box::new(identity("s1"))));
    let tokens = before.tokens.clone().map(|tokens| tokens.with_verified("i2".into()));
    assert_eq!(record, &Record { tokens, unjudged: None, identity: record.identity.clone(), ..before });
    assert_eq!(scene.local.record(), Some(record));
    assert!(matches!(decision(&scene), Decision::Use));
}

#[test]
fn a_judgement_does_not_make_the_tokens_younger() {
    let mut scene = unjudged_scene();
    // The wall clock cannot tell how old they are.
    scene.pass(LIFETIME_MILLISECONDS - 40_000);
    scene.now.wall = START;
    judge(&mut scene, &accepted()).unwrap();
    assert!(matches!(decision(&scene), Decision::UseAndRefresh));
    scene.pass(11_000);
    assert!(matches!(decision(&scene), Decision::Refresh));
}

#[test]
fn a_judgement_does_not_change_whose_login_it_is() {
    let mut scene = unjudged_scene();
    scene.change(|record| record.identity = Some(Box::new(other_identity())));
    judge(&mut scene, &accepted()).unwrap();
    assert_eq!(scene.record().identity, Some(Box::new(other_identity())));
}

/// I5, I16
#[test]
fn an_id_token_that_is_bad_takes_the_access_token_with_it_and_nothing_else() {
    let mut scene = unjudged_scene();
    scene.change(|record| record.identity = Some(Box::new(other_identity())));
    scene.jitter = 255;
    assert_eq!(code(judge(&mut scene, &refused())), ErrorCode::Quarantined);
    assert_eq!(scene.log, ["load", "judge i2", "load", "swap", "finish"]);
    let record = scene.record();
    assert_eq!((&record.tokens, unjudged_of(record), token_of(record)), (&None, None, "r2"));
    assert_eq!((record.generation, record.is_active(), &record.identity), (2, true, &Some(Box::new(other_identity()))));
    let failure = record.failure.as_ref().unwrap();
    assert_eq!((failure.reason.error().code(), failure.count, failure.wait_left(0, scene.now)), (ErrorCode::Quarantined, 1, Some(998)));
    assert_eq!(scene.local.record(), Some(record));
    assert!(matches!(decision(&scene), Decision::Refresh));
    assert!(scene.refresh(|scene| scene.tokens(3)).unwrap());
    assert_eq!((scene.times("refresh r2"), token_of(scene.record())), (1, "r3"));
}

#[test]
fn refusals_in_a_row_wait_longer() {
    let mut scene = unjudged_scene();
    scene.change(|record| record.failure = Some(Failure::after(None, &error(ErrorCode::Quarantined), 0, Moment::default(), 0)));
    judge(&mut scene, &refused()).unwrap_err();
    assert_eq!(scene.record().failure.as_ref().unwrap().count, 2);
}

#[test]
fn what_cannot_be_judged_yet_stays_as_it_is() {
    let mut scene = unjudged_scene();
    let before = scene.record().clone();
    let unavailable = Judgement::NotYet(error(ErrorCode::ServerUnavailable));
    assert_eq!(code(judge(&mut scene, &unavailable)), ErrorCode::ServerUnavailable);
    assert_eq!(scene.log, ["load", "judge i2", "finish"]);
    assert_eq!(scene.record(), &before);
    assert!(matches!(decision(&scene), Decision::Use));
}

#[test]
fn nothing_is_judged_that_needs_no_judgement() {
    let unjudged = Record { unjudged: Some("i1".into()), ..login("g", 1, START) };
    let reason = StoredError::from(&error(ErrorCode::LoginRequired));
    let rejected = State::Rejected { token_digest: digest_of("r1"), reason };
    for record in [
        None,
        Some(login("g", 1, START)),
        Some(Record { state: State::LoggedOut, ..unjudged.clone() }),
        Some(Record { state: rejected, ..unjudged }),
    ] {
        let mut scene = Scene::new();
        scene.stored = None;
        record.into_iter().for_each(|record| scene.put(record));
        assert!(!judge(&mut scene, &refused()).unwrap());
        assert_eq!(scene.log, ["load", "finish"]);
    }
}

/// I3
#[test]
fn a_judgement_of_what_is_no_longer_stored_changes_nothing() {
    let unjudged = |record: Record, id_token: &str| Record { unjudged: Some(id_token.into()), ..record };
    for theirs in [
        unjudged(login("g", 3, START), "i3"),
        login("g", 2, START),
        Record { tokens: None, ..login("g", 2, START) },
        unjudged(login("h", 3, START), "i2"),
        unjudged(tombstone("g", 2), "i2"),
    ] {
        for judgement in [accepted(), refused()] {
            let mut scene = unjudged_scene();
            assert!(!judge_while(&mut scene, &judgement, |scene| scene.put(theirs.clone())).unwrap());
            assert_eq!((scene.record(), scene.local.record()), (&theirs, Some(&theirs)));
            assert_eq!(scene.times("swap"), 0);
        }
    }
    let mut scene = unjudged_scene();
    assert!(!judge_while(&mut scene, &refused(), |scene| scene.stored = None).unwrap());
    assert_eq!(scene.stored, None);
}

/// I16
#[test]
fn a_judgement_counts_after_a_refresh_that_left_the_access_token() {
    let mut scene = unjudged_scene();
    let refresh = |scene: &mut Scene| {
        scene.pass(LIFETIME_MILLISECONDS / 100 * 85);
        let reply = |scene: &Scene| Reply::Tokens(Box::new(Received { tokens: Err(error(ErrorCode::Quarantined)), ..scene.received(3) }));
        scene.refresh(reply).unwrap_err();
    };
    judge_while(&mut scene, &refused(), refresh).unwrap_err();
    let record = scene.record();
    assert_eq!((&record.tokens, unjudged_of(record), token_of(record), record.generation), (&None, None, "r3", 3));
}

#[test]
fn a_judgement_is_stored_beside_what_others_write_at_the_same_time() {
    let mut scene = unjudged_scene();
    let mut pending = true;
    let outcome = scene.run(Goal::JudgeIdToken, |scene, action| match action {
        Action::Judge(_) => Some(Observation::Judged(accepted())),
        Action::Swap { .. } if std::mem::take(&mut pending) => {
            scene.change(|record| record.claim = claim(false));
            None
        }
        _ => None,
    });
    assert!(!outcome.unwrap() && !pending);
    assert_eq!((id_token_of(scene.record()), &scene.record().claim), (Some("i2"), &claim(false)));
}

#[test]
fn a_judgement_that_cannot_be_stored_is_made_again() {
    let mut scene = unjudged_scene();
    let outcome = scene.run(Goal::JudgeIdToken, |_, action| match action {
        Action::Judge(_) => Some(Observation::Judged(refused())),
        Action::Swap { .. } => Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable))),
        _ => None,
    });
    assert_eq!((code(outcome), unjudged_of(scene.record())), (ErrorCode::StoreUnavailable, Some("i2")));
    judge(&mut scene, &refused()).unwrap_err();
    assert_eq!(scene.record().tokens, None);
}

/// I16
#[test]
fn a_load_that_began_before_the_judgement_does_not_bring_back_the_access_token() {
    let mut scene = unjudged_scene();
    let before = scene.stored.clone();
    judge(&mut scene, &refused()).unwrap_err();
    let after = scene.stored.clone();
    scene.stored = before;
    scene.reload();
    assert!(matches!(decision(&scene), Decision::Refresh));
    let reason = StoredError::from(&error(ErrorCode::LoginRequired));
    scene.change(|record| record.state = State::Rejected { token_digest: digest_of("r2"), reason });
    scene.reload();
    assert!(matches!(decision(&scene), Decision::Fail(_)));
    scene.change(|record| record.state = State::Active);
    // Another token set of the same generation, after a lost write, is not the same.
    scene.change(|record| record.refresh_token = Some("fork".into()));
    scene.reload();
    assert!(matches!(decision(&scene), Decision::Use));
    scene.stored = after;
    scene.reload();
    assert!(matches!(decision(&scene), Decision::Refresh));
}

/// I16
#[test]
fn a_claim_that_was_written_before_the_judgement_does_not_bring_back_the_access_token() {
    let mut scene = unjudged_scene();
    scene.pass(LIFETIME_MILLISECONDS / 100 * 85);
    let mut pending = true;
    scene
        .run(Goal::Refresh(TokenRequirements::default()), |scene, action| match action {
            Action::Swap { record, .. } if std::mem::take(&mut pending) => {
                scene.put((**record).clone());
                let version = scene.stored.as_ref().map(|stored| stored.version.clone());
                judge(scene, &refused()).unwrap_err();
                version.map(Observation::Stored)
            }
            Action::Load if scene.times("claim") == 2 => {
                assert!(matches!(decision(scene), Decision::Refresh));
                None
            }
            Action::Refresh(_) => Some(Observation::Replied(scene.tokens(3))),
            _ => None,
        })
        .unwrap();
    assert!(!pending);
}

/// I16
#[test]
fn a_refresh_does_not_bring_back_what_was_refused_after_it_was_sent() {
    let mut scene = unjudged_scene();
    scene.pass(LIFETIME_MILLISECONDS);
    let outcome = refresh_while(&mut scene, bad, |scene| {
        scene.change(|record| (record.tokens, record.unjudged) = (None, None));
    });
    assert_eq!(code(outcome), ErrorCode::Quarantined);
    let record = scene.record();
    assert_eq!((&record.tokens, unjudged_of(record), record.generation), (&None, None, 3));
}

#[test]
fn a_refresh_keeps_what_was_accepted_after_it_was_sent() {
    let mut scene = unjudged_scene();
    scene.pass(LIFETIME_MILLISECONDS);
    let judged = |scene: &mut Scene| {
        scene.change(|record| (record.identity, record.unjudged) = (Some(Box::new(other_identity())), None));
    };
    assert!(refresh_while(&mut scene, |scene| unjudged(scene, 3), judged).unwrap());
    assert_eq!((&scene.record().identity, unjudged_of(scene.record())), (&Some(Box::new(other_identity())), Some("i3")));
}

/// I7
#[test]
fn a_judgement_under_a_claim_leaves_the_claim() {
    for (verification, sent) in [("load", 1), ("refresh r2", 2)] {
        let mut scene = unjudged_scene();
        scene.pass(LIFETIME_MILLISECONDS);
        let mut claimed = None;
        let mut pending = true;
        let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
            let is_next = matches!(action, Action::Load) && scene.times("claim") == 1 && scene.times(verification) > 0;
            if is_next && std::mem::take(&mut pending) {
                claimed.clone_from(&scene.record().claim);
                scene.change(|record| (record.tokens, record.unjudged, record.identity) = (None, None, Some(Box::new(identity("s1")))));
            }
            match action {
                Action::Refresh(record) => {
                    assert_eq!(record.identity.is_some(), !pending);
                    Some(Observation::Replied(connection_lost(scene)))
                }
                _ => None,
            }
        });
        assert_eq!(code(outcome), ErrorCode::OutcomeUnknown);
        assert!(claimed.is_some() && !pending);
        assert_eq!((scene.times("claim"), scene.times("refresh r2"), sent > 0), (1, 2, true), "{verification}");
    }
}

/// I1
#[test]
fn a_claim_that_is_gone_is_not_taken_for_one_that_was_judged_under() {
    let judged = |record: &mut Record| (record.tokens, record.unjudged) = (None, None);
    let changes: [fn(&mut Record); 4] = [
        |record| record.claim = claim(true),
        |record| record.refresh_token = Some("fork".into()),
        |record| record.state = State::LoggedOut,
        |record| record.unjudged = Some("another".into()),
    ];
    for change in changes {
        let mut scene = unjudged_scene();
        scene.owner_exited = true;
        scene.pass(LIFETIME_MILLISECONDS);
        let mut pending = true;
        let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
            if matches!(action, Action::Load) && scene.times("claim") == 1 && std::mem::take(&mut pending) {
                scene.change(|record| {
                    judged(record);
                    change(record);
                });
            }
            let is_sent = matches!(action, Action::Refresh(_));
            assert!(!is_sent || scene.times("claim") == 2, "sent without another claim");
            is_sent.then(|| Observation::Replied(scene.tokens(3)))
        });
        assert!(outcome.is_ok() && !pending);
    }
}

fn log_in(scene: &mut Scene, reply: impl Fn(&Scene) -> Reply) -> Result<bool> {
    scene.run(Goal::LogIn { grant_id: "h".into() }, |scene, action| {
        matches!(action, Action::Exchange).then(|| Observation::Replied(reply(scene)))
    })
}

/// I17
#[test]
fn a_login_that_is_not_judged_leaves_the_old_one() {
    let mut scene = Scene::new();
    let before = scene.record().clone();
    assert_eq!(code(log_in(&mut scene, |scene| unjudged(scene, 2))), ErrorCode::ServerUnavailable);
    assert_eq!((scene.record(), scene.times("exchange")), (&before, 1));
}

/// I17
#[test]
fn a_login_with_a_bad_id_token_leaves_what_there_was() {
    for bad in [ErrorCode::IdToken, ErrorCode::NonceMismatch, ErrorCode::IssuerMismatch, ErrorCode::Unsupported] {
        let reply = |scene: &Scene| Reply::Tokens(Box::new(Received { tokens: Err(error(bad)), ..scene.received(2) }));
        let mut scene = Scene::new();
        let before = scene.record().clone();
        assert_eq!(code(log_in(&mut scene, reply)), bad);
        assert_eq!(scene.record(), &before);
        let mut first = Scene::new();
        first.stored = None;
        assert_eq!(code(log_in(&mut first, reply)), bad);
        assert!(first.record().is_logged_out() && first.record().refresh_token.is_none() && first.record().claim.is_none());
    }
}

#[test]
fn a_login_says_whose_it_is_and_forgets_whose_the_old_one_was() {
    for (id_token, expected) in
        [(ReceivedIdToken::Accepted(other_identity()), Some(Box::new(other_identity()))), (ReceivedIdToken::Absent, None)]
    {
        let mut scene = unjudged_scene();
        scene.change(|record| record.identity = Some(Box::new(identity("s1"))));
        assert!(log_in(&mut scene, |scene| with_id_token(scene, 3, id_token.clone())).unwrap());
        assert_eq!((scene.record().grant_id.as_str(), &scene.record().identity, unjudged_of(scene.record())), ("h", &expected, None));
    }
}

/// I12
#[test]
fn the_age_of_a_login_that_is_saved_later_is_unknown_if_it_was_sent_in_the_future() {
    for (ahead, is_used) in [(0, true), (30_000, true), (30_001, false)] {
        let mut scene = Scene::new();
        let sent = Moment { wall: START + ahead, ..scene.now };
        let received = Received { tokens: Ok(tokens(2, sent.wall)), sent, ..scene.received(2) };
        let goal = Goal::Save { grant_id: "h".into(), received: Box::new(received) };
        assert!(scene.run(goal, |_, _| None).unwrap());
        assert_eq!(matches!(decision(&scene), Decision::Use), is_used, "{ahead}");
    }
}

/// I3
#[test]
fn a_login_that_is_saved_twice_does_not_replace_the_one_that_followed_it() {
    let followed = Record { previous_grant_id: Some("h".into()), ..login("k", 3, START) };
    for theirs in [followed, login("h", 2, START), tombstone("h", 2)] {
        let mut scene = Scene::new();
        scene.put(theirs.clone());
        let received = Received { id_token: ReceivedIdToken::Accepted(identity("s1")), ..scene.received(2) };
        let goal = Goal::Save { grant_id: "h".into(), received: Box::new(received) };
        assert!(scene.run(goal, |_, _| None).unwrap());
        assert_eq!((scene.record(), scene.local.record()), (&theirs, Some(&theirs)));
    }
}
