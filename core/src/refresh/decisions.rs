//! The rules of the protocol, one by one, as scenes with one process and whatever else happens around it.

mod rig;

use std::time::Duration;

use self::rig::{LIFE_MILLISECONDS, Rig, START, claim, error, login, tokens, tomb};
use super::answer::{Received, Reply};
use super::flight::{Action, Goal, Observation};
use super::known::{Demand, Done, Judgement};
use super::record::{Record, Remembered, State, digest_of};
use crate::error::{ErrorCode, Result};

fn token_of(record: &Record) -> &str {
    record.refresh_token.as_ref().expect("a refresh token").reveal()
}

fn code(outcome: Result<bool>) -> ErrorCode {
    outcome.expect_err("an error").code()
}

/// Renews; `meanwhile` happens after the request was sent.
fn renew_while(rig: &mut Rig, reply: impl Fn(&Rig) -> Reply, meanwhile: impl Fn(&mut Rig)) -> Result<bool> {
    rig.fly(Goal::Renew { min_validity: 0 }, |rig, action| {
        matches!(action, Action::Refresh(_)).then(|| {
            let reply = reply(rig);
            meanwhile(rig);
            Observation::Answered(reply)
        })
    })
}

fn rejected(_: &Rig) -> Reply {
    Reply::Rejected(error(ErrorCode::LoginRequired))
}

fn broken(_: &Rig) -> Reply {
    Reply::Broken(error(ErrorCode::OutcomeUnknown))
}

fn in_doubt(_: &Rig) -> Reply {
    Reply::InDoubt(error(ErrorCode::OutcomeUnknown))
}

mod answers {
    use super::*;

    #[test]
    fn tokens_are_stored_before_anybody_is_told() {
        let mut rig = Rig::new();
        assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
        assert_eq!(rig.log, ["load", "lock", "load", "claim", "load", "refresh r1", "load", "swap", "end"]);
        let record = rig.record();
        assert_eq!((record.generation, token_of(record), &record.claim, &record.failure), (2, "r2", &None, &None));
    }

    #[test]
    fn tokens_that_fail_the_judgement_are_kept_and_not_handed_out() {
        let mut rig = Rig::new();
        let odd = |rig: &Rig| Received { tokens: Err(error(ErrorCode::Quarantined)), ..rig.received(2) };
        assert_eq!(code(rig.renew(|rig| Reply::Tokens(Box::new(odd(rig))))), ErrorCode::Quarantined);
        assert_eq!((token_of(rig.record()), rig.record().generation), ("r2", 2));
        assert_eq!(rig.record().tokens, Some(tokens(1, START - 300_000)));
        assert!(!rig.known.is_usable(0, rig.now));
    }

    #[test]
    fn an_answer_without_a_refresh_token_keeps_the_old_one() {
        let mut rig = Rig::new();
        assert!(rig.renew(|rig| Reply::Tokens(Box::new(Received { refresh_token: None, ..rig.received(2) }))).unwrap());
        assert_eq!((token_of(rig.record()), rig.record().generation), ("r1", 2));
    }

    #[test]
    fn what_was_not_sent_or_was_refused_costs_the_claim_only() {
        let codes = [
            ErrorCode::Transport,
            ErrorCode::Timeout,
            ErrorCode::ServerUnavailable,
            ErrorCode::InvalidClient,
            ErrorCode::WrongEndpoint,
            ErrorCode::Oauth,
        ];
        for refused in codes {
            let mut rig = Rig::new();
            assert_eq!(code(rig.renew(|_| Reply::failed(error(refused), false))), refused);
            let record = rig.record();
            assert_eq!((token_of(record), record.generation, record.is_active(), &record.claim), ("r1", 1, true, &None));
            let failure = record.failure.as_ref().unwrap();
            assert!(failure.wait_left(rig.now).is_some() && !failure.outcome_unknown);
        }
    }

    #[test]
    fn retry_after_is_waited_out() {
        let mut rig = Rig::new();
        let asked = error(ErrorCode::ServerUnavailable).with_retry_after(Some(Duration::from_secs(20)));
        rig.renew(|_| Reply::Refused(asked.clone())).unwrap_err();
        assert_eq!(rig.record().failure.as_ref().unwrap().wait_left(rig.now), Some(20_000));
    }

