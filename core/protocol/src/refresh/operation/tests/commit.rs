//! What tokens make of what is there by now.

use super::*;

fn good(rig: &Rig) -> Reply {
    rig.tokens(2)
}

#[test]
fn the_same_lineage_gets_its_tokens_also_when_it_was_given_up() {
    let mut rig = Rig::new();
    let reason = StoredError::from(&error(ErrorCode::LoginRequired));
    let dead = State::Rejected { refused: digest_of("r1"), reason };
    assert!(renew_while(&mut rig, good, |rig| rig.change(|record| record.state = dead.clone())).unwrap());
    assert!(rig.record().is_active() && rig.record().generation == 2);
}

#[test]
fn a_newer_generation_and_another_grant_stand() {
    for theirs in [login("g", 2, START - 1), login("h", 2, START)] {
        let mut rig = Rig::new();
        assert!(!renew_while(&mut rig, good, |rig| rig.put(theirs.clone())).unwrap());
        assert_eq!((rig.record(), rig.known.record()), (&theirs, Some(&theirs)));
    }
}

#[test]
fn what_the_store_lost_is_replaced_by_the_larger_generation_and_one() {
    let mut rig = Rig::new();
    rig.put(login("g", 5, START - 300_000));
    assert!(renew_while(&mut rig, |rig| rig.tokens(6), |rig| rig.put(login("g", 3, START - 600_000))).unwrap());
    assert_eq!((rig.record().generation, token_of(rig.record())), (6, "r6"));
    rig.pass(LIFE_MILLISECONDS);
    assert!(renew_while(&mut rig, |rig| rig.tokens(7), |rig| rig.stored = None).unwrap());
    assert_eq!((rig.record().generation, token_of(rig.record())), (7, "r7"));
}

#[test]
fn what_was_given_up_before_lives_again() {
    let mut rig = Rig::new();
    rig.renew(rejected).unwrap();
    assert!(!rig.record().is_active());
    assert!(rig.force(good).unwrap());
    assert!(rig.record().is_active() && rig.record().generation == 2);
}

#[test]
fn another_token_of_the_same_generation_is_what_the_store_lost() {
    let mut rig = Rig::new();
    let fork = Record { refresh_token: Some("fork".into()), ..login("g", 1, START - 300_000) };
    assert!(renew_while(&mut rig, good, |rig| rig.put(fork.clone())).unwrap());
    assert_eq!((rig.record().generation, token_of(rig.record())), (2, "r2"));
}

#[test]
fn the_tombstone_of_the_token_that_was_refreshed_gets_the_new_one() {
    let mut rig = Rig::new();
    assert!(!renew_while(&mut rig, good, |rig| rig.put(tomb("g", 1))).unwrap());
    assert_eq!((rig.record().is_ended(), token_of(rig.record())), (true, "r2"));
    assert!(rig.record().tokens.is_none() && rig.record().claim.is_none());
}

#[test]
fn the_tombstone_loses_the_claim_that_the_logout_waits_for() {
    let mut rig = Rig::new();
    let log_out = |rig: &mut Rig| rig.change(|record| (record.state, record.tokens) = (State::LoggedOut, None));
    assert!(!renew_while(&mut rig, good, log_out).unwrap());
    assert_eq!((token_of(rig.record()), &rig.record().claim), ("r2", &None));
}

#[test]
fn an_end_that_was_seen_is_written_again_when_the_store_loses_it() {
    for (lost, generation) in [(login("g", 1, START - 300_000), 2), (login("f", 5, START - 900_000), 6)] {
        let mut rig = Rig::new();
        rig.put(Record { replaced: Some("f".into()), ..login("g", 1, START - 300_000) });
        let mut once = true;
        let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
            Action::Refresh(_) => {
                rig.change(|record| (record.state, record.tokens) = (State::LoggedOut, None));
                Some(Observation::Replied(rig.tokens(2)))
            }
            Action::Swap { record, .. } if record.is_ended() && std::mem::take(&mut once) => {
                rig.put(lost.clone());
                None
            }
            _ => None,
        });
        assert!(!outcome.unwrap() && !once);
        let record = rig.record();
        assert_eq!((record.is_ended(), record.generation, token_of(record), &record.claim), (true, generation, "r2", &None));
    }
}

#[test]
fn a_login_that_was_seen_to_be_replaced_does_not_come_back() {
    let mut rig = Rig::new();
    let replaced_and_lost = |rig: &mut Rig| {
        let before = rig.record().clone();
        rig.put(Record { replaced: Some("g".into()), ..login("h", 2, START) });
        rig.look();
        rig.put(before);
    };
    renew_while(&mut rig, good, replaced_and_lost).unwrap();
    assert_eq!(rig.known.record().unwrap().grant_id, "h");
    rig.look();
    assert_eq!((rig.record().grant_id.as_str(), token_of(rig.record())), ("h", "r2"));
}

