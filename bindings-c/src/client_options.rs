//! Settings of a client.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use sipgate_oauth2::{Client, ClientAuthentication, ClientBuilder, Provider, Result};

use crate::arguments::{self, Place, handle, handle_mut, place, text};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::event::{self, sipgate_oauth2_event_handler};
use crate::status::sipgate_oauth2_status;
use crate::store::sipgate_oauth2_store;

/// Settings of a client, to be passed to sipgate_oauth2_client_new and then freed with sipgate_oauth2_client_options_free. For one thread at a time. A setter that
/// fails leaves the settings as they were; texts are copied.
pub struct sipgate_oauth2_client_options(pub(crate) ClientBuilder);

/// Settings for a client at sipgate, in the realm that the id's suffix names ("...:third-party", "...:sipgate-apps"). On success `options` is the
/// caller's; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new_sipgate(
    client_id: *const c_char,
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { made(options, error, || Ok(Client::sipgate(text("client_id", client_id)?))) }
}

/// Settings for a client at a Keycloak. `base` is what stands before "/realms", such as "https://login.example.com/auth". On success `options` is the
/// caller's; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new_keycloak(
    client_id: *const c_char,
    base: *const c_char,
    realm: *const c_char,
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { made(options, error, || Ok(Client::keycloak(text("client_id", client_id)?, text("base", base)?, text("realm", realm)?))) }
}

/// Settings for a client at any server, by its issuer and endpoints as its documentation gives them. On success `options` is the caller's; on failure
/// it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new_endpoints(
    client_id: *const c_char,
    issuer: *const c_char,
    authorization_endpoint: *const c_char,
    token_endpoint: *const c_char,
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        made(options, error, || {
            let [issuer, authorization, token] = endpoints(issuer, authorization_endpoint, token_endpoint)?;
            Ok(Client::with_provider(text("client_id", client_id)?, Provider::endpoints(issuer, authorization, token)))
        })
    }
}

/// Like sipgate_oauth2_client_options_new_endpoints, for a server that announces `authorization_response_iss_parameter_supported`: a callback without `iss`
/// is then refused (RFC 9207, section 2.4).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new_endpoints_with_iss(
    client_id: *const c_char,
    issuer: *const c_char,
    authorization_endpoint: *const c_char,
    token_endpoint: *const c_char,
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        made(options, error, || {
            let [issuer, authorization, token] = endpoints(issuer, authorization_endpoint, token_endpoint)?;
            Ok(Client::with_provider(text("client_id", client_id)?, Provider::endpoints_with_iss(issuer, authorization, token)))
        })
    }
}

/// Settings as the environment says: SIPGATE_CLIENT_ID, SIPGATE_CLIENT_SECRET (or SIPGATE_CLIENT_SECRET_FILE, the path of a file that holds it),
/// SIPGATE_REDIRECT_URI and, optionally, SIPGATE_REALM or SIPGATE_ISSUER; SIPGATE_STORE, the path of a SQLite database or "memory", and
/// SIPGATE_ENCRYPTION_KEYS (or SIPGATE_ENCRYPTION_KEYS_FILE), one key or more with commas between them. On success `options` is the caller's; on failure it is not written. Not while another thread changes the
/// environment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new_from_env(
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { made(options, error, Client::from_env) }
}

/// The secret of a confidential client. Without it the client is a public one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_client_secret(
    options: *mut sipgate_oauth2_client_options,
    client_secret: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.client_secret(text("client_secret", client_secret)?)))) }
}

/// "client_secret_post" (the default where there is a secret), "client_secret_basic" or "none" (the default where there is none).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_client_authentication(
    options: *mut sipgate_oauth2_client_options,
    client_authentication: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(options, |builder| {
                Ok(builder.client_authentication(text("client_authentication", client_authentication)?.parse::<ClientAuthentication>()?))
            })
        })
    }
}

/// Where the server sends the person back to, byte for byte as registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_redirect_uri(
    options: *mut sipgate_oauth2_client_options,
    redirect_uri: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.redirect_uri(text("redirect_uri", redirect_uri)?)))) }
}

/// The sipgate realm, where the client id's suffix does not name it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_realm(
    options: *mut sipgate_oauth2_client_options,
    realm: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.realm(text("realm", realm)?)))) }
}

/// Certificates to believe instead of the operating system's: the contents of a PEM file, of which every certificate counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_ca_certificates(
    options: *mut sipgate_oauth2_client_options,
    ca_certificates: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.ca_certificates(text("ca_certificates", ca_certificates)?)))) }
}

/// The proxy: "http://host:port", "socks5://host:port", or "direct" for none. Without it HTTPS_PROXY, ALL_PROXY and NO_PROXY are heeded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_proxy(
    options: *mut sipgate_oauth2_client_options,
    proxy: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.proxy(text("proxy", proxy)?)))) }
}

/// How long making a connection may take, in milliseconds; 5000 unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_connect_timeout_ms(
    options: *mut sipgate_oauth2_client_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.connect_timeout(Duration::from_millis(milliseconds))))) }
}

/// How long a token request may take in all, in milliseconds; 30000 unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_request_timeout_ms(
    options: *mut sipgate_oauth2_client_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.request_timeout(Duration::from_millis(milliseconds))))) }
}

/// Where logins are kept. Needed for sipgate_oauth2_client_complete_login and sipgate_oauth2_client_token_source, not for the single steps. The settings keep what
/// they need of `store`, which may be freed before them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_store(
    options: *mut sipgate_oauth2_client_options,
    store: *const sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.store(handle("store", store)?.store.clone())))) }
}

/// Told what happens to clients of these settings, for logs and metrics. `user_data` is passed to it; on success it is the library's, until it calls
/// `free`: once, when the settings, their clients and all that came from those are gone, on any thread. `free` may be NULL. On failure nothing was called,
/// and `user_data` stays the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_event_handler(
    options: *mut sipgate_oauth2_client_options,
    handler: sipgate_oauth2_event_handler,
    user_data: *mut c_void,
    free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || set(options, |builder| Ok(builder.on_event(event::handler(handler, user_data, free)?)))) }
}

/// Frees settings. Clients made of them live on. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_free(options: *mut sipgate_oauth2_client_options) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(options) };
}

/// # Safety
///
/// `options` and `error` are NULL or point to a place for one pointer.
unsafe fn made(
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
    make: impl FnOnce() -> Result<ClientBuilder>,
) -> sipgate_oauth2_status {
    // SAFETY: the caller's promise is ours.
    unsafe {
        boundary::run(error, || {
            let options: Place<_> = place("options", options)?;
            options.put(sipgate_oauth2_client_options(make()?));
            Ok(())
        })
    }
}

/// # Safety
///
/// `options` is NULL or a live handle that nobody else uses meanwhile.
unsafe fn set(options: *mut sipgate_oauth2_client_options, change: impl FnOnce(ClientBuilder) -> Result<ClientBuilder>) -> Result<()> {
    // SAFETY: the caller's promise is ours.
    let options = unsafe { handle_mut("options", options) }?;
    options.0 = change(options.0.clone())?;
    Ok(())
}

/// # Safety
///
/// Each is NULL or points to a string that ends with NUL.
unsafe fn endpoints<'a>(issuer: *const c_char, authorization: *const c_char, token: *const c_char) -> Result<[&'a str; 3]> {
    // SAFETY: the caller's promise is ours.
    unsafe { Ok([text("issuer", issuer)?, text("authorization_endpoint", authorization)?, text("token_endpoint", token)?]) }
}
