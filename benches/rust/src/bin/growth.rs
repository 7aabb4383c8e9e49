//! One of the processes that `benches/growth.py` measures: many callers save logins into one SQLite
//! store, or refresh them: `bench-growth PATH NUMBER CALLERS SECONDS [http://127.0.0.1:PORT]`. With
//! the address of the local realm, they refresh.
//!
//! It prints `ready`, waits for a line, works for that time, and prints how many operations were
//! acknowledged, the median and the 99th percentile of their durations in milliseconds, and the
//! processor time in seconds.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::env;
use std::io::stdin;
use std::panic;
use std::process;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use sipgate_oauth2::{Client, ClientBuilder, Store, TokenSet, TokenSource};

/// How many logins each caller has, so that it does not write the same page each time.
const LOGINS: usize = 4;

fn main() {
    // A thread that the store refuses ends the process. The others would wait for it.
    panic::set_hook(Box::new(|_| process::exit(1)));
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [path, number, callers, seconds, realm @ ..] = &arguments[..] else { panic!("PATH NUMBER CALLERS SECONDS [REALM]") };
    let (callers, length): (usize, _) = (callers.parse().unwrap(), Duration::from_secs_f64(seconds.parse().unwrap()));
    let realm = realm.first().map(String::as_str);
    let client = client(Store::sqlite(path).unwrap(), realm.unwrap_or("http://127.0.0.1:1"));
    let begin = Barrier::new(callers + 1);
    let mut processor = 0.0;
    let mut times: Vec<f64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|caller| {
                let (client, begin) = (&client, &begin);
                let accounts = move |login| format!("user-{number}-{caller}-{login}");
                scope.spawn(move || {
                    let sources: Vec<_> = (0..LOGINS).map(|login| logged_in(client, realm, &accounts(login))).collect();
                    begin.wait();
                    begin.wait();
                    work(&sources, realm.is_some(), length)
                })
            })
            .collect();
        begin.wait();
        println!("ready");
        stdin().read_line(&mut String::new()).unwrap();
        processor = processor_time();
        begin.wait();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    processor = processor_time() - processor;
    times.sort_by(f64::total_cmp);
    let [median, most] = [50, 99].map(|percent| times[(times.len() - 1) * percent / 100] * 1e3);
    println!("{}", json!({"operations": times.len(), "median_ms": median, "most_ms": most, "processor_s": processor}));
}

/// The duration of each operation that ends in time, in seconds.
fn work(sources: &[TokenSource], refreshes: bool, length: Duration) -> Vec<f64> {
    let (tokens, began) = (tokens(), Instant::now());
    let mut times = Vec::new();
    for source in sources.iter().cycle() {
        let at = began.elapsed();
        if refreshes {
            source.refresh().unwrap();
        } else {
            source.save(&tokens).unwrap();
        }
        if began.elapsed() > length {
            break;
        }
        times.push((began.elapsed() - at).as_secs_f64());
    }
    times
}

fn logged_in(client: &Client, realm: Option<&str>, account: &str) -> TokenSource {
    let Some(realm) = realm else {
        let source = client.token_source(account).unwrap();
        source.save(&tokens()).unwrap();
        return source;
    };
    let request = client.authorization_request("balance:read").unwrap();
    let login = json!({"authorization_url": request.url(), "username": "anna", "password": "anna-pw"});
    let response = ureq::post(format!("{realm}/_realm/login")).header("content-type", "application/json").send(login.to_string());
    let response: Value = serde_json::from_str(&response.unwrap().body_mut().read_to_string().unwrap()).unwrap();
    client.complete_login(&request, response["callback"].as_str().unwrap(), account).unwrap()
}

fn client(store: Store, realm: &str) -> Client {
    ClientBuilder::keycloak(format!("{realm}/auth"), "third-party", "1000001-0-test:third-party")
        .client_secret("test-secret-with-+-and-:")
        .redirect_uri("https://example.com/auth")
        .store(store)
        .build()
        .unwrap()
}

/// As large as those of a Keycloak.
fn tokens() -> TokenSet {
    let padding = "x".repeat(1000);
    TokenSet::restore(&format!(
        r#"{{"access_token":"a-{padding}","refresh_token":"r-{padding}","expires_at":4000000000,"token_type":"Bearer"}}"#
    ))
    .unwrap()
}

fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
