//! The client.

use std::ffi::c_char;

use sipgate_oauth2::{Client, RefreshParameters, Result, TokenSet};

use crate::arguments::{self, handle, optional_text, place, text};
use crate::authorization_code::sipgate_oauth2_authorization_code;
use crate::authorization_parameters::sipgate_oauth2_authorization_parameters;
use crate::authorization_request::sipgate_oauth2_authorization_request;
use crate::boundary;
use crate::call::{or_defaults, sipgate_oauth2_call_options};
use crate::client_options::sipgate_oauth2_client_options;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;
use crate::text::{Text, lend, sipgate_oauth2_str};
use crate::token_set::sipgate_oauth2_token_set;
use crate::token_source::sipgate_oauth2_token_source;

/// A client of a login server. Any number of threads may use it, and a forked child too.
pub struct sipgate_oauth2_client {
    client: Client,
    issuer: Text,
    token_endpoint: Text,
    client_id: Text,
    redirect_uri: Option<Text>,
}

/// A client, once all settings are checked. Touches no file and no network. On success `client` is the caller's, to be freed with
/// sipgate_oauth2_client_free; on failure it is not written. `options` stays the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_new(
    options: *const sipgate_oauth2_client_options,
    client: *mut *mut sipgate_oauth2_client,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("client", client)?;
            let client = handle("options", options)?.0.clone().build()?;
            out.put(sipgate_oauth2_client {
                issuer: client.issuer().into(),
                token_endpoint: client.token_endpoint().into(),
                client_id: client.client_id().into(),
                redirect_uri: client.redirect_uri().map(Text::from),
                client,
            });
            Ok(())
        })
    }
}

/// A new pending login for this scope (names separated by spaces), and the URL to send the person to. No network. `parameters` may be NULL. On success
/// `pending` is the caller's, to be freed with sipgate_oauth2_authorization_request_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_authorization_request(
    client: *const sipgate_oauth2_client,
    scope: *const c_char,
    parameters: *const sipgate_oauth2_authorization_parameters,
    pending: *mut *mut sipgate_oauth2_authorization_request,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("pending", pending)?;
            let client = &handle("client", client)?.client;
            let scope = text("scope", scope)?;
            let asked = match parameters.as_ref() {
                Some(parameters) => client.authorization_request(parameters.with_scope(scope)),
                None => client.authorization_request(scope),
            };
            out.put(asked?.into());
            Ok(())
        })
    }
}

/// Checks the callback against the pending login and exchanges its code for tokens. `callback` is best the query string of the request to the
/// redirect URI; its path and query, the whole URL and a form body will do. `call` may be NULL. Waits. The pending login is used by the request
/// that this sends; what is refused before leaves it usable, and so does a code that is certainly unspent. On success `tokens` is the caller's, to be freed with sipgate_oauth2_token_set_free; on failure it
/// is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_exchange_callback(
    client: *const sipgate_oauth2_client,
    pending: *const sipgate_oauth2_authorization_request,
    callback: *const c_char,
    call: *const sipgate_oauth2_call_options,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        tokens_of(tokens, error, || {
            let client = &handle("client", client)?.client;
            client.exchange_callback_with(&handle("pending", pending)?.request, text("callback", callback)?, &or_defaults(call))
        })
    }
}

/// Exchanges a code for tokens (RFC 6749, section 4.1.3), for applications that check their callbacks themselves. `call` may be NULL. Waits. On success
/// `tokens` is the caller's, to be freed with sipgate_oauth2_token_set_free; on failure it is not written. `code` stays the caller's; it is spent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_exchange_code(
    client: *const sipgate_oauth2_client,
    code: *const sipgate_oauth2_authorization_code,
    call: *const sipgate_oauth2_call_options,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        tokens_of(tokens, error, || {
            let client = &handle("client", client)?.client;
            client.exchange_code_with(handle("code", code)?.0.clone(), &or_defaults(call))
        })
    }
}

