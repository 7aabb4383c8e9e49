//! The command line, for the console script.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::call;

/// Runs a command, of which the first argument is the program. Returns its exit code.
#[pyfunction]
pub(crate) fn run_command_line(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    call::outside(py, || Ok(sipgate_oauth2_cli::run(arguments)))
}
