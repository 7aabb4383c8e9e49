//! The client.

use std::ffi::{CString, c_char, c_void};
use std::time::Duration;

use serde_json::{Value, json};
use sipgate_oauth2::{AnyToken, AuthorizationParameters, BrowserLogin, Client, KeepAlive, RefreshParameters, Result, StoredAccount};

use crate::arguments::{handle, optional_text, text};
use crate::authorization_code::sipgate_oauth2_authorization_code;
use crate::authorization_parameters::sipgate_oauth2_authorization_parameters;
use crate::authorization_request::sipgate_oauth2_authorization_request;
use crate::boundary::{run, run_out};
use crate::call_options::{or_defaults, sipgate_oauth2_call_options};
use crate::client_options::sipgate_oauth2_client_options;
use crate::error::sipgate_oauth2_error;
use crate::handle::{boxed, free};
use crate::json::sipgate_oauth2_json;
use crate::logout_parameters::sipgate_oauth2_logout_parameters;
use crate::secret::sipgate_oauth2_secret;
use crate::status::sipgate_oauth2_status;
use crate::text::{Text, lend, sipgate_oauth2_str};
use crate::token_set::sipgate_oauth2_token_set;
use crate::token_source::sipgate_oauth2_token_source;
use crate::user_data::UserData;

/// A client of an authorization server. Any number of threads may use it, and so may a forked
/// child.
pub struct sipgate_oauth2_client {
    client: Client,
    metadata: Text,
    issuer: Text,
    token_endpoint: Text,
    client_id: Text,
    redirect_uri: Option<Text>,
}

boxed!(sipgate_oauth2_client);

impl From<Client> for sipgate_oauth2_client {
    fn from(client: Client) -> Self {
        Self {
            metadata: client.metadata().to_json().as_str().into(),
            issuer: client.issuer().into(),
            token_endpoint: client.token_endpoint().into(),
            client_id: client.client_id().into(),
            redirect_uri: client.redirect_uri().map(Text::from),
            client,
        }
    }
}

/// A client with these settings, all of which are checked. Touches no file and no network. The
/// caller owns `client`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_new(
    options: *const sipgate_oauth2_client_options,
    client: *mut *mut sipgate_oauth2_client,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("client", client, error, || handle("options", options)?.0.clone().build()) }
}

/// A new authorization request for this scope (names separated by spaces). Send the user to its
/// URL. Does not use the network. `parameters` may be NULL. The caller owns `request`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_authorization_request(
    client: *const sipgate_oauth2_client,
    scope: *const c_char,
    parameters: *const sipgate_oauth2_authorization_parameters,
    request: *mut *mut sipgate_oauth2_authorization_request,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("request", request, error, || {
            let client = handle("client", client)?;
            client.client.authorization_request(requesting(scope, parameters)?)
        })
    }
}

/// Checks the callback against the authorization request and exchanges its code for tokens.
/// `callback` is best the query string of the request to the redirect URI; its path and query, the
/// whole URL, or a form body work too. `options` may be NULL. Blocks. Sending the code uses the
/// authorization request up, unless the code is certainly unspent; a callback that is refused
/// before that does not. The caller owns `tokens`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_exchange_callback(
    client: *const sipgate_oauth2_client,
    request: *const sipgate_oauth2_authorization_request,
    callback: *const c_char,
    options: *const sipgate_oauth2_call_options,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("tokens", tokens, error, || {
            let (client, request) = (handle("client", client)?, handle("request", request)?);
            client.client.start_exchange_callback(&request.request, text("callback", callback)?, &or_defaults(options)).wait()
        })
    }
}

/// Exchanges a code for tokens (RFC 6749, section 4.1.3), for applications that check the callback
/// themselves. This spends the code. `options` may be NULL. Blocks. The caller owns `tokens`, and
/// still owns `code`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_exchange_code(
    client: *const sipgate_oauth2_client,
    code: *const sipgate_oauth2_authorization_code,
    options: *const sipgate_oauth2_call_options,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("tokens", tokens, error, || {
            let (client, code) = (handle("client", client)?, handle("code", code)?);
            client.client.start_exchange_code(code.0.clone(), &or_defaults(options)).wait()
        })
    }
}

