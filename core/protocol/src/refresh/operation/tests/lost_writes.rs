//! A store that forgets.

use super::*;

#[test]
fn an_older_generation_is_written_over_and_gone_on_with() {
    let mut rig = Rig::new();
    rig.put(login("g", 5, START));
    rig.look();
    rig.put(login("g", 3, START - 600_000));
    rig.look();
    assert_eq!((rig.record().generation, token_of(rig.record())), (5, "r5"));
}

#[test]
fn a_grant_that_was_replaced_does_not_come_back() {
    let mut rig = Rig::new();
    rig.put(Record { replaced: Some("g".into()), ..login("h", 2, START) });
    rig.look();
    rig.put(login("g", 4, START));
    rig.look();
    assert_eq!((rig.record().grant_id.as_str(), rig.record().generation), ("h", 5));
}

#[test]
fn a_grant_that_another_was_seen_in_the_place_of_does_not_come_back() {
    let mut rig = Rig::new();
    rig.look();
    rig.put(Record { replaced: Some("between".into()), ..login("h", 3, START) });
    rig.look();
    rig.put(login("g", 1, START));
    rig.look();
    assert_eq!((rig.record().grant_id.as_str(), rig.record().generation), ("h", 3));
}

#[test]
fn a_tombstone_is_written_again_and_keeps_the_newer_token() {
    let mut rig = Rig::new();
    rig.put(tomb("g", 1));
    rig.look();
    rig.put(login("g", 2, START));
    rig.look();
    assert_eq!((rig.record().is_ended(), rig.record().generation, token_of(rig.record())), (true, 3, "r2"));
}

#[test]
fn a_tombstone_is_written_over_the_very_login_that_it_ended() {
    let mut rig = Rig::new();
    rig.put(Record { refresh_token: Some("known".into()), ..tomb("g", 2) });
    rig.look();
    for (generation, written, token) in [(1, 2, "known"), (2, 3, "known"), (3, 4, "r3")] {
        rig.put(login("g", generation, START));
        let mut again = rig.twin();
        again.look();
        assert_eq!((again.record().is_ended(), again.record().generation, token_of(again.record())), (true, written, token));
    }
}

#[test]
fn what_was_put_in_the_place_of_a_login_of_the_same_generation_is_written_above_it() {
    let mut rig = Rig::new();
    rig.put(Record { replaced: Some("g".into()), ..login("h", 2, START) });
    rig.look();
    rig.put(login("g", 2, START));
    rig.look();
    assert_eq!((rig.record().grant_id.as_str(), rig.record().generation), ("h", 3));
}

#[test]
fn the_claim_of_what_was_lost_comes_back_but_for_a_login_s_that_is_there() {
    let login_s = claim(false).map(|claim| Claim { login: true, ..claim });
    for (there, comes) in [(None, claim(true)), (claim(false), claim(true)), (login_s.clone(), login_s)] {
        let mut rig = Rig::new();
        rig.put(Record { claim: claim(true), ..login("g", 5, START) });
        rig.look();
        rig.put(Record { claim: there, ..login("g", 3, START) });
        rig.look();
        assert_eq!((rig.record().generation, &rig.record().claim), (5, &comes));
    }
}

#[test]
fn sixteen_grants_that_ended_are_remembered_once_each() {
    let mut rig = Rig::new();
    let pass_through = |rig: &mut Rig, grants: std::ops::Range<u64>| {
        for grant in grants {
            rig.put(login(&format!("g{grant}"), grant, START));
            rig.look();
            rig.put(tomb(&format!("g{grant}"), grant));
            rig.look();
            rig.look();
        }
    };
    pass_through(&mut rig, 1..18);
    let comes_back = |rig: &Rig, grant: &str| {
        let mut again = rig.twin();
        again.put(login(grant, 1, START));
        again.look();
        again.record().is_active()
    };
    assert_eq!((comes_back(&rig, "g1"), comes_back(&rig, "g2"), comes_back(&rig, "g17")), (true, false, false));
}

#[test]
fn what_another_flight_has_seen_since_is_not_forgotten_for_an_older_answer() {
    let mut rig = Rig::new();
    let older = rig.stored.clone().unwrap();
    rig.put(login("g", 2, START));
    rig.look();
    rig.pass(2_000);
    assert!(!rig.known.wrote(older.clone(), rig.now));
    rig.known.looked(Some(&older), rig.now);
    assert_eq!(rig.known.record().unwrap().generation, 2);
    // Nor does it count as a look.
    assert!(matches!(
        rig.known.judge(TokenRequirements { min_validity: 0, recheck: 1000, ..TokenRequirements::default() }, Attempted::Nothing, rig.now),
        Decision::Reload
    ));
}

#[test]
fn a_store_that_was_emptied_stays_empty() {
    let mut rig = Rig::new();
    rig.look();
    rig.stored = None;
    rig.look();
    assert!(rig.stored.is_none());
    assert!(matches!(rig.known.judge(TokenRequirements::default(), Attempted::Reload, rig.now), Decision::Fail(_)));
}
