//! The accounts that belong to a session, or to a user, at the server. They are in the store, so
//! that a logout token finds them from every process.

use protocol::error::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};

use super::entry::{ask_store, key, version};
use super::single_flight::AccountState;
use super::store::Store;
use crate::context::Context;
use crate::store::{StoreEntry, StoreKey, SwapOutcome};

/// How long the store knows the account of a session: longer than sessions last.
const SESSION_SECONDS: i64 = 400 * 24 * 3600;

/// How often a write is repeated while others change the same entry.
const MAX_CONFLICTS: u32 = 16;

/// The accounts of a session, or of a user.
#[derive(Default, Serialize, Deserialize)]
struct Accounts {
    accounts: Vec<String>,
}

/// Notes the account of a login that is stored. If the store fails, a logout token will not find
/// the login, and it ends when its tokens are next refreshed.
pub(super) fn remember(context: &Context, store: &Store, account_state: &AccountState) {
    let identity = account_state.read(|local| local.record().and_then(|record| record.identity.clone()));
    let Some(identity) = identity else { return };
    let account = &account_state.account.account;
    let note = |kind: &str, name: &str, ends: Option<i64>| add(context, store, &index(context, kind, name), account, ends);
    if let Some(session_id) = &identity.session {
        let _ = note("sid", session_id, Some(context.clock.unix_seconds() + SESSION_SECONDS));
    }
    if *account != identity.subject {
        let _ = note("sub", &identity.subject, None);
    }
}

/// Removes the account of a login from what is filed under its session and its user.
pub(super) fn forget(context: &Context, store: &Store, account_state: &AccountState) -> Result<()> {
    let identity = account_state.read(|local| local.record().and_then(|record| record.identity.clone()));
    let Some(identity) = identity else { return Ok(()) };
    let session = identity.session.iter().map(|session_id| ("sid", session_id));
    for (kind, name) in session.chain([("sub", &identity.subject)]) {
        remove(context, store, &index(context, kind, name), &account_state.account.account)?;
    }
    Ok(())
}

fn remove(context: &Context, store: &Store, key: &StoreKey, account: &str) -> Result<()> {
    for _ in 0..MAX_CONFLICTS {
        let Some(found) = ask_store(|| store.token_store().load(key))? else { return Ok(()) };
        let mut accounts = read(&found)?;
        if !accounts.accounts.iter().any(|known| known == account) {
            return Ok(());
        }
        accounts.accounts.retain(|known| known != account);
        // The store may delete an empty one.
        let expires_at = if accounts.accounts.is_empty() { Some(context.clock.unix_seconds()) } else { found.expires_at };
        let data = serde_json::to_vec(&accounts).map_err(|_| Error::caught_panic("a logout"))?;
        let entry = StoreEntry { version: version(&*context.random)?, data, expires_at };
        if ask_store(|| store.token_store().swap(key, Some(&found.version), &entry))? == SwapOutcome::Stored {
            return Ok(());
        }
    }
    Err(Error::new(ErrorCode::Busy, "other processes keep changing an entry of this user's sessions; try again"))
}

fn add(context: &Context, store: &Store, key: &StoreKey, account: &str, expires_at: Option<i64>) -> Result<()> {
    for _ in 0..MAX_CONFLICTS {
        let found = ask_store(|| store.token_store().load(key))?;
        let mut accounts = found.as_ref().map(read).transpose()?.unwrap_or_default();
        if accounts.accounts.iter().any(|known| known == account) {
            break;
        }
        accounts.accounts.push(account.to_owned());
        let data = serde_json::to_vec(&accounts).map_err(|_| Error::caught_panic("a login"))?;
        let entry = StoreEntry { version: version(&*context.random)?, data, expires_at };
        let expected = found.as_ref().map(|found| found.version.as_str());
        if ask_store(|| store.token_store().swap(key, expected, &entry))? == SwapOutcome::Stored {
            break;
        }
    }
    Ok(())
}

fn read(entry: &StoreEntry) -> Result<Accounts> {
    serde_json::from_slice(&entry.data).map_err(|_| {
        Error::new(ErrorCode::StoreCorrupt, "the store has an entry that is not of a session; restore the store from a backup")
    })
}

/// The accounts of a session (`sid`) or of a user (`sub`).
pub(super) fn accounts(context: &Context, store: &Store, kind: &str, name: &str) -> Result<Vec<String>> {
    let found = ask_store(|| store.token_store().load(&index(context, kind, name)))?;
    Ok(found.as_ref().map(read).transpose()?.unwrap_or_default().accounts)
}

pub(super) fn index(context: &Context, kind: &str, name: &str) -> StoreKey {
    key(&[kind, &context.metadata.issuer, &context.credentials.client_id, name])
}
