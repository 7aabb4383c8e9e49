//! The mark by which a store that was emptied differs from one in which nobody is logged in.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ::redis::Value;
use protocol::error::Result;

use super::caller::{Call, Caller};
use super::commands;
use super::connection::Failure;
use super::wire::{bytes, not_redis};
use crate::store::options::Durability;
use crate::store::remote::address::Address;
use crate::store::remote::failure::misconfigured;
use crate::store::remote::pool::Repeat;
use crate::sys::process::PerProcess;
use crate::sys::random::{SystemRandomness, tokens};

/// What this process knows of the mark.
pub(super) struct Marker(PerProcess<Mutex<Option<MarkerId>>>);

/// The random id of the store, as this process first saw it. `None` for a store whose owner expects
/// it to be emptied.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct MarkerId(Option<Vec<u8>>);

impl Marker {
    pub(super) fn new() -> Self {
        Self(PerProcess::new())
    }

    /// The id, which the first process of all writes.
    pub(super) fn id(&self, caller: &Caller, deadline: Instant) -> Result<MarkerId> {
        if caller.settings.durability == Durability::Memory {
            return Ok(MarkerId(None));
        }
        let known = self.0.get_or_make(Mutex::default);
        let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = lock().clone() {
            return Ok(id);
        }
        let id = first(caller, deadline)?;
        Ok(lock().get_or_insert(id).clone())
    }
}

impl MarkerId {
    pub(super) fn is_expected(&self) -> bool {
        self.0.is_some()
    }

    /// Fails if the store has another id, or none.
    pub(super) fn require(&self, found: Value, address: &Address) -> Result<(), Failure> {
        if self.is_expected() && bytes(found) != self.0 {
            return Err(misconfigured(
                address,
                "the store was emptied or replaced since this process first used it; restore it from a backup, or restart the application if all users shall log in again",
            )
            .into());
        }
        Ok(())
    }
}

/// The id in the store, or a new one.
fn first(caller: &Caller, deadline: Instant) -> Result<MarkerId> {
    let name = caller.settings.names.marker();
    let [new] = tokens(&SystemRandomness::new())?;
    caller.call(Call { name: &name, deadline, repeat: Repeat::Never }, |connection| {
        let [found] = connection.ask([&commands::get(&name)])?;
        if let Some(id) = bytes(found?) {
            return Ok(MarkerId(Some(id)));
        }
        connection.write(&commands::set_if_absent(&name, &new), |set| *set == Value::Okay)?;
        let [found] = connection.ask([&commands::get(&name)])?;
        Ok(MarkerId(Some(bytes(found?).ok_or_else(not_redis)?)))
    })
}
