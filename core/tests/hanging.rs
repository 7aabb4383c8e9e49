//! A login server or a store that hangs delays only the callers that need it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use sipgate_oauth2::{
    AuthorizationRequest, BoxError, CallOptions, Client, ErrorCode, Store, StoreEntry, StoreKey, SwapOutcome, Task, TokenSet, TokenSource,
    TokenStore, WaitEnded,
};
use support::{Realm, metadata};

/// Far more than the concurrent requests to one server that are allowed.
const HANGING: usize = 500;

/// A server that accepts every connection, never responds, and discards what it receives.
struct Silent {
    address: String,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Silent {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let connections: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let taken = Arc::clone(&connections);
        thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(|stream| taken.lock().unwrap().push(stream)));
        Self { address, connections }
    }

    fn client(&self, store: &Store) -> Client {
        let metadata = metadata(&self.address, &format!("{}/token", self.address));
        // This is longer than the test takes.
        Client::builder(metadata, "client").request_timeout(Duration::from_secs(600)).store(store.clone()).build().unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }
}

fn tokens(text: &str) -> TokenSet {
    TokenSet::restore(text).unwrap()
}

fn expired() -> TokenSet {
    tokens(r#"{"access_token":"canary-old","refresh_token":"canary-refresh","expires_at":1}"#)
}

fn patient() -> CallOptions {
    CallOptions::new().timeout(Duration::from_secs(600))
}

/// Counts the calls that have ended.
fn count<T: Send + 'static>(calls: Vec<Task<T>>) -> Arc<AtomicUsize> {
    let ended = Arc::new(AtomicUsize::new(0));
    for call in calls {
        let ended = Arc::clone(&ended);
        call.then(move |_| {
            ended.fetch_add(1, Ordering::SeqCst);
        });
    }
    ended
}