    #[test]
    fn invalid_grant_ends_the_lineage_that_was_refused() {
        let mut rig = Rig::new();
        assert!(!rig.renew(rejected).unwrap());
        let State::Dead { refused, .. } = &rig.record().state else { panic!("it lives") };
        assert_eq!((refused, token_of(rig.record())), (&digest_of("r1"), "r1"));
        assert!(rig.record().tokens.is_some() && rig.record().claim.is_none());
        rig.log.clear();
        assert!(!rig.renew(rejected).unwrap());
        assert_eq!(rig.log, ["load", "end"]);
    }

    #[test]
    fn after_invalid_grant_a_newer_generation_or_another_grant_is_adopted() {
        for newer in [login("g", 2, START), login("h", 2, START)] {
            let mut rig = Rig::new();
            assert!(!renew_while(&mut rig, rejected, |rig| rig.put(newer.clone())).unwrap());
            assert_eq!(rig.record(), &newer);
            assert_eq!(rig.known.record(), Some(&newer));
        }
    }

    #[test]
    fn after_invalid_grant_an_older_generation_is_what_the_store_lost() {
        let mut rig = Rig::new();
        rig.put(login("g", 5, START - 300_000));
        renew_while(&mut rig, rejected, |rig| rig.put(login("g", 4, START - 600_000))).unwrap();
        assert_eq!((rig.record().generation, token_of(rig.record())), (5, "r5"));
    }

    #[test]
    fn after_a_takeover_invalid_grant_waits_for_the_owner_who_was_slow() {
        let mut rig = Rig::leasing();
        rig.change(|record| record.claim = claim(false));
        let mut sent = 0;
        let outcome = rig.fly(Goal::Renew { min_validity: 0 }, |rig, action| match action {
            Action::Refresh(_) => {
                sent = rig.now.mono;
                Some(Observation::Answered(rejected(rig)))
            }
            Action::Wait(2_000) => {
                rig.put(login("g", 2, rig.now.wall));
                None
            }
            Action::Wait(_) => {
                rig.pass(75_000);
                None
            }
            _ => None,
        });
        assert!(!outcome.unwrap());
        assert_eq!((rig.record().generation, rig.now.mono - sent), (2, 2_000));
        assert!(rig.record().is_active());
    }

    #[test]
    fn a_broken_connection_is_replayed_once_under_the_same_claim() {
        let mut rig = Rig::new();
        assert_eq!(code(rig.renew(broken)), ErrorCode::OutcomeUnknown);
        assert_eq!((rig.times("refresh r1"), rig.times("claim")), (2, 1));
        let record = rig.record();
        assert!(record.claim.is_none() && record.is_active() && record.failure.as_ref().unwrap().outcome_unknown);
    }

    #[test]
    fn a_broken_connection_is_not_replayed_when_somebody_was_faster() {
        let mut rig = Rig::new();
        assert!(!renew_while(&mut rig, broken, |rig| rig.put(login("g", 2, START))).unwrap());
        assert_eq!((rig.times("refresh r1"), rig.record().generation), (1, 2));
    }

    #[test]
    fn what_is_in_doubt_is_not_sent_again_before_its_wait_is_over() {
        let mut rig = Rig::new();
        assert_eq!(code(rig.renew(in_doubt)), ErrorCode::OutcomeUnknown);
        assert_eq!(rig.times("refresh r1"), 1);
        assert!(rig.record().claim.is_none() && rig.record().failure.as_ref().unwrap().outcome_unknown);
        for goal in [Goal::Renew { min_validity: 0 }, Goal::Force] {
            let mut waited = false;
            rig.log.clear();
            rig.fly(goal, |rig, action| {
                waited |= matches!(action, Action::Wait(500..));
                matches!(action, Action::Refresh(_)).then(|| Observation::Answered(in_doubt(rig)))
            })
            .unwrap_err();
            assert!(waited && rig.times("refresh r1") == 1);
        }
    }

    #[test]
    fn a_claim_that_is_another_s_by_now_is_left() {
        let mut rig = Rig::leasing();
        assert!(renew_while(&mut rig, in_doubt, |rig| rig.change(|record| record.claim = claim(false))).is_err());
        assert_eq!(rig.record().claim, claim(false));
        assert!(rig.record().failure.is_none());
    }
}

mod commit {
    use super::*;

    fn good(rig: &Rig) -> Reply {
        rig.tokens(2)
    }

