//! Swaps that wait for the same database are committed together: a commit waits for the disk
//! several times, and no more often for many swaps than for one.
//!
//! The first caller leads. Once it has the database, it takes along the swaps that wait by then.
//! After it, the first of those that arrived meanwhile leads. No thread is started for this, and a
//! caller that is alone waits for nobody.

use std::collections::{HashMap, VecDeque};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use protocol::error::Result;

use super::database::Swap;
use crate::store::token_store::SwapOutcome;
use crate::sys::process::PerProcess;

/// What a caller learns about its swap.
pub(super) enum Turn {
    /// Nobody else carries it out.
    Lead(Leader),
    /// Another caller carried it out.
    Done(Result<SwapOutcome>),
    /// It was still waiting at the deadline. Nobody carries it out.
    Withdrawn(Swap),
    /// The leader has panicked.
    Panicked,
}

/// Waits until this caller leads, or until another one has carried out the swap.
pub(super) fn join(path: &Path, swap: Swap, deadline: Instant) -> Turn {
    let queues = queues();
    let mut state = lock(&queues);
    let number = state.next;
    state.next += 1;
    let Some(queue) = state.waiting.get_mut(path) else {
        state.waiting.insert(path.to_owned(), VecDeque::new());
        return Turn::Lead(Leader::new(path, swap));
    };
    let (sender, turn) = channel();
    queue.push_back(Waiting { number, swap, turn: sender });
    drop(state);
    match turn.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(turn) => turn,
        Err(RecvTimeoutError::Timeout) => leave(path, number, &turn),
        Err(RecvTimeoutError::Disconnected) => Turn::Panicked,
    }
}

/// Carries out the swaps of its group. On drop, the next caller leads.
pub(super) struct Leader {
    path: PathBuf,
    swap: Swap,
    followers: Vec<Waiting>,
}

impl Leader {
    fn new(path: &Path, swap: Swap) -> Self {
        Self { path: path.to_owned(), swap, followers: Vec::new() }
    }

    /// The swaps to carry out, in the order in which they arrived. Only for a caller that has the
    /// database.
    pub(super) fn take(&mut self) -> Vec<&Swap> {
        if let Some(queue) = lock(&queues()).waiting.get_mut(&self.path) {
            self.followers.extend(queue.drain(..));
        }
        iter::once(&self.swap).chain(self.followers.iter().map(|waiting| &waiting.swap)).collect()
    }

    /// Tells each follower its outcome, and returns the leader's own. An error is that of all.
    pub(super) fn answer(mut self, outcomes: Result<Vec<Result<SwapOutcome>>>) -> Result<SwapOutcome> {
        let mut outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => vec![Err(error); 1 + self.followers.len()],
        };
        for (follower, outcome) in self.followers.drain(..).zip(outcomes.drain(1..)) {
            // It may have left.
            let _ = follower.turn.send(Turn::Done(outcome));
        }
        outcomes.remove(0)
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let queues = queues();
        let mut state = lock(&queues);
        let Some(next) = state.waiting.get_mut(&self.path).and_then(VecDeque::pop_front) else {
            state.waiting.remove(&self.path);
            return;
        };
        let sent = next.turn.send(Turn::Lead(Leader::new(&self.path, next.swap)));
        // It always waits until it has left the queue. A leader that nobody received must not be
        // dropped under the lock.
        drop(state);
        drop(sent);
    }
}

/// A swap in the queue of its database.
struct Waiting {
    number: u64,
    swap: Swap,
    turn: Sender<Turn>,
}

#[derive(Default)]
struct Queues {
    /// Those that somebody leads.
    waiting: HashMap<PathBuf, VecDeque<Waiting>>,
    next: u64,
}

/// Those of this process. A forked child starts without any.
fn queues() -> Arc<Mutex<Queues>> {
    static QUEUES: PerProcess<Mutex<Queues>> = PerProcess::new();
    QUEUES.get_or_make(Mutex::default)
}

fn lock(queues: &Mutex<Queues>) -> MutexGuard<'_, Queues> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}