/// Exchanges a refresh token for new tokens (RFC 6749, section 6), once. `scope` asks for less than was granted; NULL leaves it as it is. `call` may be
/// NULL. Waits. Nothing is stored: keep the new tokens, and let no two callers refresh the same login at once, as a server that rotates refresh tokens
/// ends the login for that. On success `tokens` is the caller's, to be freed with sipgate_oauth2_token_set_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_refresh(
    client: *const sipgate_oauth2_client,
    refresh_token: *const c_char,
    scope: *const c_char,
    call: *const sipgate_oauth2_call_options,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        tokens_of(tokens, error, || {
            let client = &handle("client", client)?.client;
            let parameters = RefreshParameters::new(text("refresh_token", refresh_token)?);
            client.refresh_with(narrowed(parameters, scope)?, &or_defaults(call))
        })
    }
}

/// As sipgate_oauth2_client_refresh, from the last tokens: their scope and ID token stay where the answer has none. `old_tokens` stays the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_refresh_tokens(
    client: *const sipgate_oauth2_client,
    old_tokens: *const sipgate_oauth2_token_set,
    scope: *const c_char,
    call: *const sipgate_oauth2_call_options,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        tokens_of(tokens, error, || {
            let client = &handle("client", client)?.client;
            let parameters = RefreshParameters::try_from(&handle("old_tokens", old_tokens)?.tokens)?;
            client.refresh_with(narrowed(parameters, scope)?, &or_defaults(call))
        })
    }
}

/// Checks the callback, exchanges its code and stores the login of this account, for all processes that share the store. A callback that is loaded twice,
/// in whatever process, makes one exchange, and both calls get the same login. `account` is what names the user in the application; a login that was there
/// is replaced. `callback` and `call` are as for sipgate_oauth2_client_exchange_callback. Waits; a code that was sent makes a login, also when the wait ends. On
/// success `source` is the caller's, to be freed with sipgate_oauth2_token_source_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_complete_login(
    client: *const sipgate_oauth2_client,
    pending: *const sipgate_oauth2_authorization_request,
    callback: *const c_char,
    account: *const c_char,
    call: *const sipgate_oauth2_call_options,
    source: *mut *mut sipgate_oauth2_token_source,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("source", source)?;
            let client = &handle("client", client)?.client;
            let (request, callback) = (&handle("pending", pending)?.request, text("callback", callback)?);
            out.put(client.complete_login_with(request, callback, text("account", account)?, &or_defaults(call))?.into());
            Ok(())
        })
    }
}

/// The tokens of this account, whether or not there is a login yet. Touches no file and no network. On success `source` is the caller's, to be freed with
/// sipgate_oauth2_token_source_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_token_source(
    client: *const sipgate_oauth2_client,
    account: *const c_char,
    source: *mut *mut sipgate_oauth2_token_source,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("source", source)?;
            out.put(handle("client", client)?.client.token_source(text("account", account)?)?.into());
            Ok(())
        })
    }
}

/// The name that callbacks and ID tokens must give the server. Belongs to the client; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_issuer(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| Some(&client.issuer))
}

/// The token endpoint's URL. Belongs to the client; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_token_endpoint(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| Some(&client.token_endpoint))
}

/// The client id. Belongs to the client; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_client_id(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| Some(&client.client_id))
}

/// The redirect URI of new pending logins. Belongs to the client; no text where none was set, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_redirect_uri(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| client.redirect_uri.as_ref())
}

/// Frees a client. Pending logins, tokens and token sources that came from it live on. Not while another thread uses it. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_free(client: *mut sipgate_oauth2_client) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(client) };
}

/// # Safety
///
/// `tokens` and `error` are NULL or point to a place for one pointer.
unsafe fn tokens_of(
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
    get: impl FnOnce() -> Result<TokenSet>,
) -> sipgate_oauth2_status {
    // SAFETY: the caller's promise is ours.
    unsafe {
        boundary::run(error, || {
            let out = place("tokens", tokens)?;
            out.put(get()?.into());
            Ok(())
        })
    }
}

/// # Safety
///
/// `scope` is NULL or points to a string that ends with NUL.
unsafe fn narrowed(parameters: RefreshParameters, scope: *const c_char) -> Result<RefreshParameters> {
    // SAFETY: the caller's promise is ours.
    Ok(match unsafe { optional_text("scope", scope) }? {
        Some(scope) => parameters.scope(scope),
        None => parameters,
    })
}
