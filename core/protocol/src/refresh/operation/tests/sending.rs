//! The last look before the first byte.

use super::*;

/// Renews; `meanwhile` happens between the claim and the last look before the first byte, once.
fn renew_after(rig: &mut Rig, meanwhile: impl Fn(&mut Rig)) -> Result<bool> {
    let mut once = true;
    rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
        Action::Load if rig.times("claim") == 1 && std::mem::take(&mut once) => {
            meanwhile(rig);
            None
        }
        Action::Refresh(record) => Some(Observation::Replied(rig.tokens(record.generation + 1))),
        _ => None,
    })
}

#[test]
fn nothing_is_sent_when_the_claim_is_not_there_any_more() {
    let mut rig = Rig::new();
    assert!(!renew_after(&mut rig, |rig| rig.put(login("g", 2, START))).unwrap());
    assert!(!rig.log.iter().any(|done| done.starts_with("refresh")));
}

#[test]
fn a_claim_is_made_anew_when_it_is_too_old_by_either_clock() {
    for (mono, wall, claims) in [(40_001, 0, 2), (0, 40_001, 2), (40_000, 40_000, 1)] {
        let mut rig = Rig::new();
        let renewed = renew_after(&mut rig, |rig| {
            rig.now.mono += mono;
            rig.now.wall += wall;
        });
        assert!(renewed.unwrap());
        assert_eq!((rig.times("claim"), rig.times("refresh r1")), (claims, 1));
    }
}

#[test]
fn a_claim_that_was_written_without_an_answer_is_found() {
    let mut rig = Rig::new();
    let mut once = true;
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
        Action::Swap { record, .. } if std::mem::take(&mut once) => {
            rig.put((**record).clone());
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        Action::Refresh(_) => Some(Observation::Replied(rig.tokens(2))),
        _ => None,
    });
    assert!(outcome.unwrap());
    assert_eq!((rig.times("wait"), rig.times("refresh r1")), (0, 1));
}

#[test]
fn a_store_that_cannot_be_written_costs_no_token() {
    let mut rig = Rig::new();
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |_, action| {
        matches!(action, Action::Swap { .. }).then(|| Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
    });
    assert_eq!(code(outcome), ErrorCode::StoreUnavailable);
    assert!(!rig.log.iter().any(|done| done.starts_with("refresh")));
}
