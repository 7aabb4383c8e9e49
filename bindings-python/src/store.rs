//! The native half of `Store`, and the check of a custom one.

use std::path::PathBuf;

use pyo3::prelude::*;
use sipgate_oauth2::{SqliteOptions, Store, conformance};

use crate::argument::{self, Any, Keywords, Optional};
use crate::call_options::CallOptions;
use crate::custom_store::{self, CustomStore};
use crate::event_loop::{self, EventLoop};
use crate::store_options::{OpenOptions, Settings};
use crate::task::Task;
use crate::{call, errors};

#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct StoreHandle {
    pub(crate) core: Store,
    /// Where its functions run, if it has any.
    pub(crate) event_loop: Option<EventLoop>,
    is_custom: bool,
}

pub(crate) fn read<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, StoreHandle>> {
    argument::handle("store", "a Store: Store.open(url), Store.sqlite(path), Store.memory() or Store(an object with load and save)", value)
}

#[pymethods]
impl StoreHandle {
    #[staticmethod]
    fn custom(store: Any<'_, '_>, encryption_keys: Optional<'_, '_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        let custom = CustomStore::new(store)?;
        let settings = Settings::new(encryption_keys, recheck)?;
        let core = call::work(store.py(), "Store", || settings.apply(Store::new(custom.clone())))?;
        Ok(Self { core, event_loop: Some(custom.event_loop().clone()), is_custom: true })
    }

    #[staticmethod]
    fn memory(py: Python<'_>, recheck: Optional<'_, '_>) -> PyResult<Self> {
        let settings = Settings::new(None, recheck)?;
        Ok(Self { core: call::work(py, "Store.memory", || settings.apply(Store::memory()))?, event_loop: None, is_custom: false })
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
        Ok(Self { core, event_loop: None, is_custom: false })
    }

    #[staticmethod]
    #[pyo3(signature = (url, **options))]
    fn open(url: Any<'_, '_>, options: Option<Keywords<'_, '_>>) -> PyResult<Self> {
        let place = argument::text("url", url)?;
        let OpenOptions { settings, store, event_loop } = OpenOptions::read(options)?;
        let core = call::outside(url.py(), || settings.apply(Store::open_with(place, &store)?))?;
        Ok(Self { core, event_loop, is_custom: false })
    }

    #[staticmethod]
    fn postgres_schema(py: Python<'_>, table: Optional<'_, '_>) -> PyResult<String> {
        let table = argument::optional_text("table", table)?;
        call::work(py, "Store.postgres_schema", || Store::postgres_schema(table))
    }

    #[pyo3(signature = (**call))]
    fn start_check(&self, py: Python<'_>, call: Option<Keywords<'_, '_>>) -> PyResult<Task> {
        let given = |py: Python<'_>, problems: Vec<String>| Ok(problems.into_pyobject(py)?.unbind());
        Task::start(py, &CallOptions::read(call)?, given, |options| self.core.start_check(options))
    }

    /// Itself, for `await`: the `async` functions of a store run on the event loop of this thread.
    fn on_running_loop<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        event_loop::use_running_loop(slf.get().event_loop.as_ref(), slf.py())?;
        Ok(slf)
    }

    #[getter]
    fn is_custom(&self) -> bool {
        self.is_custom
    }
}

#[pyfunction]
pub(crate) fn check_store(py: Python<'_>, store: Any<'_, '_>) -> PyResult<Vec<String>> {
    checked(py, &CustomStore::new(store)?)
}

/// The same for an `async` store, on a thread that may wait while the event loop runs.
#[pyfunction]
pub(crate) fn check_store_on(py: Python<'_>, store: Any<'_, '_>, event_loop: Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let store = CustomStore::new(store)?;
    store.event_loop().used_on(event_loop);
    checked(py, &store)
}

fn checked(py: Python<'_>, store: &CustomStore) -> PyResult<Vec<String>> {
    let violations = call::outside(py, || Ok(conformance::check(store).err().unwrap_or_default()))?;
    if let Some(error) = violations.iter().find_map(custom_store::raised_in) {
        return Err(errors::exception(py, &error));
    }
    Ok(violations.iter().map(ToString::to_string).collect())
}
