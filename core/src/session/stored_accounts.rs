//! Who is stored: the accounts of a client, read from the store page by page.

use std::fmt;
use std::sync::Arc;

use protocol::error::{Error, ErrorCode, Result};
use protocol::refresh::record::Record;
use protocol::wait_ended::WaitEnded;

use super::entry::ask_store;
use super::status::{LoginState, last_error, state};
use super::store::Store;
use crate::context::Context;
use crate::store::{StoreEntry, StoreKey};
use crate::task::call_options::CallOptions;
use crate::task::task::{Completer, Task};
use crate::worker::semaphore::Permit;

/// How many entries one page reads.
pub(super) const PAGE: usize = 100;

/// One account that the store has. Holds no secret.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
/// for account in client.accounts() {
///     let account = account?;
///     if let Some(error) = account.last_error() {
///         println!("{}: {error}", account.account());
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct StoredAccount {
    account: String,
    account_hash: String,
    state: LoginState,
    last_error: Option<Error>,
}

impl StoredAccount {
    /// The account, as the application named it. Empty if the entry cannot be read.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What events and logs call the account: that of
    /// [`TokenSource::account_hash`](crate::TokenSource::account_hash).
    pub fn account_hash(&self) -> &str {
        &self.account_hash
    }

    /// The state of its login.
    pub fn state(&self) -> LoginState {
        self.state
    }

    /// Why the last refresh failed, why the login ended, or why the entry cannot be read.
    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }
}

/// A page of [`Client::start_accounts`](crate::Client::start_accounts).
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
/// # use sipgate_oauth2::CallOptions;
/// let page = client.start_accounts(None, &CallOptions::new()).wait()?;
/// println!("{} of the first hundred entries are accounts of this client", page.accounts.len());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountsPage {
    /// The accounts, often fewer than a hundred: other entries are not logins, or belong to
    /// another client.
    pub accounts: Vec<StoredAccount>,
    /// Where the next page starts; `None` after the last one.
    pub next: Option<String>,
}

/// The accounts of a client in its store: see [`Client::accounts`](crate::Client::accounts). A page
/// is read when it is needed.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) {
/// let stored = client.accounts().filter_map(Result::ok).count();
/// # }
/// ```
#[must_use]
pub struct Accounts {
    read: ReadPage,
    page: std::vec::IntoIter<StoredAccount>,
    next: Next,
}

type ReadPage = Box<dyn FnMut(Option<&str>) -> Result<AccountsPage> + Send>;

enum Next {
    First,
    After(String),
    End,
}

impl Accounts {
    pub(crate) fn new(read: impl FnMut(Option<&str>) -> Result<AccountsPage> + Send + 'static) -> Self {
        Self { read: Box::new(read), page: Vec::new().into_iter(), next: Next::First }
    }
}

impl Iterator for Accounts {
    type Item = Result<StoredAccount>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(account) = self.page.next() {
                return Some(Ok(account));
            }
            let read = match std::mem::replace(&mut self.next, Next::End) {
                Next::First => (self.read)(None),
                Next::After(key) => (self.read)(Some(&key)),
                Next::End => return None,
            };
            match read {
                Ok(page) => {
                    self.page = page.accounts.into_iter();
                    self.next = page.next.map_or(Next::End, Next::After);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

/// Reads the entries after this place.
pub(crate) fn start(context: &Arc<Context>, store: &Store, after: Option<&str>, options: &CallOptions) -> Result<Task<AccountsPage>> {
    let unknown = |_| Error::invalid_argument("after", "is not where a page said that the next one starts; pass its next");
    let after = after.map(StoreKey::parse).transpose().map_err(unknown)?;
    let (task, completer) = Task::new(options, |why, _| Err(wait_ended(why)));
    let reading = Reading { context: Arc::clone(context), store: store.clone(), after, completer };
    let semaphore = Arc::clone(&store.accounts().shared().store);
    if let Some((reading, permit)) = semaphore.acquire(reading, Reading::resume) {
        reading.resume(permit);
    }
    Ok(task)
}

struct Reading {
    context: Arc<Context>,
    store: Store,
    after: Option<StoreKey>,
    completer: Completer<AccountsPage>,
}

impl Reading {
    fn resume(self, permit: Permit) {
        let completer = self.completer.clone();
        completer.run("a list of accounts", move || {
            let page = self.page();
            drop(permit);
            self.completer.complete(page);
        });
    }

    fn page(&self) -> Result<AccountsPage> {
        let keys = keys(&self.store, self.after.as_ref())?;
        let mut accounts = Vec::new();
        for key in &keys {
            // Nobody waits any more.
            if self.completer.is_complete() {
                break;
            }
            accounts.extend(self.account(key)?);
        }
        let next = keys.last().filter(|_| keys.len() >= PAGE).map(|key| key.as_str().to_owned());
        Ok(AccountsPage { accounts, next })
    }

    fn account(&self, key: &StoreKey) -> Result<Option<StoredAccount>> {
        let account_hash = key.account_hash().to_owned();
        Ok(match find(&self.context, &self.store, key)? {
            Found::Login(record) => Some(StoredAccount {
                account: record.account.account.clone(),
                account_hash,
                state: state(&record),
                last_error: last_error(&record),
            }),
            Found::Unreadable(error) => {
                Some(StoredAccount { account: String::new(), account_hash, state: LoginState::Unreadable, last_error: Some(error) })
            }
            Found::Other => None,
        })
    }
}

/// The keys after this one, or the first ones: a page. Keys in another order would be read for
/// ever.
pub(super) fn keys(store: &Store, after: Option<&StoreKey>) -> Result<Vec<StoreKey>> {
    let keys = ask_store(|| store.token_store().keys(after, PAGE))?;
    if keys.len() <= PAGE && after.into_iter().chain(&keys).is_sorted_by(|before, key| before < key) {
        return Ok(keys);
    }
    let problem = "the store's keys must be those after the one given, in ascending order, and not more than asked for; run its check";
    Err(Error::mistaken_store(problem, "keys in another order"))
}

/// What is stored under a key.
pub(super) enum Found {
    /// A login of this client.
    Login(Box<Record>),
    /// An entry that cannot be read. It may be anything.
    Unreadable(Error),
    /// Nothing, another client's login, or something that is no login.
    Other,
}

/// Looks at an entry as it is in the store.
pub(super) fn find(context: &Context, store: &Store, key: &StoreKey) -> Result<Found> {
    let decoded = ask_store(|| store.token_store().load(key))
        .and_then(|found| found.map_or(Ok(None), |StoreEntry { data, .. }| Record::decode_any(&data)));
    Ok(match decoded {
        Ok(Some(record)) if is_login(context, &record) => Found::Login(record.into()),
        Ok(_) => Found::Other,
        Err(error) if matches!(error.code(), ErrorCode::StoreCorrupt | ErrorCode::StoreFormat) => Found::Unreadable(error),
        Err(error) => return Err(error),
    })
}

fn is_login(context: &Context, record: &Record) -> bool {
    let account = &record.account;
    account.issuer == context.metadata.issuer && account.client_id == context.credentials.client_id && state(record) != LoginState::Absent
}

fn wait_ended(why: WaitEnded) -> Error {
    match why {
        WaitEnded::Cancelled => Error::new(ErrorCode::Cancelled, "cancelled"),
        _ => Error::new(ErrorCode::Timeout, "the call's timeout elapsed: the store has not responded"),
    }
}
