//! The native half of the Python package `sipgate_oauth2`. It converts, nothing more: each file is one Python class or one crossing of the
//! border, and `door` is the only way to a function of the core that waits.

mod argument;
mod at_exit;
mod attach;
mod authorization_request;
mod cancel_token;
mod client;
mod door;
mod errors;
mod event_handler;
mod fork;
mod json;
mod log;
mod login;
mod options;
mod own_store;
mod request;
mod running;
mod shown;
mod store;
mod token_set;
mod token_source;
mod token_status;

#[pyo3::pymodule]
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
    use crate::authorization_request::AuthorizationRequest;
    #[pymodule_export]
    use crate::cancel_token::CancelToken;
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::errors::error_codes;
    #[pymodule_export]
    use crate::fork::{after_fork, before_fork};
    #[pymodule_export]
    use crate::own_store::needs_event_loop;
    #[pymodule_export]
    use crate::running::{
        Running, start_access_token, start_complete_login, start_exchange_callback, start_exchange_code, start_refresh,
        start_source_logout, start_source_refresh, start_source_save, start_source_status,
    };
    #[pymodule_export]
    use crate::store::{Store, check_store, check_store_on};
    #[pymodule_export]
    use crate::token_set::TokenSet;
    #[pymodule_export]
    use crate::token_source::TokenSource;
    #[pymodule_export]
    use crate::token_status::TokenStatus;

    #[pymodule_export]
    const VERSION: &str = sipgate_oauth2::VERSION;
}
