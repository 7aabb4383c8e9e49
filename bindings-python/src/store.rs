//! `Store`, and the kit that tests one.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use sipgate_oauth2 as core;
use sipgate_oauth2::{EncryptionKey, store_kit};

use crate::argument::{self, Optional};
use crate::own_store::OwnStore;
use crate::{door, errors, own_store};

/// Where logins are kept, for all processes that use it. Clients and token sources of one store share what is held in memory, and refresh together:
/// make one per process.
///
/// `Store(own)` keeps them wherever `own` does, an object with two functions, plain or `async` (for `sipgate_oauth2.aio`):
/// `load(key)` gives `(version, data, ends)`, or `None` where nothing is; `save(key, expected_version, version, data, ends)` puts these three
/// there in one step if the version there is `expected_version`, or if nothing is there and it is `None`, and gives `True`; otherwise it changes nothing
/// and gives `False`. `data` is bytes that hold secrets; an entry may be dropped once `ends` (seconds since 1970, or `None`) has passed. The
/// functions are called on the library's threads, or on the event loop. What was read counts for `recheck` seconds, 5 unless given.
#[pyclass(frozen, module = "sipgate_oauth2")]
pub(crate) struct Store {
    pub(crate) core: core::Store,
    pub(crate) own: Option<OwnStore>,
}

pub(crate) fn read<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a Store> {
    let expected = "a Store: Store.sqlite(path), Store.memory() or Store(an object with load and save)";
    Ok(value.cast::<Store>().map_err(|_| argument::wrong_type("store", expected, value))?.get())
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (own, /, *, encryption_keys=None, recheck=None))]
    fn new(py: Python<'_>, own: &Bound<'_, PyAny>, encryption_keys: Optional<'_, '_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        let own = OwnStore::new(own)?;
        let settings = Settings::new(encryption_keys, recheck)?;
        let core = door::work(py, "Store", || settings.apply(core::Store::new(own.clone())))?;
        Ok(Self { core, own: Some(own) })
    }

    /// Logins that end with the process. For tests and programs for one run. What was read counts for `recheck` seconds, 1 unless given.
    #[staticmethod]
    #[pyo3(signature = (*, recheck=None))]
    fn memory(py: Python<'_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        let settings = Settings::new(None, recheck)?;
        Ok(Self { core: door::work(py, "Store.memory", || settings.apply(core::Store::memory()))?, own: None })
    }

    /// Logins in a SQLite database, for any number of processes of one machine. The file is made when it is not there, readable by its owner alone.
    ///
    /// With `encryption_keys` the entries are encrypted (AES-256-GCM). A key is 32 random bytes, or these as base64 or hexadecimal text. The first
    /// one is written with; the others, and entries that are not encrypted, are still read. `recheck` is the time in seconds in which a login or
    /// logout of another process shows, 1 unless given.
    #[staticmethod]
    #[pyo3(signature = (path, *, encryption_keys=None, recheck=None))]
    fn sqlite(path: &Bound<'_, PyAny>, encryption_keys: Optional<'_, '_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        open(path, Settings::new(encryption_keys, recheck)?, core::Store::sqlite)
    }

    /// `sqlite` on a network file system, which it refuses: their locks are known to fail, and then two machines spend one refresh token.
    #[staticmethod]
    #[pyo3(signature = (path, *, encryption_keys=None, recheck=None))]
    fn sqlite_on_network_file_system(
        path: &Bound<'_, PyAny>,
        encryption_keys: Optional<'_, '_>,
        recheck: Optional<'_, '_>,
    ) -> PyResult<Self> {
        open(path, Settings::new(encryption_keys, recheck)?, core::Store::sqlite_on_network_file_system)
    }

    fn __repr__(&self) -> &'static str {
        if self.own.is_some() { "Store(own, …)" } else { "Store(…)" }
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Store holds secrets and cannot be pickled or copied; make another from the same settings"))
    }
}

fn open(path: &Bound<'_, PyAny>, settings: Settings, open: fn(PathBuf) -> core::Result<core::Store>) -> PyResult<Store> {
    let file: PathBuf = path.extract().map_err(|_| argument::wrong_type("path", "a str or a path", path))?;
    let core = door::outside(path.py(), || settings.apply(open(file)?))?;
    Ok(Store { core, own: None })
}

struct Settings {
    encryption_keys: Option<Vec<EncryptionKey>>,
    recheck: Option<Duration>,
}

impl Settings {
    fn new(encryption_keys: Optional<'_, '_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        Ok(Self {
            encryption_keys: encryption_keys.map(keys).transpose()?,
            recheck: recheck.map(|recheck| argument::seconds("recheck", recheck)).transpose()?,
        })
    }

    fn apply(self, mut store: core::Store) -> core::Result<core::Store> {
        if let Some(keys) = self.encryption_keys {
            store = store.encrypted(keys)?;
        }
        Ok(match self.recheck {
            Some(recheck) => store.recheck(recheck),
            None => store,
        })
    }
}

fn keys(value: &Bound<'_, PyAny>) -> PyResult<Vec<EncryptionKey>> {
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
    door::work(py, "encryption_keys", || EncryptionKey::parse(text))
}

/// Tests whether a store of the application's own keeps the promises that the library builds on, and gives those that it broke, in words: an empty
/// list is good. What a function raises is raised, as the cause of a `StoreError`. What is stored for it ends within seconds, so that the store need not be empty.
#[pyfunction]
#[pyo3(signature = (own, /))]
pub(crate) fn check_store(py: Python<'_>, own: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    checked(py, &OwnStore::new(own)?)
}

/// The same for an `async` store, on a thread that may wait: the event loop goes on meanwhile.
#[pyfunction]
#[pyo3(signature = (own, event_loop, /))]
pub(crate) fn check_store_on(py: Python<'_>, own: &Bound<'_, PyAny>, event_loop: Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let own = OwnStore::new(own)?;
    own.used_on(event_loop);
    checked(py, &own)
}

fn checked(py: Python<'_>, own: &OwnStore) -> PyResult<Vec<String>> {
    let violations = door::outside(py, || Ok(store_kit::check(own).err().unwrap_or_default()))?;
    if let Some(error) = violations.iter().find_map(own_store::raised_in) {
        return Err(errors::exception(py, &error));
    }
    Ok(violations.iter().map(ToString::to_string).collect())
}
