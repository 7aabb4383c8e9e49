//! What a store for several machines costs its client: `bench-fleet postgres://… redis://…`. The
//! servers are on this machine, so that it is little more than the client's own work.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::process::ExitCode;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use sipgate_oauth2::binding::token_store;
use sipgate_oauth2::{Store, StoreEntry, StoreKey, SwapOutcome};

const WARM_UP: usize = 200;
const ROUNDS: usize = 2_000;

/// The size of a login with an ID token.
const BYTES: usize = 3_000;

/// The processor time of one load and one swap, in microseconds.
const GOAL: f64 = 80.0;

fn main() -> ExitCode {
    println!("{:<12} {:>12} {:>12} {:>24}", "", "load, µs", "swap, µs", "CPU of both, µs");
    let mut reached = true;
    for url in std::env::args().skip(1) {
        let kind = url.split(':').next().unwrap_or_default().to_owned();
        let [load, swap, cpu] = measure(&Store::open(&url).unwrap());
        let verdict = if cpu <= GOAL { "reached" } else { "MISSED" };
        println!("{kind:<12} {load:>12.1} {swap:>12.1} {cpu:>12.1} (goal {GOAL:.0}) {verdict}");
        reached &= cpu <= GOAL;
    }
    ExitCode::from(u8::from(!reached))
}

/// The median of a load and of a swap, and the processor time of both, in microseconds.
fn measure(store: &Store) -> [f64; 3] {
    let (store, key) = (token_store(store), StoreKey::parse(&"b".repeat(64)).unwrap());
    let mut expected = store.load(&key).unwrap().map(|entry| entry.version);
    let (mut loads, mut swaps) = (Vec::new(), Vec::new());
    let mut processor = 0.0;
    for round in 0..WARM_UP + ROUNDS {
        if round == WARM_UP {
            (loads, swaps) = (Vec::new(), Vec::new());
            processor = processor_time();
        }
        let entry = StoreEntry { version: format!("{round:022}"), data: vec![b'x'; BYTES], expires_at: None };
        let began = Instant::now();
        store.load(&key).unwrap();
        loads.push(began.elapsed().as_secs_f64() * 1e6);
        let began = Instant::now();
        assert_eq!(store.swap(&key, expected.as_deref(), &entry).unwrap(), SwapOutcome::Stored);
        swaps.push(began.elapsed().as_secs_f64() * 1e6);
        expected = Some(entry.version);
    }
    [median(loads), median(swaps), (processor_time() - processor) * 1e6 / ROUNDS as f64]
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Of this process, in seconds.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
