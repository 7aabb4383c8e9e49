//! What operations without I/O cost. Without an argument it prints how long each takes, in
//! nanoseconds. With a number it runs each that many times, in [`measured`], for
//! `benches/instructions.py`, which counts the instructions of that function under callgrind.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

mod in_c;
mod in_rust;
mod samples;

use std::env;
use std::time::Instant;

/// What is measured, and its name.
type Operation = (&'static str, Box<dyn Fn()>);

/// Calls before the measurement: what is made once for each process is made in them.
const WARM_UP: u32 = 3;

fn main() {
    let times = env::args().nth(1).map(|times| times.parse().unwrap());
    for (name, operation) in in_rust::operations().into_iter().chain(in_c::operations()) {
        (0..WARM_UP).for_each(|_| operation());
        match times {
            Some(times) => {
                measured(&*operation, times);
                println!("{name}");
            }
            None => println!("{name:<45} {:>9.1} ns", nanoseconds(&*operation)),
        }
    }
}

/// callgrind finds it by its name.
#[unsafe(no_mangle)]
#[inline(never)]
fn measured(operation: &dyn Fn(), times: u32) {
    (0..times).for_each(|_| operation());
}

/// The best of many turns: other load on the machine only makes an operation slower.
fn nanoseconds(operation: &dyn Fn()) -> f64 {
    const TURNS: u32 = 200;
    const CALLS: u32 = 200;
    let turn = |_| {
        let started = Instant::now();
        measured(operation, CALLS);
        started.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    };
    (0..TURNS).map(turn).fold(f64::MAX, f64::min)
}
