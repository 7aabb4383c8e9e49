//! The keys of a store, in pages.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::Value;
use protocol::error::Result;

use super::caller::{Call, Caller};
use super::cluster::primaries;
use super::commands;
use super::connection::{Connection, Failure};
use super::wire::{array, bytes, not_redis, text};
use crate::store::remote::address::Address;
use crate::store::remote::failure::unavailable;
use crate::store::remote::pool::Repeat;
use crate::store::token_store::StoreKey;
use crate::sys::process::PerProcess;

/// How many keys the server looks at for each reply.
const STEP: u32 = 1000;

/// How long the keys that were listed for one page are used for the one that follows it.
const KEPT: Duration = Duration::from_secs(30);

/// How long a server may list its keys: enough for many millions, but it may never come to an end.
const LONGEST: Duration = Duration::from_secs(300);

/// A server lists its keys in no order, so the first page costs as much as all.
pub(super) struct Listing {
    kept: PerProcess<Mutex<Option<Listed>>>,
    longest: Duration,
}

struct Listed {
    keys: Vec<StoreKey>,
    at: Instant,
    /// The last key of the page.
    end: Option<StoreKey>,
}

impl Listing {
    pub(super) fn new() -> Self {
        Self { kept: PerProcess::new(), longest: LONGEST }
    }

    #[cfg(test)]
    pub(super) fn give_up_after(&mut self, longest: Duration) {
        self.longest = longest;
    }

    pub(super) fn page(&self, caller: &Caller, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>> {
        let kept = self.kept.get_or_make(Mutex::default);
        let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Any other page may be about keys that were stored since.
        let follows = |listed: &Listed| after.is_some() && listed.end.as_ref() == after && listed.at.elapsed() < KEPT;
        let listed = lock().take().filter(follows);
        let mut listed = match listed {
            Some(listed) => listed,
            None => Listed { keys: all(caller, Instant::now() + self.longest)?, at: Instant::now(), end: None },
        };
        let start = listed.keys.partition_point(|key| Some(key) <= after);
        let page: Vec<_> = listed.keys[start..].iter().take(limit).cloned().collect();
        if start + page.len() < listed.keys.len() {
            listed.end = page.last().cloned();
            *lock() = Some(listed);
        }
        Ok(page)
    }
}

fn all(caller: &Caller, end: Instant) -> Result<Vec<StoreKey>> {
    let name = caller.settings.names.marker();
    let call = || Call { name: &name, deadline: caller.settings.limits.deadline(), repeat: Repeat::Never };
    let mut keys = match caller.call(call(), |connection| {
        if connection.info.is_cluster {
            primaries(connection).map(Found::Primaries)
        } else {
            scan(caller, connection, end).map(Found::Keys)
        }
    })? {
        Found::Keys(keys) => keys,
        Found::Primaries(primaries) => {
            let mut keys = Vec::new();
            for primary in primaries {
                keys.extend(caller.on(&caller.nodes.at(&primary), call(), |connection| scan(caller, connection, end))?);
            }
            keys
        }
    };
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

enum Found {
    Keys(Vec<StoreKey>),
    Primaries(Vec<Address>),
}

/// Each page has the time of an operation: how many there are depends on the database.
fn scan(caller: &Caller, connection: &mut Connection, end: Instant) -> Result<Vec<StoreKey>, Failure> {
    let pattern = caller.settings.names.pattern();
    let (mut keys, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        connection.set_deadline(caller.settings.limits.deadline());
        let [page] = connection.ask([&commands::scan(&cursor, &pattern, STEP)])?;
        let (next, names) = page_of(page?).ok_or_else(not_redis)?;
        keys.extend(names.iter().filter_map(|name| caller.settings.names.key(name)));
        if next == "0" {
            return Ok(keys);
        }
        if Instant::now() >= end {
            return Err(unavailable(
                &connection.address,
                "the server does not come to an end of its keys; keep the logins in a server of their own",
            )
            .into());
        }
        cursor = next;
    }
}

fn page_of(value: Value) -> Option<(String, Vec<Vec<u8>>)> {
    let mut parts = array(value)?.into_iter();
    let (next, names) = (text(parts.next()?)?, array(parts.next()?)?);
    Some((next, names.into_iter().filter_map(bytes).collect()))
}
