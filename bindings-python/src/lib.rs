//! The native half of the Python package `sipgate_oauth2`, which the package's Python files alone
//! use. It converts, and no more: each public class has a handle here, and each operation one
//! `start_…` method that gives a `Task`. `call` is the only way to a function of the core that
//! waits.

mod argument;
mod at_exit;
mod authorization_request;
mod call;
mod call_options;
mod cancel_token;
mod client;
mod client_options;
mod command_line;
mod custom_store;
mod ended_calls;
mod errors;
mod event_handler;
mod event_loop;
mod fork;
mod interpreter;
mod json;
mod log;
mod logout_parameters;
mod metadata;
mod password;
mod raised;
mod store;
mod store_options;
mod string_cache;
mod task;
mod token_set;
mod token_source;

// Nobody has run it without the GIL yet. A free-threaded Python switches the GIL on when it imports
// this module.
#[pyo3::pymodule(gil_used = true)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_init]
    #[expect(clippy::unnecessary_wraps, reason = "what pyo3 calls")]
    fn loaded(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        sipgate_oauth2_memory::wipe_sqlite();
        Ok(())
    }

    #[pymodule_export]
    use crate::at_exit::end;
    #[pymodule_export]
    use crate::authorization_request::AuthorizationRequestHandle;
    #[pymodule_export]
    use crate::cancel_token::CancelTokenHandle;
    #[pymodule_export]
    use crate::client::ClientHandle;
    #[pymodule_export]
    use crate::command_line::run_command_line;
    #[pymodule_export]
    use crate::ended_calls::EndedCalls;
    #[pymodule_export]
    use crate::errors::error_codes;
    #[pymodule_export]
    use crate::event_loop::needs_event_loop;
    #[pymodule_export]
    use crate::fork::{after_fork, before_fork};
    #[pymodule_export]
    use crate::metadata::start_discover;
    #[pymodule_export]
    use crate::store::{StoreHandle, check_store, check_store_on};
    #[pymodule_export]
    use crate::task::Task;
    #[pymodule_export]
    use crate::token_set::TokenSetHandle;
    #[pymodule_export]
    use crate::token_source::TokenSourceHandle;

    #[pymodule_export]
    const VERSION: &str = sipgate_oauth2::VERSION;
}
