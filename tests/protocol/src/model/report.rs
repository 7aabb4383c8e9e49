//! Explores the worlds, and reports.

use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use super::planted::Planted;
use super::probe::Probe;
use super::setup::{self, Setup};
use super::steps::{Exploration, Step};
use super::world::{Pending, World, token_of};

/// Explores and reports. Fails if an invariant is violated, or a planted mistake is not found.
#[expect(clippy::print_stderr, reason = "this is a program")]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let good = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => all_of(setup::all()),
        ["--small"] => all_of(setup::small()),
        ["--only", name] => match setup::all().iter().find(|setup| setup.name == *name) {
            Some(setup) => explore(setup),
            None => return usage(),
        },
        ["--planted", name] => match Planted::named(name) {
            Some(planted) => catch(planted),
            None => return usage(),
        },
        _ => return usage(),
    };
    if good {
        return ExitCode::SUCCESS;
    }
    eprintln!("model: failed");
    ExitCode::FAILURE
}

/// Whether all invariants hold in these worlds, and all planted mistakes are found.
fn all_of(worlds: Vec<Setup>) -> bool {
    let explored = all(worlds, |setup| explore(&setup));
    all(Planted::ALL.to_vec(), catch) && explored
}

/// Whether all pass. Runs as many at a time as there are cores.
fn all<T: Send>(things: Vec<T>, passes: impl Fn(T) -> bool + Sync) -> bool {
    let queue = Mutex::new(things.into_iter());
    let next = || queue.lock().expect("no thread panics").next();
    let work = || {
        let mut good = true;
        while let Some(thing) = next() {
            good &= passes(thing);
        }
        good
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let working: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let passed: Vec<_> = working.into_iter().map(|worker| worker.join().unwrap_or(false)).collect();
        !passed.contains(&false)
    })
}

#[expect(clippy::print_stderr, reason = "this is a program")]
fn usage() -> ExitCode {
    eprintln!("usage: model [--small | --only WORLD | --planted MISTAKE]");
    setup::all().iter().for_each(|setup| eprintln!("  world  {}", setup.name));
    Planted::ALL.iter().for_each(|planted| eprintln!("  mistake {}", planted.name()));
    ExitCode::FAILURE
}

/// A violated invariant, and the steps that led to it.
struct Violation {
    invariant: &'static str,
    path: Vec<(World, Option<Step>)>,
}

struct Explored {
    states: usize,
    lost: String,
    violated: Option<Violation>,
}

fn run(setup: &Setup) -> Explored {
    let exploration = Exploration { setup: setup.clone(), probe: Probe::default() };
    let checker = exploration.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let violated = checker.discoveries().into_iter().next().map(|(invariant, path)| Violation { invariant, path: path.into_vec() });
    let lost = checker.model().probe.lost().filter(|(_, states)| *states > 0);
    let lost = lost.map(|(unavoidable, states)| format!("{} {states}", unavoidable.name())).collect::<Vec<_>>().join(", ");
    Explored { states: checker.unique_state_count(), lost, violated }
}

/// Whether all invariants hold in a world.
#[expect(clippy::print_stdout, reason = "this is a program")]
fn explore(setup: &Setup) -> bool {
    let start = Instant::now();
    let explored = run(setup);
    let seconds = start.elapsed().as_secs_f32();
    let lost = if explored.lost.is_empty() { "none" } else { &explored.lost };
    println!("{:<32} {:>9} states {seconds:>6.1} s   unavoidable losses: {lost}", setup.name, explored.states);
    if let Some(violated) = &explored.violated {
        println!("{}", describe(violated));
    }
    explored.violated.is_none()
}

/// Whether a planted mistake is found.
#[expect(clippy::print_stdout, reason = "this is a program")]
fn catch(planted: Planted) -> bool {
    let setup = Setup::with(planted);
    let explored = run(&setup);
    match &explored.violated {
        Some(violated) => {
            let steps = violated.path.len() - 1;
            println!("planted {:<24} found after {steps} steps in \"{}\": {}", planted.name(), setup.name, violated.invariant);
        }
        None => println!("planted {:<24} NOT FOUND in {} states of \"{}\"", planted.name(), explored.states, setup.name),
    }
    explored.violated.is_some()
}

fn describe(violated: &Violation) -> String {
    let mut lines = vec![format!("VIOLATED: {}", violated.invariant)];
    for (at, pair) in violated.path.windows(2).enumerate() {
        let [(before, Some(step)), (after, _)] = pair else { continue };
        lines.push(format!("{:>3}  {:<28} {}", at + 1, describe_step(before, *step), describe_state(after)));
    }
    lines.join("\n")
}

/// Describes a step.
fn describe_step(before: &World, step: Step) -> String {
    let Step::Act(process, slot) = step else { return format!("{step:?}") };
    let pending = before.processes[process].operations[slot].as_ref().map(|running| match &running.pending {
        Pending::Load => "load".to_owned(),
        Pending::TryLock => "lock".to_owned(),
        Pending::Swap { record, .. } => {
            let claim = if record.claim.is_some() { ", claim" } else { "" };
            format!("swap gen {}{claim}", record.generation)
        }
        Pending::Confirming { .. } => "confirm".to_owned(),
        Pending::Wait { .. } => "wait".to_owned(),
        Pending::Keys { .. } => "judge".to_owned(),
        Pending::Permit | Pending::Queued | Pending::ClaimedWhileQueued { .. } => "permit".to_owned(),
        Pending::Request { response, .. } => format!("{response:?}"),
    });
    format!("p{process}.{slot} {}", pending.unwrap_or_default())
}

fn describe_state(world: &World) -> String {
    let store = world.stored().map_or("nothing".to_owned(), |stored| {
        let record = &stored.record;
        let claim = record.claim.as_ref().map(|claim| format!(" claimed by {}", claim.owner)).unwrap_or_default();
        let state = if record.is_logged_out() {
            "logged out"
        } else if record.is_active() {
            "active"
        } else {
            "rejected"
        };
        let token = token_of(record).map(|token| format!("r{token}")).unwrap_or_default();
        let unjudged = if record.unjudged.is_some() { " unjudged" } else { "" };
        format!("{} gen {} {token} {state}{unjudged}{claim}", record.grant_id, record.generation)
    });
    format!("{:>3} s store: {store} {:?}", world.time, world.store.state)
}
