//! Simulates years of logins in large worlds. The decisions are real; time, machines, network,
//! store, processes, users and server are simulated from one seed, with many more failures than in
//! reality.

mod callers;
mod checks;
mod driver;
mod id_tokens;
mod login;
mod losses;
mod machine;
mod network;
mod planted;
mod records;
mod sabotage;
mod server;
mod settings;
mod store;
mod tally;
mod trace;
mod users;
mod world;

use std::io::{self, Write};
use std::process::ExitCode;

use self::login::UnavoidableLoss;
use self::planted::Planted;
use self::settings::Settings;
use self::tally::{Tally, listed};
use self::trace::Trace;
use self::world::{Event, World};

const DAY: u64 = 86_400_000;

/// How long faults happen in a world.
const FAULTY_TIME: u64 = 365 * DAY;

/// After this much longer, no effect of a fault is left: clocks are right, and machines run.
const SETTLING_TIME: u64 = 2 * DAY;

/// Without faults, a call takes no longer than this.
const CALL_TIME: u64 = 150_000;

/// A planted mistake must be found in this many worlds of each kind.
const WORLDS_TO_FIND: u64 = 6;

struct Arguments {
    seed: Option<u64>,
    years: u64,
    planted: Vec<Planted>,
}

/// The outcome of one world.
struct Outcome {
    tally: Tally,
    failure: Option<(usize, String)>,
}

