//! When a process may forget what it knows.

use super::*;

const HOUR: u64 = 3_600_000;

#[test]
fn what_nobody_has_asked_for_in_an_hour_can_be_forgotten() {
    let mut rig = Rig::new();
    assert!(rig.known.is_idle(rig.now));
    rig.look();
    rig.pass(HOUR - 1);
    assert!(!rig.known.is_idle(rig.now));
    rig.pass(1);
    assert!(rig.known.is_idle(rig.now));
}

#[test]
fn what_an_api_has_refused_is_not_forgotten_while_it_is_current() {
    let mut rig = Rig::new();
    rig.known.invalidate("a1", rig.now);
    assert!(!rig.known.is_idle(rig.now));
    rig.look();
    rig.pass(HOUR);
    assert!(!rig.known.is_idle(rig.now));
    rig.put(login("g", 2, rig.now.wall));
    rig.look();
    rig.pass(HOUR);
    assert!(rig.known.is_idle(rig.now));
}

#[test]
fn what_the_store_does_not_have_and_who_is_at_it_are_not_forgotten() {
    let mut rig = Rig::new();
    let busy = |rig: &mut Rig| {
        rig.pass(HOUR);
        assert!(!rig.known.is_idle(rig.now));
    };
    renew_while(&mut rig, |rig| rig.tokens(2), busy).unwrap();
    let mut unsaved = rig.twin();
    unsaved.known.holds(login("g", 3, START), unsaved.now);
    for rig in [&mut rig, &mut unsaved] {
        rig.pass(HOUR);
    }
    assert_eq!((rig.known.is_idle(rig.now), unsaved.known.is_idle(unsaved.now)), (true, false));
}
