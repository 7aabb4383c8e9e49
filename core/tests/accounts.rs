//! Who is stored, as `Client::accounts` lists it. Nothing here uses the network.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use sipgate_oauth2::{
    BoxError, CallOptions, Client, ClientBuilder, ErrorCode, LoginState, Store, StoreEntry, StoreKey, SwapOutcome, TokenSet, TokenStore,
};
use support::drawer::Drawer;

/// The same without a function that lists keys.
struct Unlisted(Drawer);

impl TokenStore for Unlisted {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        self.0.load(key)
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        self.0.swap(key, expected, entry)
    }
}

fn client(client_id: &str, store: &Store) -> Client {
    ClientBuilder::keycloak("http://127.0.0.1:9/auth", "third-party", client_id).store(store.clone()).build().unwrap()
}

fn save(client: &Client, account: &str) {
    let tokens = TokenSet::restore(r#"{"access_token":"a","refresh_token":"r"}"#).unwrap();
    client.token_source(account).unwrap().save(&tokens).unwrap();
}

fn names(client: &Client) -> Vec<String> {
    let mut names: Vec<_> = client.accounts().map(|account| account.unwrap().account().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn each_account_of_the_client_is_listed_once_however_many_there_are() {
    let store = Store::memory();
    let (ours, theirs) = (client("ours", &store), client("theirs", &store));
    let mut expected: Vec<_> = (0..250).map(|number| format!("user-{number}")).collect();
    expected.iter().for_each(|account| save(&ours, account));
    save(&theirs, "somebody else");
    expected.sort();
    assert_eq!(names(&ours), expected);
    assert_eq!(names(&theirs), ["somebody else"]);
}

#[test]
fn an_account_is_listed_with_the_name_that_events_use_and_its_state() {
    let client = client("ours", &Store::memory());
    save(&client, "anna");
    save(&client, "berta");
    client.token_source("berta").unwrap().logout().unwrap_err();
    let accounts: Vec<_> = client.accounts().map(Result::unwrap).collect();
    for (name, state, error) in [("anna", LoginState::Active, None), ("berta", LoginState::LoggedOut, Some(ErrorCode::LoginRequired))] {
        let account = accounts.iter().find(|account| account.account() == name).unwrap();
        assert_eq!(account.account_hash(), client.token_source(name).unwrap().account_hash());
        assert_eq!(account.state(), state);
        assert_eq!(account.last_error().map(sipgate_oauth2::Error::code), error);
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_listed_without_a_name_and_ends_nothing() {
    let drawer = Drawer::default();
    let client = client("ours", &Store::new(drawer.clone()));
    for number in 0..3 {
        save(&client, &format!("user-{number}"));
    }
    let damaged = {
        let mut entries = drawer.0.lock().unwrap();
        let (key, entry) = entries.iter_mut().next().unwrap();
        entry.data = b"what is this".to_vec();
        key.as_str()[..16].to_owned()
    };
    let accounts: Vec<_> = client.accounts().map(Result::unwrap).collect();
    assert_eq!(accounts.len(), 3);
    assert_eq!((accounts[0].account(), accounts[0].account_hash(), accounts[0].state()), ("", damaged.as_str(), LoginState::Unreadable));
    assert_eq!(accounts[0].last_error().unwrap().code(), ErrorCode::StoreCorrupt);
    assert!(accounts[1..].iter().all(|account| account.state() == LoginState::Active));
}

#[test]
fn a_store_that_cannot_list_says_so_once() {
    let client = client("ours", &Store::new(Unlisted(Drawer::default())));
    let mut accounts = client.accounts();
    assert_eq!(accounts.next().unwrap().unwrap_err().code(), ErrorCode::Unsupported);
    assert!(accounts.next().is_none());
}

#[test]
fn a_page_starts_only_where_another_one_ended() {
    let client = client("ours", &Store::memory());
    let error = client.start_accounts("anna", &CallOptions::new()).wait().unwrap_err();
    assert!(error.to_string().starts_with("after: is not where a page said"), "{error}");
}
