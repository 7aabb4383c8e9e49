//! What a caller gets.

use super::*;

fn judge(rig: &Rig, min_validity: u64, done: Done) -> &'static str {
    match rig.known.judge(Demand { min_validity, recheck: 1000 }, done, rig.now) {
        Judgement::Give => "give",
        Judgement::Look => "look",
        Judgement::Refresh => "refresh",
        Judgement::Refuse(_) => "refuse",
    }
}

#[test]
fn the_limits_are_at_eighty_percent_and_a_margin_before_the_end() {
    let ages = [(0, "give"), (239_999, "give"), (240_000, "refresh"), (269_999, "refresh"), (270_000, "refresh")];
    for (age, judged) in ages {
        let mut rig = Rig::new();
        rig.put(login("g", 1, START - age));
        rig.look();
        assert_eq!(judge(&rig, 0, Done::Looked), judged, "at {age} ms");
        assert_eq!(rig.known.is_usable(0, rig.now), age < 270_000, "at {age} ms");
    }
}

#[test]
fn more_validity_than_a_token_has_is_bought_once() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START - 100_000));
    rig.look();
    assert_eq!((judge(&rig, 199_999, Done::Looked), judge(&rig, 200_000, Done::Looked)), ("give", "refresh"));
    assert!(
        rig.fly(Goal::Renew { min_validity: 1_000_000 }, |rig, action| {
            matches!(action, Action::Refresh(_)).then(|| Observation::Answered(rig.tokens(2)))
        })
        .unwrap()
    );
    assert_eq!(judge(&rig, 1_000_000, Done::Renewed), "give");
}

#[test]
fn what_was_read_counts_for_as_long_as_recheck_says() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    assert_eq!(judge(&rig, 0, Done::Nothing), "look");
    rig.look();
    rig.pass(999);
    assert_eq!(judge(&rig, 0, Done::Nothing), "give");
    rig.pass(1);
    assert_eq!(judge(&rig, 0, Done::Nothing), "look");
}

#[test]
fn twenty_late_refusals_of_an_api_cause_one_refresh() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    rig.look();
    for _ in 0..20 {
        rig.known.invalidate("a1", rig.now);
        if judge(&rig, 0, Done::Nothing) == "refresh" {
            assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
        }
    }
    assert_eq!((rig.times("refresh r1"), rig.record().generation), (1, 2));
}

#[test]
fn a_token_that_a_refusal_brought_is_not_forced_again_for_a_while() {
    let mut rig = Rig::new();
    rig.put(login("g", 1, START));
    rig.look();
    rig.known.invalidate("a1", rig.now);
    rig.renew(|rig| rig.tokens(2)).unwrap();
    rig.known.invalidate("a2", rig.now);
    assert_eq!(judge(&rig, 0, Done::Looked), "give");
    rig.pass(10_000);
    rig.known.invalidate("a2", rig.now);
    assert_eq!(judge(&rig, 0, Done::Looked), "refresh");
}

#[test]
fn a_login_without_a_refresh_token_ends_with_its_access_token() {
    let mut rig = Rig::new();
    rig.put(Record { refresh_token: None, ..login("g", 1, START - 250_000) });
    rig.look();
    assert_eq!(judge(&rig, 0, Done::Looked), "give");
    rig.pass(50_000);
    assert_eq!(judge(&rig, 0, Done::Looked), "refuse");
    assert!(!rig.renew(|rig| rig.tokens(2)).unwrap());
    assert!(!rig.log.iter().any(|done| done.starts_with("refresh")));
}