/// Exchanges a refresh token for new tokens (RFC 6749, section 6), once. `scope` requests less than
/// was granted; if NULL, the scope does not change. `options` may be NULL. Blocks. Nothing is
/// stored: keep the new tokens. Let only one caller refresh a login at a time: a server that
/// rotates refresh tokens ends the login otherwise. The caller owns `tokens`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_refresh(
    client: *const sipgate_oauth2_client,
    refresh_token: *const c_char,
    scope: *const c_char,
    options: *const sipgate_oauth2_call_options,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("tokens", tokens, error, || {
            let client = handle("client", client)?;
            let parameters = RefreshParameters::new(text("refresh_token", refresh_token)?);
            client.client.start_refresh(narrowed(parameters, scope)?, &or_defaults(options)).wait()
        })
    }
}

/// As sipgate_oauth2_client_refresh, from the previous tokens: the new tokens have their scope and
/// ID token if the response has none. The caller owns `tokens`, and still owns `old_tokens`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_refresh_tokens(
    client: *const sipgate_oauth2_client,
    old_tokens: *const sipgate_oauth2_token_set,
    scope: *const c_char,
    options: *const sipgate_oauth2_call_options,
    tokens: *mut *mut sipgate_oauth2_token_set,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("tokens", tokens, error, || {
            let client = handle("client", client)?;
            let parameters = RefreshParameters::from(&handle("old_tokens", old_tokens)?.tokens);
            client.client.start_refresh(narrowed(parameters, scope)?, &or_defaults(options)).wait()
        })
    }
}

/// Checks the callback, exchanges its code, and stores the login of this account for all processes
/// that share the store. If the browser loads the callback twice, in any process, the code is
/// exchanged once and both calls get the same login. `account` is your application's name for the
/// user. If it is NULL, the account is the user's id at the server, for which the scope must have
/// openid. An earlier login of the account is replaced. `callback` and `options` are as for
/// sipgate_oauth2_client_exchange_callback. Blocks; once the code was sent, the login is stored
/// even if the wait ends. The caller owns `source`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_complete_login(
    client: *const sipgate_oauth2_client,
    request: *const sipgate_oauth2_authorization_request,
    callback: *const c_char,
    account: *const c_char,
    options: *const sipgate_oauth2_call_options,
    source: *mut *mut sipgate_oauth2_token_source,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("source", source, error, || {
            let (client, request) = (handle("client", client)?, handle("request", request)?);
            let (callback, account) = (text("callback", callback)?, optional_text("account", account)?);
            client.client.start_complete_login(&request.request, callback, account, &or_defaults(options)).wait()
        })
    }
}

/// Receives the URL that a browser opens, for sipgate_oauth2_client_login_in_browser. `url` is
/// valid until it returns. It must not throw a C++ exception or call longjmp.
pub type sipgate_oauth2_url_handler = Option<unsafe extern "C" fn(user_data: *mut c_void, url: *const c_char)>;

/// Logs the user of this machine in: opens the browser, waits for its return on a port of this
/// machine, and stores the login as sipgate_oauth2_client_complete_login does. For command lines
/// and programs on a desktop. The redirect URI of `parameters`, or else of the client, is on this
/// machine, as it is registered: such as http://127.0.0.1:8400/callback. Without a port it is any
/// free one, which a server must allow (RFC 8252, section 7.3). `on_url` is called on this thread
/// with `user_data` and the URL before a browser opens: show it, for the case that none does. It
/// may be NULL: then that is an error. `account` is as for sipgate_oauth2_client_complete_login;
/// `parameters` and `options` may be NULL. Blocks; the user has five minutes, unless `options` have
/// a timeout. The caller owns `source`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_login_in_browser(
    client: *const sipgate_oauth2_client,
    scope: *const c_char,
    parameters: *const sipgate_oauth2_authorization_parameters,
    account: *const c_char,
    on_url: sipgate_oauth2_url_handler,
    user_data: *mut c_void,
    options: *const sipgate_oauth2_call_options,
    source: *mut *mut sipgate_oauth2_token_source,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("source", source, error, || {
            let client = handle("client", client)?;
            let mut login = BrowserLogin::new(requesting(scope, parameters)?);
            if let Some(account) = optional_text("account", account)? {
                login = login.account(account);
            }
            if let Some(on_url) = on_url {
                let user_data = UserData::new(user_data, None);
                login = login.on_url(move |url| {
                    if let Ok(url) = CString::new(url) {
                        on_url(user_data.pointer(), url.as_ptr());
                    }
                });
            }
            client.client.start_login_in_browser(login, &or_defaults(options)).wait()
        })
    }
}

