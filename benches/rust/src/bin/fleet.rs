//! What a store for several machines costs its client: `bench-fleet postgres://… redis://…`. The
//! servers are on this machine, so that it is little more than the client's own work. Then it waits
//! until they are stopped, and measures how long callers wait for the token in memory.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::io::stdin;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use sipgate_oauth2::binding::token_store;
use sipgate_oauth2::{ClientBuilder, Store, StoreEntry, StoreKey, SwapOutcome, TokenSet, TokenSource};

const WARM_UP: usize = 200;
const ROUNDS: usize = 2_000;

/// The size of a login with an ID token.
const BYTES: usize = 3_000;

/// The processor time of one load and one swap, in microseconds.
const GOAL: f64 = 80.0;

/// While the database is stopped.
const CALLERS: usize = 64;

/// Longer than a token is handed out without a look into the store.
const STOPPED: Duration = Duration::from_secs(8);

/// For a token in memory meanwhile: milliseconds at the 99th percentile.
const GOAL_WHILE_STOPPED: f64 = 10.0;

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
    let logins: Vec<_> = std::env::args().skip(1).map(|url| (log_in(&url), url)).collect();
    println!("stop the servers, and press Enter");
    stdin().read_line(&mut String::new()).unwrap();
    println!("{:<12} {:>12} {:>12} {:>12}", "while stopped", "median, ms", "99th, ms", "longest, ms");
    for (source, url) in logins {
        let [median, most, longest] = while_stopped(&source);
        let verdict = if most <= GOAL_WHILE_STOPPED { "reached" } else { "MISSED" };
        let kind = url.split(':').next().unwrap_or_default();
        println!("{kind:<12} {median:>12.4} {most:>12.4} {longest:>12.4} (goal {GOAL_WHILE_STOPPED:.0} at the 99th) {verdict}");
        reached &= most <= GOAL_WHILE_STOPPED;
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

/// A login whose token is in memory. Nobody asks the login server.
fn log_in(url: &str) -> TokenSource {
    let builder = ClientBuilder::keycloak("http://127.0.0.1:1", "bench", "bench");
    let client = builder.redirect_uri("https://example.com/auth").store(Store::open(url).unwrap()).build().unwrap();
    let source = client.token_source("anna").unwrap();
    source.save(&TokenSet::restore(r#"{"access_token":"a","refresh_token":"r","expires_at":99999999999}"#).unwrap()).unwrap();
    source.access_token().unwrap();
    source
}

/// Median, 99th percentile and longest of the calls of many callers, in milliseconds.
fn while_stopped(source: &TokenSource) -> [f64; 3] {
    let end = Instant::now() + STOPPED;
    let mut times: Vec<f64> = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(move || calls(source, end))).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    times.sort_by(f64::total_cmp);
    [times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1]]
}

/// How long each call of one caller took, in milliseconds. A caller rests between two calls.
fn calls(source: &TokenSource, end: Instant) -> Vec<f64> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        source.access_token().unwrap();
        times.push(began.elapsed().as_secs_f64() * 1e3);
        thread::sleep(Duration::from_millis(5));
    }
    times
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
