//! Runs a scenario under many schedules.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::thread;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, MaxSteps, Runner};

use crate::time::Time;
use crate::world::World;

/// Far more than any scenario needs: a thread that gets this far is in an endless loop.
const MOST_STEPS: usize = 200_000;

/// Enough for the core's JSON code without optimization.
const STACK: usize = 512 * 1024;

/// How many times a schedule changes the priorities of threads.
const CHANGES: usize = 3;

/// How fast threads run, compared with the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    /// Time passes only while all threads wait, so that no thread is late.
    Fast,
    /// Time also passes while a thread can run, so that timeouts may elapse at any point.
    Slow,
}

/// Runs `scenario` under this many random schedules, and as many that rarely switch threads. Prints
/// how many ran and, if one fails, how to run it again.
pub fn explore(machine: Machine, schedules: usize, scenario: impl Fn() + Send + Sync + 'static) {
    let schedules = std::env::var("SCHEDULES").ok().and_then(|schedules| schedules.parse().ok()).unwrap_or(schedules);
    let name = thread::current().name().unwrap_or("a scenario").to_owned();
    let scenario = Arc::new(move || {
        World::begin();
        Time::start_clock();
        scenario();
    });
    if let Ok(schedule) = std::env::var("SCHEDULE") {
        run(Passing::new(ReplayScheduler::new_from_encoded(schedule.trim()), machine), &scenario);
        return;
    }
    let hint = Hint(&name);
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let random = run(Passing::new(RandomScheduler::new_from_seed(seed, schedules), machine), &scenario);
    let orderly = run(Passing::new(PctScheduler::new_from_seed(seed, CHANGES, schedules), machine), &scenario);
    drop(hint);
    // The test's output is captured, so this writes to standard output directly.
    let _ = writeln!(io::stdout(), "{name}: {} schedules", random + orderly);
}

fn run(scheduler: impl Scheduler + 'static, scenario: &Arc<impl Fn() + Send + Sync + 'static>) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    let scenario = Arc::clone(scenario);
    Runner::new(scheduler, config).run(move || scenario())
}

/// Tells how to run a failed schedule again.
struct Hint<'a>(&'a str);

impl Drop for Hint<'_> {
    #[expect(clippy::print_stderr, reason = "it belongs to the output of a test")]
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("to run it again: SCHEDULE='…' cargo test -p schedules -- --exact {}", self.0);
        }
    }
}

/// Lets time pass when no other thread can run and, on a slow machine, sometimes before that.
struct Passing<S> {
    threads: S,
    machine: Machine,
    luck: u64,
}

impl<S> Passing<S> {
    fn new(threads: S, machine: Machine) -> Self {
        Self { threads, machine, luck: 0 }
    }

    /// One decision in thirty-two.
    fn is_slow(&mut self) -> bool {
        self.luck = self.luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.machine == Machine::Slow && self.luck >> 59 == 0
    }
}

/// The thread that a scenario's main thread starts first.
const CLOCK: usize = 1;

impl<S: Scheduler> Scheduler for Passing<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let schedule = self.threads.new_execution()?;
        self.luck = schedule.seed;
        Some(schedule)
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, is_yielding: bool) -> Option<TaskId> {
        let busy: Vec<&Task> = runnable.iter().copied().filter(|task| task.id() != TaskId::from(CLOCK)).collect();
        let all = busy.is_empty() || busy.len() == runnable.len() || self.is_slow();
        let next = self.threads.next_task(if all { runnable } else { &busy }, current, is_yielding)?;
        if next == TaskId::from(CLOCK) {
            World::here().time.hurries.set(!busy.is_empty());
        }
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        self.threads.next_u64()
    }
}
