//! Discovery of a server's metadata.

use std::ffi::c_char;
use std::time::Duration;

use sipgate_oauth2::Discovery;

use crate::arguments::text;
use crate::boundary::{run_out, set, settings};
use crate::call_options::{or_defaults, sipgate_oauth2_call_options};
use crate::error::sipgate_oauth2_error;
use crate::handle::{IntoHandle, boxed, free};
use crate::json::sipgate_oauth2_json;
use crate::status::sipgate_oauth2_status;

/// How sipgate_oauth2_discover reaches the server; all of it is optional. They may be used any
/// number of times. A setter that fails changes nothing. Values are checked when the options are
/// used.
#[derive(Default)]
pub struct sipgate_oauth2_discovery_options(Values);

#[derive(Clone, Default)]
pub(crate) struct Values {
    ca_certificates: Option<String>,
    proxy: Option<String>,
    connect_timeout: Option<Duration>,
    request_timeout: Option<Duration>,
}

boxed!(sipgate_oauth2_discovery_options);
settings!(sipgate_oauth2_discovery_options(Values), "options");

impl Values {
    fn apply(&self, mut discovery: Discovery) -> Discovery {
        if let Some(pem) = &self.ca_certificates {
            discovery = discovery.ca_certificates(pem.as_str());
        }
        if let Some(proxy) = &self.proxy {
            discovery = discovery.proxy(proxy);
        }
        if let Some(timeout) = self.connect_timeout {
            discovery = discovery.connect_timeout(timeout);
        }
        if let Some(timeout) = self.request_timeout {
            discovery = discovery.request_timeout(timeout);
        }
        discovery
    }
}

/// New options, none of which is set. Never NULL. The caller owns them.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_discovery_options_new() -> *mut sipgate_oauth2_discovery_options {
    sipgate_oauth2_discovery_options::default().into_handle()
}

/// As sipgate_oauth2_client_options_set_ca_certificates.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_discovery_options_set_ca_certificates(
    options: *mut sipgate_oauth2_discovery_options,
    ca_certificates: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| Ok(Values { ca_certificates: Some(text("ca_certificates", ca_certificates)?.to_owned()), ..values }))
    }
}

/// As sipgate_oauth2_client_options_set_proxy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_discovery_options_set_proxy(
    options: *mut sipgate_oauth2_discovery_options,
    proxy: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(Values { proxy: Some(text("proxy", proxy)?.to_owned()), ..values })) }
}

/// How long connecting may take, in milliseconds; 5000 unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_discovery_options_set_connect_timeout_ms(
    options: *mut sipgate_oauth2_discovery_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(Values { connect_timeout: Some(Duration::from_millis(milliseconds)), ..values })) }
}

/// How long a request may take in total, in milliseconds; 30000 unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_discovery_options_set_request_timeout_ms(
    options: *mut sipgate_oauth2_discovery_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(Values { request_timeout: Some(Duration::from_millis(milliseconds)), ..values })) }
}

/// Frees options. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_discovery_options_free(options: *mut sipgate_oauth2_discovery_options) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(options) };
}

/// Fetches a server's metadata (OpenID Connect Discovery; RFC 8414) as a JSON object, for
/// sipgate_oauth2_client_options_new. Keep it: a client made with it needs no network for that.
/// sipgate and Keycloak need no discovery. `issuer` is the name that the server has for itself,
/// byte for byte. `options` and `call_options` may be NULL. Blocks. Fails with
/// SIPGATE_ISSUER_MISMATCH if the document is of another server. The caller owns `metadata`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_discover(
    issuer: *const c_char,
    options: *const sipgate_oauth2_discovery_options,
    call_options: *const sipgate_oauth2_call_options,
    metadata: *mut *mut sipgate_oauth2_json,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("metadata", metadata, error, || {
            let mut discovery = Discovery::new(text("issuer", issuer)?);
            if let Some(options) = options.as_ref() {
                discovery = options.0.apply(discovery);
            }
            Ok(discovery.start_discover(&or_defaults(call_options)).wait()?.to_json())
        })
    }
}
