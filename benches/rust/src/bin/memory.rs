//! The memory that the Rust library uses for each account, counted at the allocator:
//! `bench-memory http://127.0.0.1:PORT`. The address is that of the local realm.
//!
//! Each account has an access token and a refresh token of Keycloak's usual lengths. The goal
//! applies to what the library needs in addition to one copy of each token's text.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::env;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sipgate_oauth2::{
    BoxError, Client, ClientBuilder, Store, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenSet, TokenSource, TokenStore,
};

/// As long as a client id at sipgate.
const CLIENT_ID: &str = "2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party";
const ACCESS_TOKEN: usize = 1_200;
const REFRESH_TOKEN: usize = 800;
const TEXTS: usize = ACCESS_TOKEN + REFRESH_TOKEN;
const GOAL: usize = 2 * 1024;

/// What may be left after everything was dropped: what threads and the process keep, regardless of
/// the number of accounts.
const KEPT: usize = 16 * 1024;

#[global_allocator]
static ALLOCATOR: Counting = Counting { held: AtomicUsize::new(0) };

fn main() -> ExitCode {
    let realm = env::args().nth(1).expect("the realm's address is the one argument");
    let mut missed = false;
    let mut row = |name: &str, bytes: usize, goal: Option<usize>| {
        let reached = goal.is_none_or(|goal| bytes <= goal);
        missed |= !reached;
        let goal = goal.map_or_else(String::new, |goal| format!(" (goal {goal}) {}", if reached { "reached" } else { "MISSED" }));
        println!("{name:<58} {bytes:>6} bytes{goal}");
    };
    // Allocates what a process allocates once, so that it does not count for any account.
    measure(&realm, 10, Life::Refreshed);
    for (accounts, life) in [(1_000, Life::Found), (100_000, Life::Found), (1_000, Life::Refreshed)] {
        let Measured { made, in_use, dropped, left } = measure(&realm, accounts, life);
        println!("{accounts} accounts, {}", if life == Life::Found { "tokens from the store" } else { "tokens refreshed here" });
        row("  each: an unused source", made, None);
        row("  each: with its token in memory", in_use, None);
        row("  each: the same without the texts of the two tokens", in_use.saturating_sub(TEXTS), Some(GOAL));
        row("  each: after the source was dropped, but not the store", dropped, None);
        row("  all: after the store was dropped, too", left, Some(KEPT));
    }
    ExitCode::from(u8::from(missed))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Found,
    Refreshed,
}

/// Bytes per account; `left` is for all accounts.
struct Measured {
    made: usize,
    in_use: usize,
    dropped: usize,
    left: usize,
}

fn measure(realm: &str, accounts: usize, life: Life) -> Measured {
    set_responses(realm, if life == Life::Refreshed { accounts } else { 0 });
    let before = ALLOCATOR.held();
    let asked = Arc::new(AtomicUsize::new(0));
    let client = client(realm, Arc::clone(&asked));
    let mut sources: Vec<TokenSource> = Vec::with_capacity(accounts);
    let start = ALLOCATOR.held();
    let each = || ALLOCATOR.held().saturating_sub(start) / accounts;

    sources.extend((0..accounts).map(|number| client.token_source(account(number + 1)).unwrap()));
    let made = each();
    for (number, source) in sources.iter().enumerate() {
        asked.store(number + 1, Ordering::SeqCst);
        source.access_token().unwrap();
        if life == Life::Refreshed {
            source.refresh().unwrap();
        }
        assert!(source.peek().is_some(), "the token is in memory");
    }
    let in_use = each();
    sources.clear();
    let dropped = each();
    drop((sources, client));
    Measured { made, in_use, dropped, left: settled(before) }
}

/// The memory in use beyond `before`, once the library's threads have freed their last refresh.
fn settled(before: usize) -> usize {
    for _ in 0..100 {
        if ALLOCATOR.held() <= before + KEPT {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    ALLOCATOR.held().saturating_sub(before)
}

fn client(realm: &str, asked: Arc<AtomicUsize>) -> Client {
    // Reload nothing during the run.
    let store = Store::new(OneForAll { entry: Mutex::default(), asked }).recheck(Duration::from_secs(3600));
    let client =
        ClientBuilder::keycloak(format!("{realm}/auth"), "third-party", CLIENT_ID).client_secret("s3cret").store(store).build().unwrap();
    let tokens = TokenSet::restore(&response("expires_at", 4_000_000_000).to_string()).unwrap();
    let first = client.token_source(account(0)).unwrap();
    first.save(&tokens).unwrap();
    // Opens the connection, whose buffers exist once for all accounts.
    first.refresh().unwrap();
    client
}

/// Sets the realm to respond to that many refreshes with tokens of the right lengths.
fn set_responses(realm: &str, times: usize) {
    let order = json!({"on": "token", "kind": "answer", "times": times + 1, "json": response("expires_in", 300)});
    ureq::post(format!("{realm}/_realm/faults")).header("content-type", "application/json").send(order.to_string()).unwrap();
}

/// A response like one of Keycloak, including the members that do not matter here.
fn response(end: &str, seconds: i64) -> Value {
    json!({
        "access_token": "a".repeat(ACCESS_TOKEN),
        end: seconds,
        "refresh_expires_in": 2_592_000,
        "refresh_token": "r".repeat(REFRESH_TOKEN),
        "token_type": "Bearer",
        "not-before-policy": 0,
        "session_state": "4e0e4b22-7c7c-4b0c-9d1e-0e6f2c1b7a55",
        "scope": "balance:read profile email",
    })
}

fn account(number: usize) -> String {
    format!("user-{number:06}")
}

/// Simulates a remote store, which uses no memory of this process: every account has the login that
/// was written last.
struct OneForAll {
    entry: Mutex<Option<StoreEntry>>,
    /// The number of the requested account, which the key does not reveal.
    asked: Arc<AtomicUsize>,
}

impl TokenStore for OneForAll {
    fn load(&self, _: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        let Some(mut entry) = self.entry.lock().unwrap().clone() else { return Ok(None) };
        let mut text = String::from_utf8(entry.data)?;
        let start = text.find("\"user-").ok_or("a login of an account")? + 1;
        text.replace_range(start..start + account(0).len(), &account(self.asked.load(Ordering::SeqCst)));
        entry.data = text.into_bytes();
        Ok(Some(entry))
    }

    fn swap(&self, _: &StoreKey, _: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        *self.entry.lock().unwrap() = Some(entry.clone());
        Ok(SwapOutcome::Stored)
    }

    fn try_lock(&self, _: &StoreKey) -> Result<StoreLock, BoxError> {
        Ok(StoreLock::Held(Box::new(())))
    }
}

/// The system's allocator, with a count of the allocated bytes.
struct Counting {
    held: AtomicUsize,
}

impl Counting {
    fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

// SAFETY: the system's allocator does all the work; counting does not touch the blocks.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.held.fetch_add(layout.size(), Ordering::SeqCst);
        // SAFETY: the caller promises what the system's allocator requires.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        self.held.fetch_sub(layout.size(), Ordering::SeqCst);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}