/// Simulates and reports.
pub fn main() -> ExitCode {
    let mut out = io::stdout();
    let Some(arguments) = Arguments::read(std::env::args().skip(1)) else {
        let names: Vec<_> = Planted::ALL.iter().map(|planted| planted.name()).collect();
        say(&mut out, &format!("usage: simulate [--seed N] [--years N] [--planted {}|all]", names.join("|")));
        return ExitCode::from(2);
    };
    let passes = match arguments.seed {
        seed if !arguments.planted.is_empty() => {
            let found: Vec<bool> = arguments.planted.iter().map(|planted| finds(&mut out, *planted, seed)).collect();
            !found.contains(&false)
        }
        Some(seed) => {
            let outcome = simulate(seed, None, Trace::Off);
            report_total(&mut out, 1, &outcome.tally);
            holds(&mut out, seed, &outcome)
        }
        None => all(&mut out, arguments.years),
    };
    if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The names of what may end a login unavoidably.
pub fn unavoidable_losses() -> impl Iterator<Item = &'static str> {
    UnavoidableLoss::ALL.into_iter().map(UnavoidableLoss::name)
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut arguments = Self { seed: None, years: 1000, planted: Vec::new() };
        while let Some(word) = words.next() {
            let value = words.next()?;
            match word.as_str() {
                "--seed" => arguments.seed = Some(value.parse().ok()?),
                "--years" => arguments.years = value.parse().ok()?,
                "--planted" => {
                    arguments.planted = Planted::ALL.into_iter().filter(|planted| value == "all" || planted.name() == value).collect();
                    if arguments.planted.is_empty() {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        Some(arguments)
    }
}

/// Simulates worlds of each kind in turn, for this many login-years.
fn all(out: &mut impl Write, years: u64) -> bool {
    let mut tallies: Vec<Tally> = settings::ALL.iter().map(|_| Tally::default()).collect();
    let mut seed = 0;
    while tallies.iter().map(Tally::login_years).sum::<u64>() < years {
        let outcome = simulate(seed, None, Trace::Off);
        if !holds(out, seed, &outcome) {
            return false;
        }
        tallies[kind(seed)].add(&outcome.tally);
        seed += 1;
    }
    let mut total = Tally::default();
    for (settings, tally) in settings::ALL.iter().zip(&tallies) {
        report(out, settings.name, tally);
        total.add(tally);
    }
    report_total(out, seed, &total);
    true
}

/// Whether the planted mistake is found in one of the first worlds.
fn finds(out: &mut impl Write, planted: Planted, seed: Option<u64>) -> bool {
    let worlds = WORLDS_TO_FIND * settings::ALL.len() as u64;
    let seeds = seed.map_or(0..worlds, |seed| seed..seed + 1);
    for seed in seeds {
        if let Some((_, what)) = simulate(seed, Some(planted), Trace::Off).failure {
            say(out, &format!("{}: found with seed {seed}: {what}", planted.name()));
            return true;
        }
    }
    say(out, &format!("{}: NOT FOUND", planted.name()));
    false
}

/// Reports a failure with its trace: the same seed gives the same events.
fn holds(out: &mut impl Write, seed: u64, outcome: &Outcome) -> bool {
    let Some((account, what)) = &outcome.failure else { return true };
    let mut world = World::new(settings(seed), seed, None, Trace::of(*account));
    run(&mut world);
    world.trace.lines().for_each(|line| say(out, line));
    say(out, &format!("FAILED: {what}\naccount {account} of \"{}\"; to repeat: simulate --seed {seed}", settings(seed).name));
    false
}

fn kind(seed: u64) -> usize {
    usize::try_from(seed % settings::ALL.len() as u64).unwrap_or(0)
}

fn settings(seed: u64) -> &'static Settings {
    &settings::ALL[kind(seed)]
}

fn simulate(seed: u64, planted: Option<Planted>, trace: Trace) -> Outcome {
    let mut world = World::new(settings(seed), seed, planted, trace);
    run(&mut world);
    Outcome { tally: world.tally, failure: world.failure }
}

fn run(world: &mut World<'_>) {
    world.run(FAULTY_TIME);
    world.faulty = false;
    world.run(FAULTY_TIME + SETTLING_TIME);
    // A process that remembers what the store has lost restores it.
    call_everywhere(world, false);
    world.run(world.now + CALL_TIME);
    for account in 0..world.users.len() {
        if world.users[account].login.is_none() {
            world.users[account].wants_login = true;
            world.after(0, Event::Login { account, again: false });
        }
    }
    world.run(world.now + CALL_TIME);
    for account in 0..world.users.len() {
        if world.users[account].login.is_none() {
            world.fail(account, "without faults, a login fails");
        }
    }
    // Now every user with a login must get a token.
    call_everywhere(world, true);
    world.run(world.now + CALL_TIME);
    for account in 0..world.users.len() {
        world.logged_out(account);
    }
}

fn call_everywhere(world: &mut World<'_>, must: bool) {
    for account in 0..world.users.len() {
        for process in 0..world.processes.len() {
            world.after(0, Event::Call { process, account, must, force: false });
        }
    }
}

fn report(out: &mut impl Write, name: &str, tally: &Tally) {
    let Tally { refreshes, crashes, .. } = tally;
    say(
        out,
        &format!("{name}: {} login-years, {refreshes} refreshes, {crashes} crashes; lost: {}", tally.login_years(), listed(&tally.losses)),
    );
}

fn report_total(out: &mut impl Write, worlds: u64, tally: &Tally) {
    let Tally { steps, operations, calls, served, refreshes, logins, saves, revocations, unconfirmed, crashes, .. } = tally;
    say(out, &format!("{worlds} worlds: {steps} steps, {operations} operations, {logins} logins, {calls} calls, {served} served"));
    say(
        out,
        &format!("{saves} of the logins saved with tokens from elsewhere; {revocations} revocations, {unconfirmed} of them unconfirmed"),
    );
    say(out, &format!("errors: {}", listed(&tally.errors)));
    say(out, &format!("worth knowing: {}", listed(&tally.notables)));
    let (years, faults, losses) = (tally.login_years(), listed(&tally.faults), listed(&tally.losses));
    say(out, &format!("{years} login-years, {refreshes} refreshes, {crashes} crashes; faults: {faults}; losses: {losses}"));
}

fn say(out: &mut impl Write, text: &str) {
    // The reader may have closed the pipe.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_world() {
        let run = || {
            let mut world = World::new(settings(5), 5, None, Trace::of(0));
            world.run(20 * DAY);
            (format!("{:?}", world.tally), world.trace.lines().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn every_planted_mistake_is_found() {
        for planted in Planted::ALL {
            assert!(finds(&mut io::sink(), planted, None), "{planted:?}");
        }
    }
}