#[test]
fn any_other_tombstone_stays_as_it_is() {
    for other in [tomb("h", 2), Record { refresh_token: None, ..tomb("g", 1) }] {
        let mut rig = Rig::new();
        assert!(!renew_while(&mut rig, good, |rig| rig.put(other.clone())).unwrap());
        assert_eq!(rig.record(), &other);
    }
}

#[test]
fn a_conflict_is_looked_at_again() {
    let mut rig = Rig::new();
    let mut once = true;
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
        Action::Refresh(_) => Some(Observation::Replied(rig.tokens(2))),
        Action::Swap { record, .. } if record.generation == 2 && std::mem::take(&mut once) => {
            rig.change(|record| record.others = Some(Box::new([("later".into(), 1.into())].into_iter().collect())));
            None
        }
        _ => None,
    });
    assert!(outcome.unwrap() && !once);
    assert_eq!(rig.record().generation, 2);
}

#[test]
fn a_write_without_an_answer_is_not_done_twice() {
    let mut rig = Rig::new();
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
        Action::Refresh(_) => Some(Observation::Replied(rig.tokens(2))),
        Action::Swap { record, .. } if record.generation == 2 => {
            rig.put((**record).clone());
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        _ => None,
    });
    outcome.unwrap();
    assert_eq!((rig.record().generation, token_of(rig.record())), (2, "r2"));
    assert!(rig.known.is_fresh(TokenRequirements::default(), rig.now) && !rig.known.is_unsaved());
    assert_eq!(rig.times("tell"), 0);
}

#[test]
fn a_store_that_can_only_be_read_is_not_written_to_without_a_wait() {
    for is_emptied in [false, true] {
        let mut rig = Rig::new();
        let (mut failing, mut told) = (3, Vec::new());
        let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
            Action::Refresh(_) => {
                rig.stored.take_if(|_| is_emptied);
                Some(Observation::Replied(rig.tokens(2)))
            }
            Action::Swap { record, .. } if record.generation == 2 && failing > 0 => {
                failing -= 1;
                Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
            }
            Action::Report(outcome) => {
                told.push(outcome.is_ok());
                None
            }
            _ => None,
        });
        outcome.unwrap();
        assert_eq!((told, rig.times("wait")), (vec![true, false], 2));
        assert_eq!((rig.record().generation, rig.known.is_unsaved()), (2, false));
    }
}

#[test]
fn without_the_store_the_tokens_are_handed_out_as_unsaved_and_written_later() {
    let mut rig = Rig::new();
    let mut told = Vec::new();
    let mut failing = 3;
    let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
        Action::Refresh(_) => Some(Observation::Replied(rig.tokens(2))),
        Action::Report(outcome) => {
            told.push(outcome.is_ok());
            assert!(rig.known.is_unsaved() && rig.known.is_fresh(TokenRequirements::default(), rig.now));
            None
        }
        Action::Load if rig.times("refresh r1") == 1 && failing > 0 => {
            failing -= 1;
            Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        }
        _ => None,
    });
    outcome.unwrap();
    assert_eq!(told, [true, false, false]);
    assert!(!rig.known.is_unsaved() && rig.record().generation == 2);
}

#[test]
fn without_the_store_what_is_known_to_have_come_since_stands() {
    for theirs in [tomb("h", 2), login("g", 3, START)] {
        let mut rig = Rig::new();
        let outcome = rig.fly(Goal::Refresh(TokenRequirements::default()), |rig, action| match action {
            Action::Refresh(_) => {
                rig.put(theirs.clone());
                rig.look();
                Some(Observation::Replied(rig.tokens(2)))
            }
            Action::Load if rig.times("refresh r1") == 1 && rig.times("end") == 1 => {
                Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
            }
            _ => None,
        });
        assert_eq!((code(outcome), rig.times("tell")), (ErrorCode::StoreUnavailable, 0));
        assert_eq!(rig.known.record(), Some(&theirs));
    }
}

#[test]
fn the_claim_of_a_login_that_went_on_meanwhile_stays() {
    for there in [login("g", 1, START - 300_000), tomb("g", 1)] {
        let mut rig = Rig::new();
        let theirs = claim(false).map(|claim| Claim { login: true, ..claim });
        renew_while(&mut rig, good, |rig| rig.put(Record { claim: theirs.clone(), ..there.clone() })).unwrap();
        assert_eq!((token_of(rig.record()), &rig.record().claim), ("r2", &theirs));
    }
}
