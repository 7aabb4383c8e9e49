//! The settings of stores.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use sipgate_oauth2::{Durability, EncryptionKey, Result, Store, StoreOptions};

use crate::argument::{self, Keywords, Optional, Setter};
use crate::event_loop::EventLoop;
use crate::{call, password};

/// What every store has.
#[derive(Default)]
pub(crate) struct Settings {
    encryption_keys: Option<Vec<EncryptionKey>>,
    recheck: Option<Duration>,
}

impl Settings {
    pub(crate) fn new(encryption_keys: Optional<'_, '_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        Ok(Self {
            encryption_keys: encryption_keys.map(keys).transpose()?,
            recheck: recheck.map(|recheck| argument::seconds("recheck", recheck)).transpose()?,
        })
    }

    pub(crate) fn apply(self, mut store: Store) -> Result<Store> {
        if let Some(keys) = self.encryption_keys {
            store = store.encrypted(keys)?;
        }
        Ok(match self.recheck {
            Some(recheck) => store.recheck(recheck),
            None => store,
        })
    }
}

pub(crate) fn keys(value: &Bound<'_, PyAny>) -> PyResult<Vec<EncryptionKey>> {
    let keys = argument::items(value).ok_or_else(|| argument::wrong_type("encryption_keys", "a list of keys", value))?;
    keys.map(|key| self::key(&key?)).collect()
}

fn key(value: &Bound<'_, PyAny>) -> PyResult<EncryptionKey> {
    let py = value.py();
    if let Ok(bytes) = value.cast::<PyBytes>() {
        let bytes = bytes.as_bytes().try_into();
        return bytes
            .map(EncryptionKey::from_bytes)
            .map_err(|_| argument::invalid(py, "encryption_keys", "a key of bytes must have 32 of them"));
    }
    if !value.is_instance_of::<PyString>() {
        return Err(argument::wrong_type("encryption_keys", "a list of bytes or str", value));
    }
    let text = argument::text("encryption_keys", value)?;
    call::work(py, "encryption_keys", || EncryptionKey::parse(text))
}

/// What a store that a URL names may have.
#[derive(Default)]
pub(crate) struct OpenOptions {
    pub(crate) settings: Settings,
    pub(crate) store: StoreOptions,
    /// Where the password function runs, if there is one.
    pub(crate) event_loop: Option<EventLoop>,
}

impl OpenOptions {
    pub(crate) fn read(keywords: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        argument::keywords(Self::default(), keywords, setter)
    }

    fn with<T>(self, value: T, set: impl FnOnce(StoreOptions, T) -> StoreOptions) -> PyResult<Self> {
        Ok(Self { store: set(self.store, value), ..self })
    }
}

fn setter(name: &str) -> Option<Setter<OpenOptions>> {
    Some(match name {
        "encryption_keys" => |options, value| {
            let settings = Settings { encryption_keys: Some(keys(value)?), ..options.settings };
            Ok(OpenOptions { settings, ..options })
        },
        "recheck" => |options, value| {
            let settings = Settings { recheck: Some(argument::seconds("recheck", value)?), ..options.settings };
            Ok(OpenOptions { settings, ..options })
        },
        "password" => |options, value| {
            let (store, event_loop) = password::set(options.store, value)?;
            Ok(OpenOptions { store, event_loop, ..options })
        },
        "ca_certificates" => |options, value| options.with(argument::bytes("ca_certificates", value)?, StoreOptions::ca_certificates),
        "timeout" => |options, value| options.with(argument::seconds("timeout", value)?, StoreOptions::timeout),
        "connections" => |options, value| options.with(argument::count("connections", value)?, StoreOptions::connections),
        "table" => |options, value| options.with(argument::text("table", value)?, StoreOptions::table),
        "create_table" => |options, value| options.with(argument::flag("create_table", value)?, StoreOptions::create_table),
        "prefix" => |options, value| options.with(argument::text("prefix", value)?, StoreOptions::prefix),
        "durability" => |options, value| {
            let name = argument::text("durability", value)?;
            let durability: Durability = call::work(value.py(), "durability", || name.parse())?;
            options.with(durability, StoreOptions::durability)
        },
        "replicas" => |options, value| options.with(argument::count("replicas", value)?, StoreOptions::replicas),
        "allow_network_file_system" => |options, value| {
            let is_allowed = argument::flag("allow_network_file_system", value)?;
            options.with(is_allowed, |store, is_allowed| if is_allowed { store.allow_network_file_system() } else { store })
        },
        _ => return None,
    })
}
