//! Speed of the Rust library, in one run and as ratios: `bench-rust http://127.0.0.1:PORT`. The
//! address is that of the local realm.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::env;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sipgate_oauth2::{Client, ClientBuilder, Store, TokenSet, TokenSource};

const EXPIRIES: usize = 5;

fn main() -> ExitCode {
    let realm = env::args().nth(1).expect("the realm's address is the one argument");
    let folder = Folder::new();
    let mut bench = Bench { realm, missed: 0 };
    bench.token_in_memory();
    bench.many_callers();
    bench.stores(&folder.0);
    ExitCode::from(u8::from(bench.missed > 0))
}

struct Bench {
    realm: String,
    missed: u32,
}

impl Bench {
    fn token_in_memory(&mut self) {
        let source = self.logged_in(Store::memory());
        source.access_token().unwrap();
        let mut token = || drop(black_box(source.access_token()));
        let mut clock = || {
            black_box(Instant::now());
        };
        let [ours, theirs] = take_turns(1_000, 2_000, [&mut token, &mut clock]);
        let ratio = median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect());
        let measured = format!("{:.0} ns, a clock reading {:.0} ns", median(ours) * 1e9, median(theirs) * 1e9);
        self.row("token from memory", &measured, ratio, 1.3);
    }

    /// The time from a token's expiry until the last of 64 callers has the new one, compared with a
    /// single caller.
    fn many_callers(&mut self) {
        self.order("settings", &json!({"access_token_lifespan": 1}));
        let source = self.logged_in(Store::memory());
        let alone = self.expiries(|| drop(source.access_token().unwrap()));
        let before = self.counter("refresh_grants");
        let together = self.expiries(|| {
            thread::scope(|scope| {
                for _ in 0..64 {
                    scope.spawn(|| source.access_token().unwrap());
                }
            });
        });
        let requests = self.counter("refresh_grants") - before;
        self.order("settings", &json!({"access_token_lifespan": 300}));
        let measured = format!("{:.1} ms for one, {:.1} ms for all, {requests} requests in {EXPIRIES}", alone * 1e3, together * 1e3);
        self.row("a refresh for 64 callers, ms beyond one", &measured, (together - alone) * 1e3, 10.0);
    }

    fn expiries(&self, mut work: impl FnMut()) -> f64 {
        best(EXPIRIES, || {
            thread::sleep(Duration::from_millis(1050));
            let started = Instant::now();
            work();
            started.elapsed()
        })
    }

    fn stores(&mut self, folder: &Path) {
        let tokens = tokens();
        let sources = [1_usize, 1_000, 100_000].map(|accounts| {
            let path = folder.join(format!("{accounts}.db"));
            // Each call reloads.
            let source = self.client(Store::sqlite(&path).unwrap().recheck(Duration::ZERO)).token_source("user-0").unwrap();
            source.save(&tokens).unwrap();
            if accounts > 1 {
                fill(&path, accounts);
            }
            source
        });
        let works: [&dyn Fn(&TokenSource); 2] = [&|source| drop(source.access_token().unwrap()), &|source| source.save(&tokens).unwrap()];
        let names = ["a load with 1, 1,000 and 100,000 accounts", "a commit with as many"];
        for (name, work) in names.into_iter().zip(works) {
            let [one, some, many] = &sources;
            let times = take_turns(100, 3, [&mut || work(one), &mut || work(some), &mut || work(many)]).map(median);
            let shown = times.map(|time| format!("{:.2}", time * 1e3)).join(", ");
            let spread = times.into_iter().fold(0.0, f64::max) / times.into_iter().fold(f64::MAX, f64::min);
            self.row(name, &format!("{shown} ms"), spread, 1.3);
        }
    }

    fn logged_in(&self, store: Store) -> TokenSource {
        let client = self.client(store);
        let request = client.authorization_request("balance:read").unwrap();
        let login = json!({"authorization_url": request.url(), "username": "anna", "password": "anna-pw"});
        let callback = self.order("login", &login)["callback"].as_str().unwrap().to_owned();
        client.complete_login(&request, &callback, "user-42").unwrap()
    }

    fn client(&self, store: Store) -> Client {
        ClientBuilder::keycloak(format!("{}/auth", self.realm), "third-party", "1000001-0-test:third-party")
            .client_secret("test-secret-with-+-and-:")
            .redirect_uri("https://example.com/auth")
            .store(store)
            .build()
            .unwrap()
    }

    fn order(&self, name: &str, order: &Value) -> Value {
        let response =
            ureq::post(format!("{}/_realm/{name}", self.realm)).header("content-type", "application/json").send(order.to_string());
        serde_json::from_str(&response.unwrap().body_mut().read_to_string().unwrap()).unwrap()
    }

    fn counter(&self, name: &str) -> u64 {
        let text = ureq::get(format!("{}/_realm/counters", self.realm)).call().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str::<Value>(&text).unwrap()[name].as_u64().unwrap()
    }

    fn row(&mut self, name: &str, measured: &str, ratio: f64, goal: f64) {
        let reached = ratio <= goal;
        self.missed += u32::from(!reached);
        println!("{name:<45} {measured:<50} {ratio:>6.2} (goal {goal}) {}", if reached { "reached" } else { "MISSED" });
    }
}

/// The times of one call of each work, in turns, so that other load on the machine affects all
/// works, or only a few turns.
fn take_turns<const WORKS: usize>(turns: usize, calls: u32, mut works: [&mut dyn FnMut(); WORKS]) -> [Vec<f64>; WORKS] {
    let mut times = [const { Vec::new() }; WORKS];
    for _ in 0..turns {
        for (work, times) in works.iter_mut().zip(&mut times) {
            times.push(time(calls, work));
        }
    }
    times
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn time(calls: u32, call: &mut dyn FnMut()) -> f64 {
    let started = Instant::now();
    (0..calls).for_each(|_| call());
    started.elapsed().as_secs_f64() / f64::from(calls)
}

fn best(rounds: usize, mut round: impl FnMut() -> Duration) -> f64 {
    (0..rounds).map(|_| round().as_secs_f64()).fold(f64::MAX, f64::min)
}

fn tokens() -> TokenSet {
    let padding = "x".repeat(1000);
    TokenSet::restore(&format!(
        r#"{{"access_token":"a-{padding}","refresh_token":"r-{padding}","expires_at":4000000000,"token_type":"Bearer"}}"#
    ))
    .unwrap()
}

/// Copies the existing login without the library: a hundred thousand commits would take an hour.
fn fill(path: &Path, accounts: usize) {
    let database = rusqlite::Connection::open(path).unwrap();
    let more = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
        INSERT INTO entries (key, version, data, ends)
        SELECT lower(hex(randomblob(32))), version, data, ends FROM number, (SELECT * FROM entries WHERE ends IS NULL LIMIT 1)";
    database.execute(more, [i64::try_from(accounts - 1).unwrap()]).unwrap();
}

/// A temporary folder.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("sipgate-oauth2-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
