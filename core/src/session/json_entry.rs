//! JSON entries of the store that are not logins.

use protocol::error::{Error, ErrorCode, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entry::{ask_store, version};
use super::store::Store;
use crate::context::Context;
use crate::store::{StoreEntry, StoreKey, SwapOutcome};

/// What is stored, and its version.
pub(super) fn load<T: DeserializeOwned>(store: &Store, key: &StoreKey) -> Result<Option<(String, T)>> {
    let Some(found) = ask_store(|| store.token_store().load(key))? else { return Ok(None) };
    let value = serde_json::from_slice(&found.data).map_err(|_| {
        Error::new(ErrorCode::StoreCorrupt, "the store has an entry that this library did not write; restore the store from a backup")
    })?;
    Ok(Some((found.version, value)))
}

/// The new version, or `None` if the stored one is not the expected one. The store may forget the
/// entry after `kept` seconds.
pub(super) fn write(
    context: &Context,
    store: &Store,
    key: &StoreKey,
    expected: Option<&str>,
    value: &impl Serialize,
    kept: i64,
) -> Result<Option<String>> {
    let data = serde_json::to_vec(value).map_err(|_| Error::caught_panic("an entry"))?;
    let entry = StoreEntry { version: version(&*context.random)?, data, expires_at: Some(context.clock.unix_seconds() + kept) };
    let swapped = ask_store(|| store.token_store().swap(key, expected, &entry))?;
    Ok((swapped == SwapOutcome::Stored).then_some(entry.version))
}
