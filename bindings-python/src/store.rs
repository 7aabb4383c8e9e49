//! The native half of `Store`, and the check of a custom one.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use sipgate_oauth2::{EncryptionKey, Result, SqliteOptions, Store, conformance};

use crate::argument::{self, Any, Optional};
use crate::custom_store::{self, CustomStore};
use crate::{call, errors};

#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct StoreHandle {
    pub(crate) core: Store,
    pub(crate) custom: Option<CustomStore>,
}

pub(crate) fn read<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, StoreHandle>> {
    argument::handle("store", "a Store: Store.sqlite(path), Store.memory() or Store(an object with load and save)", value)
}

#[pymethods]
impl StoreHandle {
    #[staticmethod]
    fn custom(store: Any<'_, '_>, encryption_keys: Optional<'_, '_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        let custom = CustomStore::new(store)?;
        let settings = Settings::new(encryption_keys, recheck)?;
        let core = call::work(store.py(), "Store", || settings.apply(Store::new(custom.clone())))?;
        Ok(Self { core, custom: Some(custom) })
    }

    #[staticmethod]
    fn memory(py: Python<'_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        let settings = Settings::new(None, recheck)?;
        Ok(Self { core: call::work(py, "Store.memory", || settings.apply(Store::memory()))?, custom: None })
    }

    #[staticmethod]
    fn sqlite(
        path: Any<'_, '_>,
        encryption_keys: Optional<'_, '_>,
        recheck: Optional<'_, '_>,
        allow_network_file_system: Optional<'_, '_>,
    ) -> PyResult<Self> {
        let file: PathBuf = path.extract().map_err(|_| argument::wrong_type("path", "a str or a path", path))?;
        let settings = Settings::new(encryption_keys, recheck)?;
        let mut options = SqliteOptions::new();
        if allow_network_file_system.map_or(Ok(false), |allow| argument::flag("allow_network_file_system", allow))? {
            options = options.allow_network_file_system();
        }
        let core = call::outside(path.py(), || settings.apply(Store::sqlite_with(file, &options)?))?;
        Ok(Self { core, custom: None })
    }

    #[getter]
    fn is_custom(&self) -> bool {
        self.custom.is_some()
    }
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

    fn apply(self, mut store: Store) -> Result<Store> {
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
    call::work(py, "encryption_keys", || EncryptionKey::parse(text))
}

#[pyfunction]
pub(crate) fn check_store(py: Python<'_>, store: Any<'_, '_>) -> PyResult<Vec<String>> {
    checked(py, &CustomStore::new(store)?)
}

/// The same for an `async` store, on a thread that may wait while the event loop runs.
#[pyfunction]
pub(crate) fn check_store_on(py: Python<'_>, store: Any<'_, '_>, event_loop: Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let store = CustomStore::new(store)?;
    store.used_on(event_loop);
    checked(py, &store)
}

fn checked(py: Python<'_>, store: &CustomStore) -> PyResult<Vec<String>> {
    let violations = call::outside(py, || Ok(conformance::check(store).err().unwrap_or_default()))?;
    if let Some(error) = violations.iter().find_map(custom_store::raised_in) {
        return Err(errors::exception(py, &error));
    }
    Ok(violations.iter().map(ToString::to_string).collect())
}