/// At the deadline. A swap that was taken along waits for its outcome all the same, as the leader
/// does for the disk. The error for a locked database would say that it is not stored.
fn leave(path: &Path, number: u64, turn: &Receiver<Turn>) -> Turn {
    let queues = queues();
    let mut state = lock(&queues);
    let queue = state.waiting.get_mut(path);
    let left = queue.and_then(|queue| queue.iter().position(|waiting| waiting.number == number).and_then(|at| queue.remove(at)));
    match left {
        Some(waiting) => Turn::Withdrawn(waiting.swap),
        None => {
            drop(state);
            turn.recv().unwrap_or(Turn::Panicked)
        }
    }
}

/// How many wait for the leader at this database.
#[cfg(test)]
pub(super) fn waiting(path: &Path) -> usize {
    lock(&queues()).waiting.get(path).map_or(0, VecDeque::len)
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use protocol::error::Error;

    use super::*;
    use crate::store::testing::{entry, key};
    use crate::store::token_store::StoreKey;

    const LONG: Duration = Duration::from_secs(60);

    fn swap(first: u8) -> Swap {
        Swap { key: key(first), expected: None, entry: entry("a", None), now: 0 }
    }

    fn join_now(path: &Path, first: u8) -> Turn {
        join(path, swap(first), Instant::now() + LONG)
    }

    fn lead(path: &Path, first: u8) -> Leader {
        leader_of(join_now(path, first))
    }

    fn leader_of(turn: Turn) -> Leader {
        match turn {
            Turn::Lead(leader) => leader,
            _ => panic!("another leads"),
        }
    }

    fn is_stored(turn: &Turn) -> bool {
        matches!(turn, Turn::Done(Ok(SwapOutcome::Stored)))
    }

    /// Runs `act` while callers with these keys wait, in this order, and returns what they learn.
    fn while_waiting<const N: usize>(path: &Path, keys: [u8; N], act: impl FnOnce()) -> [Turn; N] {
        thread::scope(|scope| {
            let threads = keys.map(|first| {
                let before = waiting(path);
                let thread = scope.spawn(move || join_now(path, first));
                while waiting(path) == before {
                    thread::yield_now();
                }
                thread
            });
            act();
            threads.map(|thread| thread.join().unwrap())
        })
    }

    fn keys(swaps: &[&Swap]) -> Vec<StoreKey> {
        swaps.iter().map(|swap| swap.key.clone()).collect()
    }

    #[test]
    fn a_caller_that_is_alone_leads_each_time_and_nothing_is_left() {
        let path = Path::new("alone");
        for _ in 0..2 {
            let mut leader = lead(path, 1);
            assert_eq!(keys(&leader.take()), [key(1)]);
            assert_eq!(leader.answer(Ok(vec![Ok(SwapOutcome::Conflict)])).unwrap(), SwapOutcome::Conflict);
        }
        assert!(!lock(&queues()).waiting.contains_key(path));
    }

    #[test]
    fn those_that_wait_are_taken_along_in_order_and_each_learns_its_own_outcome() {
        let path = Path::new("in order");
        let mut leader = lead(path, 1);
        let [second, third] = while_waiting(path, [2, 3], || {
            assert_eq!(keys(&leader.take()), [key(1), key(2), key(3)]);
            let failed = Err(Error::caught_panic("planted"));
            let own = leader.answer(Ok(vec![Ok(SwapOutcome::Conflict), Ok(SwapOutcome::Stored), failed]));
            assert_eq!(own.unwrap(), SwapOutcome::Conflict);
        });
        assert!(is_stored(&second));
        assert!(matches!(third, Turn::Done(Err(_))));
    }

    #[test]
    fn nobody_learns_anything_before_the_leader_answers() {
        let path = Path::new("not before");
        let mut leader = lead(path, 1);
        let (sender, turn) = channel();
        lock(&queues()).waiting.get_mut(path).unwrap().push_back(Waiting { number: u64::MAX, swap: swap(2), turn: sender });
        leader.take();
        assert!(turn.try_recv().is_err());
        leader.answer(Ok(vec![Ok(SwapOutcome::Stored); 2])).unwrap();
        assert!(is_stored(&turn.try_recv().unwrap()));
    }

    #[test]
    fn those_that_arrive_later_are_led_by_their_first() {
        let path = Path::new("later");
        let mut leader = lead(path, 1);
        leader.take();
        let [second, third] = while_waiting(path, [2, 3], || {
            leader.answer(Ok(vec![Ok(SwapOutcome::Stored)])).unwrap();
            assert_eq!(waiting(path), 1);
            // The first of them has become the leader, and this does its work.
            let mut queue = lock(&queues()).waiting.get_mut(path).unwrap().drain(..).collect::<Vec<_>>();
            queue.remove(0).turn.send(Turn::Done(Ok(SwapOutcome::Stored))).unwrap();
        });
        assert_eq!(keys(&leader_of(second).take()), [key(2)]);
        assert!(is_stored(&third));
    }

    #[test]
    fn an_error_of_the_database_is_that_of_all() {
        let path = Path::new("error");
        let mut leader = lead(path, 1);
        let [second] = while_waiting(path, [2], || {
            leader.take();
            leader.answer(Err(Error::caught_panic("planted"))).unwrap_err();
        });
        assert!(matches!(second, Turn::Done(Err(_))));
    }

    #[test]
    fn a_leader_that_fails_before_it_has_the_database_fails_alone() {
        let path = Path::new("alone in failure");
        let leader = lead(path, 1);
        let [second] = while_waiting(path, [2], || {
            leader.answer(Err(Error::caught_panic("planted"))).unwrap_err();
        });
        assert_eq!(keys(&leader_of(second).take()), [key(2)]);
    }

    #[test]
    fn a_caller_that_leaves_at_its_deadline_takes_its_swap_with_it() {
        let path = Path::new("left");
        let mut leader = lead(path, 1);
        assert!(matches!(join(path, swap(2), Instant::now()), Turn::Withdrawn(left) if left.key == key(2)));
        assert_eq!(keys(&leader.take()), [key(1)]);
    }

    #[test]
    fn a_caller_whose_swap_was_taken_along_waits_for_its_outcome_beyond_its_deadline() {
        let path = Path::new("taken along");
        let mut leader = lead(path, 1);
        let (sender, turn) = channel();
        lock(&queues()).waiting.get_mut(path).unwrap().push_back(Waiting { number: u64::MAX, swap: swap(2), turn: sender });
        assert_eq!(leader.take().len(), 2);
        let told = thread::scope(|scope| {
            let left = scope.spawn(move || leave(path, u64::MAX, &turn));
            // Long enough for it to give up, if it did.
            thread::sleep(Duration::from_millis(20));
            leader.answer(Ok(vec![Ok(SwapOutcome::Stored); 2])).unwrap();
            left.join().unwrap()
        });
        assert!(is_stored(&told));
    }

    #[test]
    fn a_caller_that_became_the_leader_at_its_deadline_leads() {
        let path = Path::new("late leader");
        let leader = lead(path, 1);
        let (sender, turn) = channel();
        lock(&queues()).waiting.get_mut(path).unwrap().push_back(Waiting { number: u64::MAX, swap: swap(2), turn: sender });
        drop(leader);
        assert_eq!(keys(&leader_of(leave(path, u64::MAX, &turn)).take()), [key(2)]);
        assert!(matches!(join_now(path, 3), Turn::Lead(_)));
    }

    #[test]
    fn if_the_leader_panics_those_it_took_along_learn_that_and_the_next_leads() {
        let path = Path::new("panic");
        let mut leader = lead(path, 1);
        let mut third = None;
        let [second] = while_waiting(path, [2], || {
            leader.take();
            [third] = while_waiting(path, [3], || drop(leader)).map(Some);
        });
        assert!(matches!(second, Turn::Panicked));
        assert_eq!(keys(&leader_of(third.unwrap()).take()), [key(3)]);
    }

    #[test]
    fn databases_do_not_wait_for_each_other() {
        let one = lead(Path::new("one"), 1);
        let other = lead(Path::new("other"), 1);
        drop((one, other));
    }
}