    #[test]
    fn the_same_lineage_gets_its_tokens_also_when_it_was_given_up() {
        let mut rig = Rig::new();
        let reason = Remembered::from(&error(ErrorCode::LoginRequired));
        let dead = State::Dead { refused: digest_of("r1"), reason };
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
    fn the_tombstone_of_the_token_that_was_refreshed_gets_the_new_one() {
        let mut rig = Rig::new();
        assert!(!renew_while(&mut rig, good, |rig| rig.put(tomb("g", 1))).unwrap());
        assert_eq!((rig.record().is_ended(), token_of(rig.record())), (true, "r2"));
        assert!(rig.record().tokens.is_none() && rig.record().claim.is_none());
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
        let outcome = rig.fly(Goal::Renew { min_validity: 0 }, |rig, action| match action {
            Action::Refresh(_) => Some(Observation::Answered(rig.tokens(2))),
            Action::Swap { record, .. } if record.generation == 2 && std::mem::take(&mut once) => {
                rig.change(|record| record.others = [("later".into(), 1.into())].into_iter().collect());
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
        let outcome = rig.fly(Goal::Renew { min_validity: 0 }, |rig, action| match action {
            Action::Refresh(_) => Some(Observation::Answered(rig.tokens(2))),
            Action::Swap { record, .. } if record.generation == 2 => {
                rig.put((**record).clone());
                Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
            }
            _ => None,
        });
        outcome.unwrap();
        assert_eq!((rig.record().generation, token_of(rig.record())), (2, "r2"));
        assert!(rig.known.is_fresh(0, rig.now) && !rig.known.is_unsaved());
    }

    #[test]
    fn without_the_store_the_tokens_are_handed_out_as_unsaved_and_written_later() {
        let mut rig = Rig::new();
        let mut told = Vec::new();
        let mut failing = 3;
        let outcome = rig.fly(Goal::Renew { min_validity: 0 }, |rig, action| match action {
            Action::Refresh(_) => Some(Observation::Answered(rig.tokens(2))),
            Action::Tell(outcome) => {
                told.push(outcome.is_ok());
                assert!(rig.known.is_unsaved() && rig.known.is_fresh(0, rig.now));
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
    fn the_claim_of_a_login_that_went_on_meanwhile_stays() {
        for there in [login("g", 1, START - 300_000), tomb("g", 1)] {
            let mut rig = Rig::new();
            let theirs = claim(false).map(|claim| super::super::record::Claim { login: true, ..claim });
            renew_while(&mut rig, good, |rig| rig.put(Record { claim: theirs.clone(), ..there.clone() })).unwrap();
            assert_eq!((token_of(rig.record()), &rig.record().claim), ("r2", &theirs));
        }
    }
}

mod sending {
    use super::*;

    /// Renews; `meanwhile` happens between the claim and the last look before the first byte, once.
    fn renew_after(rig: &mut Rig, meanwhile: impl Fn(&mut Rig)) -> Result<bool> {
        let mut once = true;
        rig.fly(Goal::Renew { min_validity: 0 }, |rig, action| match action {
            Action::Load if rig.times("claim") == 1 && std::mem::take(&mut once) => {
                meanwhile(rig);
                None
            }
            Action::Refresh(record) => Some(Observation::Answered(rig.tokens(record.generation + 1))),
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
        for (mono, wall) in [(40_001, 0), (0, 40_001)] {
            let mut rig = Rig::new();
            let renewed = renew_after(&mut rig, |rig| {
                rig.now.mono += mono;
                rig.now.wall += wall;
            });
            assert!(renewed.unwrap());
            assert_eq!((rig.times("claim"), rig.times("refresh r1")), (2, 1));
        }
    }

    #[test]
    fn a_store_that_cannot_be_written_costs_no_token() {
        let mut rig = Rig::new();
        let outcome = rig.fly(Goal::Renew { min_validity: 0 }, |_, action| {
            matches!(action, Action::Swap { .. }).then(|| Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
        });
        assert_eq!(code(outcome), ErrorCode::StoreUnavailable);
        assert!(!rig.log.iter().any(|done| done.starts_with("refresh")));
    }
}

mod exclusion {
    use super::*;

    #[test]
    fn who_has_the_lock_takes_over_what_was_claimed_under_it() {
        let mut rig = Rig::new();
        rig.change(|record| record.claim = claim(true));
        assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
        assert_eq!(rig.times("wait"), 0);
    }

    #[test]
    fn a_claim_made_without_the_lock_is_watched_also_under_it() {
        let mut rig = Rig::new();
        rig.change(|record| record.claim = claim(false));
        assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
        assert!(rig.record().claim == claim(false));
    }

    #[test]
    fn a_claim_of_another_copy_in_this_process_is_watched() {
        let mut rig = Rig::new();
        rig.change(|record| record.claim = claim(true).map(|claim| super::super::record::Claim { process: 7, ..claim }));
        assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    }

    #[test]
    fn a_leftover_of_our_own_is_taken_over_at_once() {
        let mut rig = Rig::leasing();
        rig.change(|record| record.claim = claim(false).map(|claim| super::super::record::Claim { instance: "here".into(), ..claim }));
        assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
        assert_eq!(rig.times("wait"), 0);
    }

    #[test]
    fn without_a_lock_a_claim_is_taken_over_when_it_was_seen_unchanged_for_its_lease() {
        let mut rig = Rig::leasing();
        rig.change(|record| record.claim = claim(false));
        for _ in 0..2 {
            assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
        }
        let began = rig.now.mono - 60_000;
        assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
        assert!(rig.now.mono - began >= 75_000);
    }

    #[test]
    fn a_clock_that_jumps_ahead_takes_nothing_over() {
        let mut rig = Rig::leasing();
        rig.change(|record| record.claim = claim(false));
        rig.look();
        rig.now.wall += 86_400_000;
        assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::Busy);
    }

    #[test]
    fn who_waits_for_the_lock_sees_what_its_holder_brought() {
        let mut rig = Rig::new();
        let outcome = rig.fly(Goal::Renew { min_validity: 0 }, |rig, action| {
            matches!(action, Action::TryLock).then(|| {
                rig.put(login("g", 2, START));
                Observation::LockBusy
            })
        });
        assert!(!outcome.unwrap());
        assert_eq!(rig.log, ["load", "lock", "wait", "load", "end"]);
    }

    #[test]
    fn a_token_between_its_limits_is_not_waited_for() {
        let mut rig = Rig::new();
        rig.put(login("g", 1, START - 250_000));
        let outcome =
            rig.fly(Goal::Renew { min_validity: 0 }, |_, action| matches!(action, Action::TryLock).then_some(Observation::LockBusy));
        assert!(!outcome.unwrap());
        assert_eq!(rig.log, ["load", "lock", "end"]);
    }
}

mod logout {
    use super::*;

    #[test]
    fn the_tombstone_comes_first_and_forgets_the_token_last() {
        let mut rig = Rig::new();
        rig.log_out().unwrap();
        assert_eq!(rig.log, ["load", "swap", "lock", "load", "revoke r1", "swap", "end"]);
        assert!(rig.record().is_ended() && rig.record().refresh_token.is_none());
        assert!(matches!(rig.known.judge(Demand::default(), Done::Looked, rig.now), Judgement::Refuse(_)));
    }

    #[test]
    fn a_live_claim_is_kept_and_waited_for() {
        let mut rig = Rig::leasing();
        rig.change(|record| record.claim = claim(false));
        assert_eq!(code(rig.log_out()), ErrorCode::Busy);
        assert!(rig.record().is_ended() && rig.record().claim == claim(false));
        assert_eq!(rig.times("revoke r1"), 0);
    }

    #[test]
    fn a_new_login_that_stands_there_by_now_is_not_ended() {
        let mut rig = Rig::new();
        let outcome = rig.fly(Goal::LogOut, |rig, action| {
            if matches!(action, Action::TryLock) {
                rig.put(Record { replaced: Some("g".into()), ..login("h", 2, START) });
            }
            None
        });
        outcome.unwrap();
        assert!(!rig.log.iter().any(|done| done.starts_with("revoke")));
        assert_eq!(rig.record().grant_id, "h");
    }

    #[test]
    fn when_the_server_cannot_be_reached_a_second_logout_finishes_it() {
        let mut rig = Rig::new();
        let unreachable = |_: &mut Rig, action: &Action| {
            matches!(action, Action::Revoke(_)).then(|| Observation::Revoked(Err(error(ErrorCode::Transport))))
        };
        assert_eq!(code(rig.fly(Goal::LogOut, unreachable)), ErrorCode::Transport);
        assert_eq!((rig.record().is_ended(), token_of(rig.record())), (true, "r1"));
        rig.log_out().unwrap();
        assert!(rig.record().refresh_token.is_none());
    }

    #[test]
    fn a_token_that_came_while_the_server_was_asked_is_ended_too() {
        let mut rig = Rig::new();
        let outcome = rig.fly(Goal::LogOut, |rig, action| match action {
            Action::Revoke(token) => {
                if token.reveal() == "r1" {
                    rig.change(|record| record.refresh_token = Some("r2".into()));
                }
                Some(Observation::Revoked(Ok(())))
            }
            _ => None,
        });
        outcome.unwrap();
        assert_eq!((rig.times("revoke r1"), rig.times("revoke r2")), (1, 1));
        assert!(rig.record().refresh_token.is_none());
    }
}

mod log_in {
    use super::*;

    fn log_in(rig: &mut Rig, reply: impl Fn(&Rig) -> Reply) -> Result<bool> {
        rig.fly(Goal::LogIn { grant_id: "h".into() }, |rig, action| {
            matches!(action, Action::Exchange).then(|| Observation::Answered(reply(rig)))
        })
    }

    #[test]
    fn a_login_names_the_grant_that_it_replaces() {
        let mut rig = Rig::new();
        assert!(log_in(&mut rig, |rig| rig.tokens(2)).unwrap());
        let record = rig.record();
        assert_eq!((record.grant_id.as_str(), record.replaced.as_deref(), record.generation), ("h", Some("g"), 2));
        assert!(record.claim.is_none() && record.is_active());
    }

    #[test]
    fn an_exchange_that_failed_leaves_the_old_login_as_it_was() {
        for failed in [rejected, broken, in_doubt] {
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
    fn a_login_that_was_written_unnoticed_and_logged_out_since_stays_logged_out() {
        let mut rig = Rig::new();
        let outcome = rig.fly(Goal::LogIn { grant_id: "h".into() }, |rig, action| match action {
            Action::Exchange => Some(Observation::Answered(rig.tokens(2))),
            Action::Swap { record, .. } if record.generation == 2 => {
                rig.put(tomb("h", 2));
                Some(Observation::StoreFailed(error(ErrorCode::StoreUnavailable)))
            }
            _ => None,
        });
        outcome.unwrap();
        assert_eq!(rig.record(), &tomb("h", 2));
    }
}

mod lost_writes {
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
}

mod waiting {
    use super::*;

    fn failed(rig: &mut Rig, seconds: u64) {
        let asked = error(ErrorCode::ServerUnavailable).with_retry_after(Some(Duration::from_secs(seconds)));
        rig.renew(|_| Reply::Refused(asked.clone())).unwrap_err();
        rig.log.clear();
    }

    #[test]
    fn a_wait_within_the_patience_is_waited_out() {
        let mut rig = Rig::new();
        failed(&mut rig, 20);
        assert!(rig.renew(|rig| rig.tokens(2)).unwrap());
        assert_eq!(rig.times("wait"), 1);
    }

    #[test]
    fn a_longer_wait_is_answered_with_what_was_remembered() {
        let mut rig = Rig::new();
        failed(&mut rig, 40);
        assert_eq!(code(rig.renew(|rig| rig.tokens(2))), ErrorCode::ServerUnavailable);
        assert_eq!(rig.log, ["load", "end"]);
    }

    #[test]
    fn a_token_that_is_still_usable_is_given_meanwhile() {
        let mut rig = Rig::new();
        rig.put(login("g", 1, START - 250_000));
        failed(&mut rig, 20);
        assert!(!rig.renew(|rig| rig.tokens(2)).unwrap());
        assert_eq!(rig.log, ["load", "end"]);
        assert!(matches!(rig.known.judge(Demand::default(), Done::Looked, rig.now), Judgement::Give));
    }

    #[test]
    fn a_refusal_that_cost_nothing_does_not_bind_a_forced_refresh() {
        let mut rig = Rig::new();
        failed(&mut rig, 20);
        let force = |rig: &mut Rig, action: &Action| matches!(action, Action::Refresh(_)).then(|| Observation::Answered(rig.tokens(2)));
        assert!(rig.fly(Goal::Force, force).unwrap());
        assert_eq!(rig.times("wait"), 0);
    }
}

mod judging {
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
}
