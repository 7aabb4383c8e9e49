//! The native half of `CancelToken`.

use pyo3::prelude::*;
use sipgate_oauth2::CancelToken;

use crate::{argument, call};

#[pyclass(frozen, module = "sipgate_oauth2._native")]
pub(crate) struct CancelTokenHandle(CancelToken);

pub(crate) fn read(value: &Bound<'_, PyAny>) -> PyResult<CancelToken> {
    argument::handle::<CancelTokenHandle>("cancel", "a CancelToken", value).map(|token| token.get().0.clone())
}

#[pymethods]
impl CancelTokenHandle {
    #[new]
    fn new() -> Self {
        Self(CancelToken::new())
    }

    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        call::outside(py, || {
            self.0.cancel();
            Ok(())
        })
    }

    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
