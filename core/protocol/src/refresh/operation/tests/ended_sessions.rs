//! Sessions that the server has ended.

use super::*;
use crate::openid::identity::{EndedSession, Identity};

/// A scene with a login of the session `s1`.
fn known() -> Scene {
    let mut scene = Scene::new();
    scene.change(|record| record.identity = Some(Box::new(identity("s1"))));
    scene
}

fn end(scene: &mut Scene, ended: EndedSession) -> Result<bool> {
    scene.run(Goal::EndSession(ended), |_, _| None)
}

/// I9, I18
#[test]
fn the_login_of_a_session_that_has_ended_is_logged_out_and_not_revoked() {
    let mut scene = known();
    scene.refresh(|_| Reply::Refused(error(ErrorCode::Transport))).unwrap_err();
    scene.change(|record| record.unjudged = Some("i1".into()));
    scene.log.clear();
    assert!(end(&mut scene, ended_session(Some("s1"), START)).unwrap());
    assert_eq!(scene.log, ["load", "swap", "finish"]);
    let record = scene.record();
    let over = Record { state: State::LoggedOut, ..Record::empty(record.account.clone()) };
    let identity = record.identity.clone();
    assert_eq!(record, &Record { grant_id: "g".into(), generation: 1, sent_at: record.sent_at, identity, ..over });
    assert_eq!(scene.local.record(), Some(record));
    assert!(matches!(scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now), Decision::Fail(_)));
}

/// I18
#[test]
fn only_the_logins_of_the_session_or_the_user_end() {
    let session = |session: Option<&str>, subject: Option<&str>, issued_at| EndedSession {
        session: session.map(str::to_owned),
        subject: subject.map(str::to_owned),
        issued_at,
    };
    let at = START / 1000;
    for (ended, ends) in [
        (session(Some("s1"), None, 0), true),
        (session(Some("s1"), Some("user"), 0), true),
        (session(Some("s1"), Some("another"), at), false),
        (session(Some("s2"), Some("user"), at), false),
        (session(Some("s2"), None, at), false),
        (session(None, Some("user"), at), true),
        (session(None, Some("user"), at + 1), true),
        (session(None, Some("user"), at - 1), false),
        (session(None, Some("another"), at), false),
        (session(None, None, at), false),
    ] {
        let mut scene = known();
        let before = scene.record().clone();
        assert_eq!(end(&mut scene, ended.clone()).unwrap(), ends, "{ended:?}");
        assert_eq!(scene.record() == &before, !ends, "{ended:?}");
    }
}

#[test]
fn a_login_of_an_unknown_session_does_not_end_with_one() {
    for identity in [None, Some(Identity { session: None, ..identity("s1") })] {
        let mut scene = Scene::new();
        scene.change(|record| record.identity = identity.map(Box::new));
        let before = scene.record().clone();
        assert!(!end(&mut scene, ended_session(Some("s1"), START)).unwrap());
        assert_eq!(scene.record(), &before);
    }
    let mut scene = Scene::new();
    scene.stored = None;
    assert!(!end(&mut scene, ended_session(Some("s1"), START)).unwrap());
    assert_eq!((scene.log.len(), &scene.stored), (2, &None));
}

#[test]
fn a_rejected_login_ends_and_one_that_is_logged_out_has_ended_and_stays_as_it_is() {
    let mut scene = known();
    scene.refresh(rejected).unwrap();
    assert!(end(&mut scene, ended_session(Some("s1"), START)).unwrap());
    assert!(scene.record().is_logged_out());
    let mut scene = known();
    scene.change(|record| (record.state, record.tokens) = (State::LoggedOut, None));
    let before = scene.record().clone();
    // Its caller has to know: an earlier attempt may have failed after it had ended the login.
    assert!(end(&mut scene, ended_session(Some("s1"), START)).unwrap());
    assert!(!end(&mut scene, ended_session(Some("s2"), START)).unwrap());
    assert_eq!(scene.record(), &before);
}

/// I18
#[test]
fn after_a_conflict_only_the_same_login_ends() {
    let refreshed = Record { identity: Some(identity("s1").into()), ..login("g", 2, START) };
    let other = Record { identity: Some(identity("s2").into()), previous_grant_id: Some("g".into()), ..login("h", 2, START) };
    for (theirs, ends) in [(refreshed, true), (other, false)] {
        let mut scene = known();
        let mut pending = true;
        let outcome = scene.run(Goal::EndSession(ended_session(Some("s1"), START)), |scene, action| {
            if matches!(action, Action::Swap { .. }) && std::mem::take(&mut pending) {
                scene.put(theirs.clone());
            }
            None
        });
        assert_eq!((outcome.unwrap(), scene.record().is_logged_out(), pending), (ends, ends, false));
        assert_eq!(scene.record().grant_id, theirs.grant_id);
    }
}

/// I9
#[test]
fn a_refresh_does_not_revive_a_session_that_has_ended() {
    for reply in [|scene: &Scene| scene.tokens(2), rejected, outcome_unknown] {
        let mut scene = known();
        let ends = |scene: &mut Scene| {
            let mut twin = scene.twin();
            assert!(end(&mut twin, ended_session(Some("s1"), START)).unwrap());
            scene.put(twin.record().clone());
        };
        assert_ne!(refresh_while(&mut scene, reply, ends).ok(), Some(true));
        let record = scene.record();
        assert!(record.is_logged_out() && record.refresh_token.is_none() && record.claim.is_none());
        assert!(scene.local.record().unwrap().is_logged_out());
        // The next login of another process waits for nobody.
        let began = scene.now;
        let logged_in = scene.run(Goal::LogIn { grant_id: "h".into() }, |scene, action| {
            matches!(action, Action::Exchange).then(|| Observation::Replied(scene.tokens(3)))
        });
        assert!(logged_in.unwrap() && scene.now == began);
    }
}

#[test]
fn nothing_is_sent_for_a_session_that_has_ended() {
    let mut scene = known();
    let mut pending = true;
    let outcome = scene.run(Goal::Refresh(TokenRequirements::default()), |scene, action| {
        if matches!(action, Action::Load) && scene.times("claim") == 1 && std::mem::take(&mut pending) {
            let mut twin = scene.twin();
            end(&mut twin, ended_session(Some("s1"), START)).unwrap();
            scene.put(twin.record().clone());
        }
        None
    });
    assert!(!outcome.unwrap() && !pending);
    assert!(scene.record().is_logged_out() && scene.record().claim.is_none());
}

#[test]
fn a_login_in_progress_keeps_its_claim() {
    let mut scene = known();
    let theirs = claim(false).map(|claim| Claim { login: true, ..claim });
    scene.change(|record| record.claim.clone_from(&theirs));
    assert!(end(&mut scene, ended_session(Some("s1"), START)).unwrap());
    assert_eq!(scene.record().claim, theirs);
    scene.change(|record| (record.state, record.claim) = (State::Active, claim(false)));
    scene.local = Default::default();
    assert!(end(&mut scene, ended_session(Some("s1"), START)).unwrap());
    assert_eq!(scene.record().claim, None);
}
