//! Forgetting a user.

use super::*;
use crate::refresh::record::Account;

fn forget(scene: &mut Scene) -> Result<bool> {
    scene.run(Goal::Forget, |_, action| matches!(action, Action::Revoke(_)).then(|| Observation::Revoked(Ok(()))))
}

/// A scene with a login that says who the user is.
fn known() -> Scene {
    let mut scene = Scene::new();
    scene.change(|record| record.identity = Some(Box::new(identity("s1"))));
    scene
}

/// I9, I14
#[test]
fn the_login_ends_as_in_a_logout_and_then_only_its_ids_stay() {
    let mut scene = known();
    forget(&mut scene).unwrap();
    assert_eq!(scene.log, ["load", "swap", "lock", "load", "revoke r1", "swap", "finish"]);
    let record = scene.record();
    let account = Account { account: String::new(), ..Account::clone(&login("g", 1, START).account) };
    assert_eq!(record, &Record { grant_id: "g".into(), generation: 1, ..Record::empty(account) });
    assert!(record.is_erased() && record.is_absent() && scene.local.record() == Some(record));
    let Decision::Fail(error) = scene.local.decision(TokenRequirements::default(), Attempted::Reload, scene.now) else {
        panic!("a token is handed out")
    };
    assert!(error.to_string().contains("has no login of this account"), "{error}");
}

#[test]
fn what_is_left_of_a_logout_is_erased_and_nothing_is_erased_twice() {
    let mut scene = known();
    scene.log_out().unwrap();
    scene.log.clear();
    forget(&mut scene).unwrap();
    assert_eq!((scene.log.join(" "), scene.record().is_erased()), ("load swap finish".into(), true));
    scene.log.clear();
    forget(&mut scene).unwrap();
    assert_eq!(scene.log.join(" "), "load finish");
    scene.stored = None;
    forget(&mut scene).unwrap();
    assert_eq!(scene.stored, None);
}

/// I5
#[test]
fn a_login_that_the_server_was_not_told_of_is_not_erased_yet() {
    let mut scene = known();
    let unreachable = |_: &mut Scene, action: &Action| {
        matches!(action, Action::Revoke(_)).then(|| Observation::Revoked(Err(error(ErrorCode::Transport))))
    };
    assert_eq!(code(scene.run(Goal::Forget, unreachable)), ErrorCode::Transport);
    assert_eq!((scene.record().is_logged_out(), token_of(scene.record())), (true, "r1"));
    forget(&mut scene).unwrap();
    assert!(scene.record().is_erased());
}

/// I3, I9
#[test]
fn no_other_process_restores_what_was_forgotten() {
    // With the entry, and after the store has deleted it.
    for is_deleted in [false, true] {
        let mut scene = known();
        scene.reload();
        let mut other = scene.twin();
        forget(&mut scene).unwrap();
        other.stored = scene.stored.clone().filter(|_| !is_deleted);
        assert!(!other.refresh(|scene| scene.tokens(2)).unwrap());
        assert!(other.stored.as_ref().is_none_or(|stored| stored.record.is_erased()));
        assert!(!other.log.iter().any(|done| done == "swap" || done == "claim"));
        assert!(matches!(other.local.decision(TokenRequirements::default(), Attempted::Reload, other.now), Decision::Fail(_)));
    }
}

/// I9
#[test]
fn a_refresh_in_flight_does_not_bring_back_what_was_forgotten() {
    for reply in [|scene: &Scene| scene.tokens(2), rejected, outcome_unknown] {
        let mut scene = known();
        let erased = |scene: &mut Scene| scene.change(|record| *record = Record { state: State::LoggedOut, ..record.clone() }.erased());
        assert_ne!(refresh_while(&mut scene, reply, erased).ok(), Some(true));
        assert!(scene.record().is_erased() && scene.local.record().unwrap().is_erased());
    }
}

/// I18
#[test]
fn a_login_made_meanwhile_is_not_erased() {
    let mut scene = known();
    let outcome = scene.run(Goal::Forget, |scene, action| match action {
        Action::Swap { record, .. } if record.is_erased() => {
            scene.put(Record { previous_grant_id: Some("g".into()), ..login("h", 2, START) });
            None
        }
        Action::Revoke(_) => Some(Observation::Revoked(Ok(()))),
        _ => None,
    });
    outcome.unwrap();
    assert_eq!((scene.record().grant_id.as_str(), scene.record().is_active()), ("h", true));
}

/// I3
#[test]
fn a_later_login_has_its_name_again_and_a_higher_generation() {
    let mut scene = known();
    forget(&mut scene).unwrap();
    let logged_in = scene.run(Goal::LogIn { grant_id: "h".into() }, |scene, action| {
        matches!(action, Action::Exchange).then(|| Observation::Replied(scene.tokens(2)))
    });
    assert!(logged_in.unwrap());
    let record = scene.record();
    assert_eq!((record.account.account.as_str(), record.generation, record.is_active()), ("user-42", 2, true));
    assert_eq!(record.previous_grant_id.as_deref(), Some("g"));
}

#[test]
fn a_login_in_progress_keeps_its_claim() {
    let mut scene = known();
    let login_claim = claim(false).map(|claim| Claim { login: true, ..claim });
    scene.change(|record| *record = Record { state: State::LoggedOut, refresh_token: None, claim: login_claim.clone(), ..record.clone() });
    forget(&mut scene).unwrap();
    assert_eq!((scene.record().is_erased(), &scene.record().claim), (true, &login_claim));
}
