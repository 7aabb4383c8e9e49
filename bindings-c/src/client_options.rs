//! Settings of a client.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use sipgate_oauth2::{Client, ClientAuthentication, ClientBuilder, ServerMetadata};

use crate::arguments::{handle, text};
use crate::boundary::{run_out, set, settings};
use crate::error::sipgate_oauth2_error;
use crate::event::{self, sipgate_oauth2_event_handler};
use crate::handle::{boxed, free};
use crate::status::sipgate_oauth2_status;
use crate::store::sipgate_oauth2_store;

/// Settings of a client: which server, which client id, and what the setters add. They may be used
/// for any number of clients. A setter that fails changes nothing.
pub struct sipgate_oauth2_client_options(pub(crate) ClientBuilder);

boxed!(sipgate_oauth2_client_options);
settings!(sipgate_oauth2_client_options(ClientBuilder), "options");

impl From<ClientBuilder> for sipgate_oauth2_client_options {
    fn from(builder: ClientBuilder) -> Self {
        Self(builder)
    }
}

/// Settings for a client at any server. `metadata` is a JSON object with the members of RFC 8414:
/// `issuer`, `authorization_endpoint` and `token_endpoint` are required, and `jwks_uri` for the
/// scope openid. Other endpoints are used if present. If
/// `authorization_response_iss_parameter_supported` is true, a callback without `iss` is refused
/// (RFC 9207, section 2.4). Members that are unknown are kept. sipgate_oauth2_discover gives such
/// metadata. The caller owns `options`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new(
    metadata: *const c_char,
    client_id: *const c_char,
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("options", options, error, || {
            let metadata = ServerMetadata::from_json(text("metadata", metadata)?)?;
            Ok(Client::builder(metadata, text("client_id", client_id)?))
        })
    }
}

/// Settings for a client at sipgate, in the realm that the suffix of the client id names
/// ("...:third-party", "...:sipgate-apps"). The caller owns `options`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new_sipgate(
    client_id: *const c_char,
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("options", options, error, || Ok(ClientBuilder::sipgate(text("client_id", client_id)?))) }
}

/// Settings for a client at a Keycloak server. `base` is what precedes "/realms", such as
/// "https://login.example.com/auth". The caller owns `options`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new_keycloak(
    base: *const c_char,
    realm: *const c_char,
    client_id: *const c_char,
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("options", options, error, || {
            let (base, realm) = (text("base", base)?, text("realm", realm)?);
            Ok(ClientBuilder::keycloak(base, realm, text("client_id", client_id)?))
        })
    }
}

/// Settings from environment variables: SIPGATE_CLIENT_ID, SIPGATE_CLIENT_SECRET (or
/// SIPGATE_CLIENT_SECRET_FILE, the path of a file that contains it), SIPGATE_REDIRECT_URI;
/// optionally SIPGATE_REALM or SIPGATE_ISSUER; SIPGATE_STORE, the path of a SQLite database, or a
/// URL as sipgate_oauth2_store_open takes it; and SIPGATE_ENCRYPTION_KEYS (or
/// SIPGATE_ENCRYPTION_KEYS_FILE), one key or more, separated by commas. Not while another thread
/// changes the environment. The caller owns `options`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_new_from_env(
    options: *mut *mut sipgate_oauth2_client_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("options", options, error, ClientBuilder::from_env) }
}

/// The secret of a confidential client. Without it, the client is public.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_client_secret(
    options: *mut sipgate_oauth2_client_options,
    client_secret: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.client_secret(text("client_secret", client_secret)?))) }
}

/// How the client authenticates: "client_secret_post" (the default with a secret),
/// "client_secret_basic" or "none" (the default without one).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_client_authentication(
    options: *mut sipgate_oauth2_client_options,
    client_authentication: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |builder| {
            let method: ClientAuthentication = text("client_authentication", client_authentication)?.parse()?;
            Ok(builder.client_authentication(method))
        })
    }
}

/// Where the server sends the user's browser after the login, byte for byte as registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_redirect_uri(
    options: *mut sipgate_oauth2_client_options,
    redirect_uri: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.redirect_uri(text("redirect_uri", redirect_uri)?))) }
}

/// The sipgate realm, if the suffix of the client id does not name it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_realm(
    options: *mut sipgate_oauth2_client_options,
    realm: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.realm(text("realm", realm)?))) }
}

/// Certificates to trust instead of those of the operating system: the contents of a PEM file.
/// Every certificate in it is trusted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_ca_certificates(
    options: *mut sipgate_oauth2_client_options,
    ca_certificates: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.ca_certificates(text("ca_certificates", ca_certificates)?))) }
}

/// The proxy: "http://host:port", "socks5://host:port", or "direct" for none. If it is not set, the
/// environment variables HTTPS_PROXY, ALL_PROXY and NO_PROXY are honored, but never for a server on
/// the loopback interface.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_proxy(
    options: *mut sipgate_oauth2_client_options,
    proxy: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.proxy(text("proxy", proxy)?))) }
}

/// How long connecting may take, in milliseconds; 5000 unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_connect_timeout_ms(
    options: *mut sipgate_oauth2_client_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.connect_timeout(Duration::from_millis(milliseconds)))) }
}

/// How long a token request may take in total, in milliseconds; 30000 unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_request_timeout_ms(
    options: *mut sipgate_oauth2_client_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.request_timeout(Duration::from_millis(milliseconds)))) }
}

/// How ID tokens must be signed: names such as "RS256" or "ES256", separated by spaces. Unless set,
/// any algorithm that the metadata names and this library knows, otherwise RS256. "HS256" and its
/// kind are accepted only if they are named here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_id_token_signed_response_alg(
    options: *mut sipgate_oauth2_client_options,
    id_token_signed_response_alg: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |builder| {
            Ok(builder
                .id_token_signed_response_alg(text("id_token_signed_response_alg", id_token_signed_response_alg)?.split_ascii_whitespace()))
        })
    }
}

/// Other client ids that an ID token may be for beside this client, separated by spaces. Unless
/// set, there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_trusted_audiences(
    options: *mut sipgate_oauth2_client_options,
    trusted_audiences: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |builder| Ok(builder.trusted_audiences(text("trusted_audiences", trusted_audiences)?.split_ascii_whitespace())))
    }
}

/// By how much the server's clock may differ from that of this machine, in milliseconds: at most
/// 300000; 60000 unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_leeway_ms(
    options: *mut sipgate_oauth2_client_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.leeway(Duration::from_millis(milliseconds)))) }
}

/// Where logins are kept. sipgate_oauth2_client_complete_login and
/// sipgate_oauth2_client_token_source need it; the single steps do not. The settings keep what they
/// need of `store`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_store(
    options: *mut sipgate_oauth2_client_options,
    store: *const sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.store(handle("store", store)?.store.clone()))) }
}

/// Calls `handler` with `user_data` for each event of these settings' clients, for logs and
/// metrics. On success the library owns `user_data` until it calls `free`: once, on any thread,
/// when the settings, their clients and everything made with them have been freed. `free` may be
/// NULL. On failure it has called neither, and `user_data` still belongs to the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_set_event_handler(
    options: *mut sipgate_oauth2_client_options,
    handler: sipgate_oauth2_event_handler,
    user_data: *mut c_void,
    free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |builder| Ok(builder.on_event(event::handler(handler, user_data, free)?))) }
}

/// Frees settings. Clients made with them keep what they need. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_options_free(options: *mut sipgate_oauth2_client_options) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(options) };
}
