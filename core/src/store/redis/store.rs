//! Loads and swaps.

use std::time::Instant;

use ::redis::Value;
use protocol::error::Result;

use super::caller::{Call, Caller};
use super::connection::Failure;
use super::listing::Listing;
use super::marker::Marker;
use super::nodes::Nodes;
use super::settings::Settings;
use super::wire::{array, bytes, not_redis, number, text};
use super::{check, commands};
use crate::store::options::StoreOptions;
use crate::store::remote::address::Address;
use crate::store::remote::failure::misconfigured;
use crate::store::remote::pool::Repeat;
use crate::store::token_store::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};
use crate::sys::clock::{Clock as _, SystemClock};

/// A store in Redis or Valkey, for any number of machines. See [decision 37].
///
/// [decision 37]:
/// https://github.com/sipgate-oauth2/sipgate-oauth2/blob/main/docs/decisions/0037-the-redis-crate-packs-and-parses.md
pub(crate) struct Redis {
    caller: Caller,
    marker: Marker,
    pub(super) listing: Listing,
}

impl Redis {
    /// Does no I/O.
    pub(crate) fn open(url: &str, options: &StoreOptions) -> Result<Self> {
        let (settings, route) = Settings::new(url, options)?;
        let (nodes, marker) = (Nodes::new(route, settings.limits.connections), Marker::new(settings.durability));
        Ok(Self { caller: Caller::new(settings, nodes), marker, listing: Listing::new() })
    }

    fn load_entry(&self, key: &StoreKey) -> Result<Option<StoreEntry>> {
        let deadline = self.caller.settings.limits.deadline();
        self.marker.learn(&self.caller, deadline)?;
        let names = &self.caller.settings.names;
        let (name, load, marker) = (names.entry(key), commands::load(&names.entry(key)), commands::get(&names.marker()));
        let (found, is_marked) = self.caller.call(Call { name: &name, deadline, repeat: Repeat::Once }, |connection| {
            // In a cluster, the marker may be on another node.
            if connection.info.is_cluster {
                let [found] = connection.ask([&load])?;
                return Ok((entry(found?, &connection.address)?, false));
            }
            let [found, marker] = connection.ask([&load, &marker])?;
            let found = entry(found?, &connection.address)?;
            if found.is_none() {
                self.marker.require(marker?, &connection.address)?;
            }
            Ok((found, true))
        })?;
        if found.is_none() && !is_marked {
            self.require_marker(deadline)?;
        }
        let now = SystemClock.unix_seconds();
        Ok(found.filter(|entry| entry.expires_at.is_none_or(|expires_at| expires_at >= now)))
    }

    fn require_marker(&self, deadline: Instant) -> Result<()> {
        if !self.marker.is_required() {
            return Ok(());
        }
        let name = self.caller.settings.names.marker();
        self.caller.call(Call { name: &name, deadline, repeat: Repeat::Once }, |connection| {
            let [marker] = connection.ask([&commands::get(&name)])?;
            self.marker.require(marker?, &connection.address)
        })
    }

    fn list(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>> {
        self.marker.learn(&self.caller, self.caller.settings.limits.deadline())?;
        let page = self.listing.page(&self.caller, after, limit)?;
        if page.is_empty() && after.is_none() {
            self.require_marker(self.caller.settings.limits.deadline())?;
        }
        Ok(page)
    }

    fn swap_entry(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome> {
        let deadline = self.caller.settings.limits.deadline();
        self.marker.learn(&self.caller, deadline)?;
        let name = self.caller.settings.names.entry(key);
        let swap = commands::swap(&name, expected, entry, SystemClock.unix_seconds());
        self.caller.call(Call { name: &name, deadline, repeat: Repeat::Never }, |connection| {
            let swapped = connection.write(&swap, |swapped| number(swapped) == Some(1))?;
            match number(&swapped) {
                Some(1) => Ok(SwapOutcome::Stored),
                Some(0) => Ok(SwapOutcome::Conflict),
                _ => Err(not_redis().into()),
            }
        })
    }
}

impl TokenStore for Redis {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        Ok(self.load_entry(key)?)
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        Ok(self.swap_entry(key, expected, entry)?)
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        Ok(self.list(after, limit)?)
    }

    fn check(&self) -> Result<Vec<String>, BoxError> {
        Ok(check::findings(&self.caller)?)
    }
}

/// The entry of a reply to `HMGET`, if there is one.
fn entry(value: Value, address: &Address) -> Result<Option<StoreEntry>, Failure> {
    let fields = array(value).and_then(|fields| <[Value; 3]>::try_from(fields).ok());
    let [version, data, expires_at] = fields.ok_or_else(not_redis)?;
    if version == Value::Nil {
        return Ok(None);
    }
    let parsed = parsed(version, data, expires_at);
    Ok(Some(parsed.ok_or_else(|| misconfigured(address, "a key under the prefix was written by something else; give another prefix"))?))
}

fn parsed(version: Value, data: Value, expires_at: Value) -> Option<StoreEntry> {
    let expires_at = match text(expires_at)?.as_str() {
        "" => None,
        seconds => Some(seconds.parse().ok()?),
    };
    Some(StoreEntry { version: text(version)?, data: bytes(data)?, expires_at })
}