#[test]
fn a_server_that_hangs_delays_no_other_server() {
    let (silent, realm) = (Silent::start(), Realm::start());
    let store = Store::memory();
    let at_silent = silent.client(&store);
    let sources: Vec<TokenSource> = (0..HANGING).map(|number| at_silent.token_source(format!("user-{number}")).unwrap()).collect();
    sources.iter().for_each(|source| source.save(&expired()).unwrap());
    let hanging = count(sources.iter().map(|source| source.start_access_token(Duration::ZERO, &patient())).collect());
    let steps = count((0..HANGING).map(|_| at_silent.start_refresh("canary-refresh", &CallOptions::new())).collect());
    while silent.connections() < 2 * 64 {
        thread::sleep(Duration::from_millis(5));
    }

    let client = realm.client_with(store).build().unwrap();
    let source = realm.log_in(&client, "anna");
    let token = source.start_access_token(Duration::ZERO, &patient()).wait().unwrap();
    source.invalidate(&token);
    assert_ne!(source.start_access_token(Duration::ZERO, &patient()).wait().unwrap(), token);
    source.start_refresh(&patient()).wait().unwrap();
    source.start_status(&patient()).wait().unwrap();
    client.start_refresh(realm.refresh_token("http").as_str(), &patient()).wait().unwrap();
    // A valid token of the silent server is returned, too.
    let fresh = at_silent.token_source("user-0 again").unwrap();
    fresh.start_save(&tokens(r#"{"access_token":"canary-new"}"#), &patient()).wait().unwrap();
    assert_eq!(fresh.start_access_token(Duration::ZERO, &patient()).wait().unwrap().reveal(), "canary-new");
    source.start_logout(&patient()).wait().unwrap();

    // Meanwhile no request to the silent server has ended, and no more are in flight than allowed.
    assert_eq!((hanging.load(Ordering::SeqCst), steps.load(Ordering::SeqCst), silent.connections()), (0, 0, 2 * 64));
}

/// A store like one over a database that can be stopped.
#[derive(Clone, Default)]
struct Stoppable(Arc<(Mutex<Database>, Condvar)>);

#[derive(Default)]
struct Database {
    entries: HashMap<StoreKey, StoreEntry>,
    is_stopped: bool,
    waiting: usize,
    most_waiting: usize,
}

impl Stoppable {
    fn stop(&self, is_stopped: bool) {
        self.0.0.lock().unwrap().is_stopped = is_stopped;
        self.0.1.notify_all();
    }

    fn ask<T>(&self, ask: impl FnOnce(&mut Database) -> T) -> T {
        let mut database = self.0.0.lock().unwrap();
        database.waiting += 1;
        database.most_waiting = database.most_waiting.max(database.waiting);
        let mut database = self.0.1.wait_while(database, |database| database.is_stopped).unwrap();
        database.waiting -= 1;
        ask(&mut database)
    }
}

impl TokenStore for Stoppable {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        Ok(self.ask(|database| database.entries.get(key).cloned()))
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        Ok(self.ask(|database| {
            if database.entries.get(key).map(|there| there.version.as_str()) != expected {
                return SwapOutcome::Conflict;
            }
            database.entries.insert(key.clone(), entry.clone());
            SwapOutcome::Stored
        }))
    }
}

#[test]
fn a_database_that_is_stopped_delays_no_caller_that_has_a_token() {
    let realm = Realm::start();
    let database = Stoppable::default();
    let client = realm.client_with(Store::new(database.clone()).recheck(Duration::ZERO)).build().unwrap();
    let sources: Vec<TokenSource> = (0..HANGING).map(|number| client.token_source(format!("user-{number}")).unwrap()).collect();
    sources.iter().for_each(|source| source.save(&tokens(r#"{"access_token":"canary-access","refresh_token":"canary"}"#)).unwrap());
    let with_code = realm.log_in(&client, "anna");
    database.stop(true);

    for source in sources.iter().chain(&sources) {
        assert_eq!(source.start_access_token(Duration::ZERO, &patient()).wait().unwrap().reveal(), "canary-access");
    }
    let elsewhere = realm.client_with(Store::memory()).build().unwrap();
    realm.log_in(&elsewhere, "anna").start_refresh(&patient()).wait().unwrap();
    // Logins and commits wait for the database, on a limited number of threads.
    let waiting = count(sources.iter().map(|source| source.start_save(&expired(), &patient())).collect());
    let error = with_code.start_status(&CallOptions::new().timeout(Duration::from_millis(50))).wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert_eq!(waiting.load(Ordering::SeqCst), 0);

    database.stop(false);
    while waiting.load(Ordering::SeqCst) < HANGING {
        thread::sleep(Duration::from_millis(5));
    }
    with_code.start_status(&patient()).wait().unwrap();
    let most = database.0.0.lock().unwrap().most_waiting;
    assert!(most <= 5 * 32, "{most} operations at once");
}

#[test]
fn a_callback_whose_caller_stopped_waiting_for_a_hanging_store_can_still_be_used() {
    let realm = Realm::start();
    let database = Stoppable::default();
    let client = realm.client_with(Store::new(database.clone())).build().unwrap();
    let request = client.authorization_request("balance:read").unwrap();
    let callback = realm.callback(request.url());
    let again = || AuthorizationRequest::restore(request.export().reveal()).unwrap();
    database.stop(true);
    let running = client.start_exchange_callback(&again(), &callback, &patient());
    while database.0.0.lock().unwrap().waiting == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    let error = {
        running.abandon(WaitEnded::TimedOut);
        running.wait().unwrap_err()
    };
    assert_eq!((error.code(), error.retryable()), (ErrorCode::Timeout, true));
    // The library has handled the abandoned call before the store continues.
    thread::sleep(Duration::from_millis(200));

    database.stop(false);
    // The thread of the abandoned call releases the authorization request.
    let tokens = (0..1000).find_map(|_| {
        thread::sleep(Duration::from_millis(10));
        client.exchange_callback(&again(), &callback).ok()
    });
    assert!(tokens.is_some());
    assert_eq!(realm.counter("code_grants"), 1);
}
