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
fn a_tombstone_is_written_again_and_keeps_the_newer_token() {
    let mut rig = Rig::new();
    rig.put(tomb("g", 1));
    rig.look();
    rig.put(login("g", 2, START));
    rig.look();
    assert_eq!((rig.record().is_ended(), rig.record().generation, token_of(rig.record())), (true, 3, "r2"));
}

#[test]
fn a_store_that_was_emptied_stays_empty() {
    let mut rig = Rig::new();
    rig.look();
    rig.stored = None;
    rig.look();
    assert!(rig.stored.is_none());
    assert!(matches!(rig.known.judge(Demand::default(), Done::Looked, rig.now), Judgement::Refuse(_)));
}