/// The tokens of this account, whether or not it has a login yet. Touches no file and no network.
/// The caller owns `source`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_token_source(
    client: *const sipgate_oauth2_client,
    account: *const c_char,
    source: *mut *mut sipgate_oauth2_token_source,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("source", source, error, || handle("client", client)?.client.token_source(text("account", account)?)) }
}

/// A page of the accounts of this client in the store: those among the next hundred entries.
/// `after` is NULL for the first page, and then `next` of the page before. `accounts` is a JSON
/// object with `accounts`, an array, and `next`, which is null after the last page. Each account
/// has `account`, `account_hash`, `state` ("active", "rejected", "logged_out" or "unreadable") and
/// `last_error`, which is null or has `code`, `remedy` and `message`: why the last refresh failed,
/// why the login ended, or why the entry cannot be read. `account` is empty if it cannot be read.
/// `options` may be NULL. Blocks. A custom store needs the function keys. The caller owns
/// `accounts`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_accounts(
    client: *const sipgate_oauth2_client,
    after: *const c_char,
    options: *const sipgate_oauth2_call_options,
    accounts: *mut *mut sipgate_oauth2_json,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("accounts", accounts, error, || {
            let (client, after) = (handle("client", client)?, optional_text("after", after)?);
            let page = client.client.start_accounts(after, &or_defaults(options)).wait()?;
            let accounts: Vec<_> = page.accounts.iter().map(account_json).collect();
            Ok(json!({"accounts": accounts, "next": page.next}).to_string())
        })
    }
}

/// Refreshes the logins that were last refreshed more than `idle_seconds` ago, so that the server
/// does not end them; 604800, a week, is a good value. Run it every hour, from cron or a thread, on
/// as many machines as you like: they share the work, and look at each login once a day, or seven
/// times within a shorter `idle_seconds`. `report` is a JSON object: `seen`, how many logins of
/// this client it looked at; `renewed`, how many it refreshed; `failed`, how many it could not
/// refresh now, or could not read; and `login_required`, an array of the accounts whose logins the
/// server does not accept any more, now or since an earlier refresh. `options` may be NULL. Blocks
/// for ten minutes at most, or for the timeout in `options`, and the next call goes on. At most
/// five logins a second are refreshed, on all machines together. After five failures in a row it
/// stops too. A custom store needs the function keys. The caller owns `report`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_keep_alive(
    client: *const sipgate_oauth2_client,
    idle_seconds: u64,
    options: *const sipgate_oauth2_call_options,
    report: *mut *mut sipgate_oauth2_json,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("report", report, error, || {
            let settings = KeepAlive::new().idle(Duration::from_secs(idle_seconds));
            let report = handle("client", client)?.client.start_keep_alive(&settings, &or_defaults(options)).wait()?;
            Ok(json!({
                "seen": report.seen,
                "renewed": report.renewed,
                "failed": report.failed,
                "login_required": report.login_required,
            })
            .to_string())
        })
    }
}

/// Ends the logins that a logout token of the server is about (OpenID Connect Back-Channel Logout),
/// for all processes that share the store. `logout_token` is the parameter of the request that the
/// server sent. `accounts` is a JSON array of their accounts, so that their sessions in your
/// application can end too. `options` may be NULL. Blocks. Respond with 500 if the error is
/// retryable, and with 400 to any other. The caller owns `accounts`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_accept_logout_token(
    client: *const sipgate_oauth2_client,
    logout_token: *const c_char,
    options: *const sipgate_oauth2_call_options,
    accounts: *mut *mut sipgate_oauth2_json,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("accounts", accounts, error, || {
            let (client, logout_token) = (handle("client", client)?, text("logout_token", logout_token)?);
            let accounts = client.client.start_accept_logout_token(logout_token, &or_defaults(options)).wait()?;
            Ok(Value::from(accounts).to_string())
        })
    }
}

/// Asks the server whether a token is active, and what it knows of it (RFC 7662). `introspection`
/// is its response, a JSON object; if `active` is false, it has no other member. It holds for this
/// moment only. `options` may be NULL. Blocks. The caller owns `introspection`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_introspect(
    client: *const sipgate_oauth2_client,
    token: *const c_char,
    options: *const sipgate_oauth2_call_options,
    introspection: *mut *mut sipgate_oauth2_json,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("introspection", introspection, error, || {
            let (client, token) = (handle("client", client)?, AnyToken::from(text("token", token)?));
            Ok(client.client.start_introspect(token, &or_defaults(options)).wait()?.to_json())
        })
    }
}

