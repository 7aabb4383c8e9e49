//! A new login in the place of another.

use super::*;

fn log_in(rig: &mut Rig, reply: impl Fn(&Rig) -> Reply) -> Result<bool> {
    rig.fly(Goal::LogIn { grant_id: "h".into() }, |rig, action| {
        matches!(action, Action::Exchange).then(|| Observation::Replied(reply(rig)))
    })
}

fn odd(rig: &Rig) -> Reply {
    Reply::Tokens(Box::new(Received { tokens: Err(error(ErrorCode::Quarantined)), ..rig.received(2) }))
}

#[test]
fn a_login_names_the_grant_that_it_replaces() {
    let mut rig = Rig::new();
    assert!(log_in(&mut rig, |rig| rig.tokens(2)).unwrap());
    let record = rig.record();
    assert_eq!((record.grant_id.as_str(), record.replaced.as_deref(), record.generation), ("h", Some("g"), 2));
    assert!(record.claim.is_none() && record.is_active());
    assert_eq!((token_of(record), &record.tokens, record.sent_at), ("r2", &Some(tokens(2, START)), START));
}

#[test]
fn the_first_login_replaces_none() {
    let mut rig = Rig::new();
    rig.stored = None;
    assert!(log_in(&mut rig, |rig| rig.tokens(1)).unwrap());
    assert_eq!((&rig.record().replaced, rig.record().generation), (&None, 1));
}

#[test]
fn an_exchange_that_failed_leaves_the_old_login_as_it_was() {
    for failed in [rejected, broken, in_doubt, odd] {
        let mut rig = Rig::new();
        let before = rig.record().clone();
        log_in(&mut rig, failed).unwrap_err();
        assert_eq!(rig.times("exchange"), 1);
        assert_eq!(rig.record(), &before);
    }
}

#[test]
fn somebody_s_refresh_is_waited_for_no_longer_than_a_code_lives() {
    let mut rig = Rig::leasing();
    rig.change(|record| record.claim = claim(false));
    let began = rig.now.mono;
    assert!(log_in(&mut rig, |rig| rig.tokens(2)).unwrap());
    assert_eq!(rig.now.mono - began, 10_000);
    assert_eq!(rig.record().grant_id, "h");
}

#[test]
fn a_lock_is_waited_for_no_longer_than_a_code_lives() {
    let mut rig = Rig::new();
    let began = rig.now.mono;
    let mut claims = Vec::new();
    let outcome = rig.fly(Goal::LogIn { grant_id: "h".into() }, |rig, action| match action {
        Action::TryLock => Some(Observation::LockBusy),
        Action::Exchange => {
            claims.extend(rig.record().claim.clone());
            Some(Observation::Replied(rig.tokens(2)))
        }
        _ => None,
    });
    assert!(outcome.unwrap());
    assert_eq!((rig.now.mono - began, claims[0].locked, claims[0].login), (10_000, false, true));
}

#[test]
fn a_login_that_was_written_unnoticed_and_logged_out_since_stays_logged_out() {
    let mut rig = Rig::new();
    let outcome = rig.fly(Goal::LogIn { grant_id: "h".into() }, |rig, action| match action {
        Action::Exchange => Some(Observation::Replied(rig.tokens(2))),
        Action::Swap { record, .. } if record.generation == 2 => {
            rig.put(tomb("h", 2));
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        _ => None,
    });
    outcome.unwrap();
    assert_eq!(rig.record(), &tomb("h", 2));
}
