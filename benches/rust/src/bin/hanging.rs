//! How a hanging login server affects logins at another one:
//! `bench-hanging http://127.0.0.1:PORT`. The address is that of the local realm.
//!
//! Measures each operation at the realm twice: normally, and while 500 requests hang at a server
//! that never responds.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::env;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sipgate_oauth2::{CallOptions, Client, ClientBuilder, ServerMetadata, Store, TokenSet, TokenSource};

const HANGING: usize = 500;

/// For a token in memory: milliseconds at the 99th percentile.
const GOAL: f64 = 10.0;

fn main() -> ExitCode {
    let realm = env::args().nth(1).expect("the realm's address is the one argument");
    let client = ClientBuilder::keycloak(format!("{realm}/auth"), "third-party", "1000001-0-test:third-party")
        .client_secret("test-secret-with-+-and-:")
        .redirect_uri("https://example.com/auth")
        .store(Store::memory())
        .build()
        .unwrap();
    let source = log_in(&realm, &client);
    let calm = measure(&source);
    let silent = Silent::start();
    let hanging = silent.hang();
    let troubled = measure(&source);
    println!("median and 99th percentile in ms, without and with the hanging server");
    for ((name, [median, most]), (_, [median_beside, most_beside])) in calm.iter().zip(&troubled) {
        println!("{name:<24} {median:>8.3} {most:>8.3}   {median_beside:>8.3} {most_beside:>8.3}");
    }
    drop(hanging);
    let reached = troubled[0].1[1] < GOAL;
    println!("a token from memory at the 99th percentile (goal {GOAL} ms) {}", if reached { "reached" } else { "MISSED" });
    ExitCode::from(u8::from(!reached))
}

type Row = (&'static str, [f64; 2]);

fn measure(source: &TokenSource) -> [Row; 3] {
    [
        ("a token from memory", times(20_000, || drop(source.access_token().unwrap()))),
        ("a read of the store", times(500, || drop(source.status().unwrap()))),
        ("a refresh", times(100, || drop(source.refresh().unwrap()))),
    ]
}

/// The median and the 99th percentile, in milliseconds.
fn times(rounds: usize, mut work: impl FnMut()) -> [f64; 2] {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    [times[rounds / 2], times[rounds * 99 / 100]]
}

fn log_in(realm: &str, client: &Client) -> TokenSource {
    let request = client.authorization_request("balance:read").unwrap();
    let login = serde_json::json!({"authorization_url": request.url(), "username": "anna", "password": "anna-pw"});
    let response = ureq::post(format!("{realm}/_realm/login"))
        .header("content-type", "application/json")
        .send(login.to_string())
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    let response: serde_json::Value = serde_json::from_str(&response).unwrap();
    client.complete_login(&request, response["callback"].as_str().unwrap(), "anna").unwrap()
}

/// A server that accepts every connection and never responds.
struct Silent {
    address: String,
    taken: Arc<Mutex<Vec<TcpStream>>>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let taken: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let all = Arc::clone(&taken);
        thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(|stream| all.lock().unwrap().push(stream)));
        Self { address, taken }
    }

    /// Starts refreshes of many accounts, all of which hang or wait for one that hangs.
    fn hang(&self) -> Vec<TokenSource> {
        let at = |path: &str| format!("{}/{path}", self.address);
        let mut metadata = ServerMetadata::new(&self.address);
        metadata.authorization_endpoint = Some(at("auth"));
        metadata.token_endpoint = Some(at("token"));
        let builder = Client::builder(metadata, "client").request_timeout(Duration::from_secs(600));
        let client = builder.store(Store::memory()).build().unwrap();
        let expired = TokenSet::restore(r#"{"access_token":"a","refresh_token":"r","expires_at":1}"#).unwrap();
        let call = CallOptions::new().timeout(Duration::from_secs(600));
        let sources: Vec<_> = (0..HANGING).map(|number| client.token_source(format!("user-{number}")).unwrap()).collect();
        for source in &sources {
            source.save(&expired).unwrap();
            source.start_access_token(Duration::ZERO, &call).then(drop);
        }
        while self.taken.lock().unwrap().len() < 64 {
            thread::sleep(Duration::from_millis(5));
        }
        sources
    }
}