/// Revokes a token at the server (RFC 7009). With a refresh token, the login ends there;
/// sipgate_oauth2_token_source_logout ends it in the store too. `options` may be NULL. Blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_revoke(
    client: *const sipgate_oauth2_client,
    token: *const c_char,
    options: *const sipgate_oauth2_call_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            let (client, token) = (handle("client", client)?, AnyToken::from(text("token", token)?));
            client.client.start_revoke(token, &or_defaults(options)).wait()
        })
    }
}

/// The URL to send the user's browser to, to end the session at the server (OpenID Connect
/// RP-Initiated Logout). It contains the ID token of the login of `source`, which may be NULL.
/// sipgate_oauth2_token_source_logout ends the login here: call it afterwards. `parameters` and
/// `options` may be NULL. Blocks: reads the store, and not the network. The caller owns `url`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_logout_url(
    client: *const sipgate_oauth2_client,
    source: *const sipgate_oauth2_token_source,
    parameters: *const sipgate_oauth2_logout_parameters,
    options: *const sipgate_oauth2_call_options,
    url: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("url", url, error, || {
            let client = handle("client", client)?;
            let source = source.as_ref().map(|source| &source.source);
            let parameters = parameters.as_ref().map(|parameters| parameters.0.clone()).unwrap_or_default();
            let url = client.client.start_logout_url(source, parameters, &or_defaults(options)).wait()?;
            Ok(sipgate_oauth2_secret::new(&url))
        })
    }
}

/// Checks that the server sent the user back after the logout with this `state`; otherwise, fails
/// with SIPGATE_STATE_MISMATCH. `callback` is as for sipgate_oauth2_client_exchange_callback. Does
/// not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_check_logout_response(
    client: *const sipgate_oauth2_client,
    callback: *const c_char,
    state: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run(error, || handle("client", client)?.client.check_logout_response(text("callback", callback)?, text("state", state)?)) }
}

/// The server's metadata (RFC 8414) as a JSON object: what was given, or what is known of sipgate
/// or a Keycloak server. Borrowed from the client; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_metadata(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| Some(&client.metadata))
}

/// The issuer: how callbacks and ID tokens must name the server. Borrowed from the client; empty if
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_issuer(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| Some(&client.issuer))
}

/// The URL of the token endpoint. Borrowed from the client; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_token_endpoint(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| Some(&client.token_endpoint))
}

/// The client id. Borrowed from the client; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_client_id(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| Some(&client.client_id))
}

/// The redirect URI of new authorization requests. Borrowed from the client; empty if none was set,
/// or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_redirect_uri(client: *const sipgate_oauth2_client) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { client.as_ref() }, |client| client.redirect_uri.as_ref())
}

/// Frees a client. Authorization requests, tokens and token sources made with it remain valid. Does
/// nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_client_free(client: *mut sipgate_oauth2_client) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(client) };
}

/// The parameters of an authorization request for this scope.
///
/// # Safety
///
/// `scope` is NULL or a string, and `parameters` is NULL or a handle.
unsafe fn requesting(scope: *const c_char, parameters: *const sipgate_oauth2_authorization_parameters) -> Result<AuthorizationParameters> {
    // SAFETY: the caller upholds the contract.
    let (scope, parameters) = unsafe { (text("scope", scope)?, parameters.as_ref()) };
    Ok(match parameters {
        Some(parameters) => parameters.with_scope(scope),
        None => AuthorizationParameters::new(scope),
    })
}

/// # Safety
///
/// `scope` is NULL or points to a string that ends with NUL.
unsafe fn narrowed(parameters: RefreshParameters, scope: *const c_char) -> Result<RefreshParameters> {
    // SAFETY: the caller upholds the contract.
    Ok(match unsafe { optional_text("scope", scope) }? {
        Some(scope) => parameters.scope(scope),
        None => parameters,
    })
}

fn account_json(account: &StoredAccount) -> Value {
    let last_error = account
        .last_error()
        .map(|error| json!({"code": error.code().as_str(), "remedy": error.remedy().as_str(), "message": error.to_string()}));
    json!({
        "account": account.account(),
        "account_hash": account.account_hash(),
        "state": account.state().as_str(),
        "last_error": last_error,
    })
}
