//! A shard of the keys of a store: one of 256, by their first byte. The entry of a shard says when
//! its logins are next looked at, and who does that now.

use protocol::error::Result;
use protocol::time::Moment;
use serde::{Deserialize, Serialize};

use super::entry::key;
use super::json_entry;
use super::store::Store;
use super::stored_accounts::{self, PAGE};
use crate::context::Context;
use crate::store::StoreKey;

/// The longest time between two sweeps of a shard.
pub(super) const LONGEST_INTERVAL_SECONDS: i64 = 86_400;

/// The store may forget a shard that nobody has looked at for this long.
const KEPT_SECONDS: i64 = 30 * 86_400;

/// What is stored for a shard.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct ShardState {
    /// When it is due, in seconds since 1970.
    #[serde(default)]
    pub(super) next_at: i64,
    /// The sweep that has claimed it, by a random name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
}

impl ShardState {
    /// A clock that was ahead does not keep a shard from being due.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        let now = now.wall.div_euclid(1000);
        !(now + 1..=now + LONGEST_INTERVAL_SECONDS).contains(&self.next_at)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard(pub(super) u8);

impl Shard {
    /// What is stored, and its version.
    pub(super) fn load(self, context: &Context, store: &Store) -> Result<Option<(String, ShardState)>> {
        json_entry::load(store, &self.key(context))
    }

    /// The new version, or `None` if the stored one is not the expected one.
    pub(super) fn write(self, context: &Context, store: &Store, expected: Option<&str>, state: &ShardState) -> Result<Option<String>> {
        json_entry::write(context, store, &self.key(context), expected, state, KEPT_SECONDS)
    }

    /// Its keys after this one, or the first ones: a page, and whether it is the last.
    pub(super) fn keys(self, store: &Store, after: Option<&StoreKey>) -> Result<(Vec<StoreKey>, bool)> {
        let before = self.0.checked_sub(1).map(|before| {
            let mut last = [0xFF; 32];
            last[0] = before;
            StoreKey::new(&last)
        });
        let mut keys = stored_accounts::keys(store, after.or(before.as_ref()))?;
        let listed = keys.len();
        let prefix = format!("{:02x}", self.0);
        keys.retain(|key| key.as_str().starts_with(&prefix));
        let is_last = keys.len() < listed || listed < PAGE;
        Ok((keys, is_last))
    }

    fn key(self, context: &Context) -> StoreKey {
        key(&["keep-alive", &context.metadata.issuer, &context.credentials.client_id, &self.0.to_string()])
    }
}
