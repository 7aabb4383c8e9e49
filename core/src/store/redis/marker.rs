//! The id of a store in Redis, in a key of its own.

use std::time::Instant;

use ::redis::Value;
use protocol::error::Result;

use super::caller::{Call, Caller};
use super::commands;
use super::connection::Failure;
use super::wire::{not_redis, text};
use crate::store::options::Durability;
use crate::store::remote::address::Address;
use crate::store::remote::failure::misconfigured;
use crate::store::remote::marker::{self, emptied};
use crate::store::remote::pool::Repeat;
use crate::sys::random::{SystemRandomness, tokens};

pub(super) struct Marker {
    seen: marker::Marker,
    /// The owner of a store in memory expects it to be emptied.
    is_required: bool,
}

impl Marker {
    pub(super) fn new(durability: Durability) -> Self {
        Self { seen: marker::Marker::new(), is_required: durability != Durability::Memory }
    }

    pub(super) fn is_required(&self) -> bool {
        self.is_required
    }

    /// Reads the id if it is not known. The first process of all writes it.
    pub(super) fn learn(&self, caller: &Caller, deadline: Instant) -> Result<()> {
        if !self.is_required || self.seen.is_known() {
            return Ok(());
        }
        let name = caller.settings.names.marker();
        let [new] = tokens(&SystemRandomness)?;
        caller.call(Call { name: &name, deadline, repeat: Repeat::Never }, |connection| {
            let [mut found] = connection.ask([&commands::get(&name)])?;
            if matches!(found, Ok(Value::Nil)) {
                connection.write(&commands::set_if_absent(&name, &new), |set| *set == Value::Okay)?;
                [found] = connection.ask([&commands::get(&name)])?;
            }
            let id = text(found?).ok_or_else(not_redis)?;
            self.compare(Some(id), &connection.address)
        })
    }

    /// Fails if the store has another id than the known one, or none.
    pub(super) fn require(&self, found: Value, address: &Address) -> Result<(), Failure> {
        if self.is_required { self.compare(text(found), address) } else { Ok(()) }
    }

    fn compare(&self, found: Option<String>, address: &Address) -> Result<(), Failure> {
        if self.seen.is_still(found) { Ok(()) } else { Err(misconfigured(address, &emptied("the store")).into()) }
    }
}
