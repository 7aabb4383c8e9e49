//! The access token of one account, whenever it is requested.

use std::ffi::c_char;
use std::sync::{Arc, Mutex};

use sipgate_oauth2::{AccessToken, LogoutOutcome, Result, TokenSource};

use crate::arguments::{handle, text};
use crate::boundary::{run, run_out};
use crate::call_options::{min_validity, or_defaults, sipgate_oauth2_call_options};
use crate::error::sipgate_oauth2_error;
use crate::handle::{boxed, free};
use crate::json::sipgate_oauth2_json;
use crate::secret::{SharedSecret, sipgate_oauth2_secret};
use crate::status::sipgate_oauth2_status;
use crate::text::{Text, lend, sipgate_oauth2_str};
use crate::token_set::sipgate_oauth2_token_set;
use crate::token_status::sipgate_oauth2_token_status;

/// The access token of one account, whenever it is requested: from memory, from the store, or
/// refreshed, once for all threads and processes that request it. Any number of threads may use it,
/// and so may a forked child. It is cheap to make, even for each request: what is in memory belongs
/// to the store.
///
/// A process that ends by `exit`, or by returning from `main`, first waits until every refresh,
/// login and logout in progress has ended and is stored, for at most 5 seconds. `_exit` and signals
/// do not wait. On Windows, neither does a program that has its C library linked in (`/MT`) and
/// loads this one as a DLL.
pub struct sipgate_oauth2_token_source {
    pub(crate) source: TokenSource,
    account: Text,
    account_hash: Text,
    /// The last access token as C has it, so that it is not copied for each request. The lock is
    /// only tried: no thread waits for it, nor does a child that was forked while another thread
    /// held it.
    last: Mutex<Option<(AccessToken, SharedSecret)>>,
}

boxed!(sipgate_oauth2_token_source);

impl From<TokenSource> for sipgate_oauth2_token_source {
    fn from(source: TokenSource) -> Self {
        Self { account: source.account().into(), account_hash: source.account_hash().into(), source, last: Mutex::default() }
    }
}

impl sipgate_oauth2_token_source {
    /// # Safety
    ///
    /// `options` is NULL or a live handle.
    unsafe fn current(&self, options: *const sipgate_oauth2_call_options) -> Result<SharedSecret> {
        if options.is_null()
            && let Some(secret) = self.source.with_at_hand(|token| self.secret(token))
        {
            return Ok(secret);
        }
        // SAFETY: the caller upholds the contract.
        unsafe { self.token(options) }.map(|token| self.secret(&token))
    }

    /// # Safety
    ///
    /// `options` is NULL or a live handle.
    unsafe fn token(&self, options: *const sipgate_oauth2_call_options) -> Result<AccessToken> {
        if options.is_null() {
            return self.source.access_token();
        }
        // SAFETY: the caller upholds the contract.
        let (min_validity, options) = unsafe { (min_validity(options), or_defaults(options)) };
        self.source.start_access_token(min_validity, &options).wait()
    }

    fn secret(&self, token: &AccessToken) -> SharedSecret {
        let Ok(mut last) = self.last.try_lock() else { return sipgate_oauth2_secret::new(token.reveal()) };
        match &*last {
            // Clones of a token share its text, which does not move while the last one is held
            // here.
            Some((held, secret)) if std::ptr::eq(held.reveal(), token.reveal()) => Arc::clone(secret),
            _ => {
                let secret = sipgate_oauth2_secret::new(token.reveal());
                *last = Some((token.clone(), Arc::clone(&secret)));
                secret
            }
        }
    }
}

/// A valid access token. Past most of its lifetime, the current token is returned at once and
/// refreshed in the background; only if it has expired does the caller wait for the new one. Fails
/// with SIPGATE_LOGIN_REQUIRED if the user must log in. `options` may be NULL. Blocks; if the wait
/// ends, a refresh in progress continues. The caller owns `secret`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_access_token(
    source: *const sipgate_oauth2_token_source,
    options: *const sipgate_oauth2_call_options,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("secret", secret, error, || handle("source", source)?.current(options)) }
}

/// The value of an Authorization header: "Bearer ..." (RFC 6750, section 2.1), with the access
/// token of sipgate_oauth2_token_source_access_token. Everything else is as described there. The
/// caller owns `secret`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_authorization_header(
    source: *const sipgate_oauth2_token_source,
    options: *const sipgate_oauth2_call_options,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("secret", secret, error, || {
            let token = handle("source", source)?.token(options)?;
            Ok(sipgate_oauth2_secret::new(token.authorization_header().reveal()))
        })
    }
}

/// The current access token, if it is valid without asking the store or the server. If not, that is
/// no failure: `secret` is NULL. Does not wait. Fails only if an argument is NULL. The caller owns
/// `secret`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_peek(
    source: *const sipgate_oauth2_token_source,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("secret", secret, error, || {
            let source = handle("source", source)?;
            Ok(source.source.peek().map(|token| source.secret(&token)))
        })
    }
}

/// Call this when an API responded 401 to this access token: if it is still the current one, the
/// next call refreshes it. Any number of late 401s cause one refresh. Sends nothing and does not
/// wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_invalidate(
    source: *const sipgate_oauth2_token_source,
    access_token: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            handle("source", source)?.source.invalidate(&AccessToken::from(text("access_token", access_token)?));
            Ok(())
        })
    }
}

/// Refreshes the tokens now, even if they are valid, and even if the server refused the login
/// before. `options` may be NULL. Blocks. `secret` is the new access token. The caller owns it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_refresh(
    source: *const sipgate_oauth2_token_source,
    options: *const sipgate_oauth2_call_options,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("secret", secret, error, || {
            let source = handle("source", source)?;
            Ok(source.secret(&source.source.start_refresh(&or_defaults(options)).wait()?))
        })
    }
}

/// Replaces this account's login with tokens from elsewhere: from the single steps, or from another
/// library. `options` may be NULL. Blocks until they are stored. The caller still owns `tokens`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_save(
    source: *const sipgate_oauth2_token_source,
    tokens: *const sipgate_oauth2_token_set,
    options: *const sipgate_oauth2_call_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            let (source, tokens) = (handle("source", source)?, handle("tokens", tokens)?);
            source.source.start_save(&tokens.tokens, &or_defaults(options)).wait()
        })
    }
}

/// The state of the login, from the store and without the network. `options` may be NULL. Blocks.
/// The caller owns `status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_status(
    source: *const sipgate_oauth2_token_source,
    options: *const sipgate_oauth2_call_options,
    status: *mut *mut sipgate_oauth2_token_status,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("status", status, error, || handle("source", source)?.source.start_status(&or_defaults(options)).wait()) }
}

/// What the ID token of the login says about the user, as a JSON object: verified at the login, and
/// at each refresh that brought a new one. `sub` names the user and never changes; an `email` can
/// be another user's tomorrow. From the store and without the network. `options` may be NULL.
/// Blocks. Fails with SIPGATE_LOGIN_REQUIRED if the login has ended, and with SIPGATE_ID_TOKEN if
/// it has no ID token: log in with the scope openid. The caller owns `claims`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_claims(
    source: *const sipgate_oauth2_token_source,
    options: *const sipgate_oauth2_call_options,
    claims: *mut *mut sipgate_oauth2_json,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("claims", claims, error, || Ok(handle("source", source)?.source.start_claims(&or_defaults(options)).wait()?.to_json()))
    }
}

/// What the server knows about the user now, as a JSON object, from its userinfo endpoint (OpenID
/// Connect Core, section 5.3). The claims are of the user of the ID token. Refreshes the access
/// token if need be. `options` may be NULL. Blocks. The caller owns `claims`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_userinfo(
    source: *const sipgate_oauth2_token_source,
    options: *const sipgate_oauth2_call_options,
    claims: *mut *mut sipgate_oauth2_json,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("claims", claims, error, || Ok(handle("source", source)?.source.start_userinfo(&or_defaults(options)).wait()?.to_json()))
    }
}

/// Ends the login: first here, then at the server, where it ends every login of this client in that
/// browser's session. `options` and `revoked` may be NULL. Blocks. On success, `revoked` is whether
/// the server revoked the login: false if the client has no revocation endpoint, or if there was no
/// refresh token to revoke, for example after an earlier logout. On failure the server could not be
/// told: no token is given out any more, and another call finishes the logout. Fails with
/// SIPGATE_BUSY if a refresh in progress did not end in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_logout(
    source: *const sipgate_oauth2_token_source,
    options: *const sipgate_oauth2_call_options,
    revoked: *mut bool,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { ended(revoked, error, || handle("source", source)?.source.start_logout(&or_defaults(options)).wait()) }
}

/// Ends the login as sipgate_oauth2_token_source_logout does, and then removes what the store knows
/// of the user: for a request to erase it, or an account that was deleted. Afterwards there is no
/// login, and sipgate_oauth2_client_accounts does not list the account. For an hour, an entry
/// without a name stays in the store, so that no other process restores the login. `options` and
/// `revoked` are as for sipgate_oauth2_token_source_logout. Blocks. On failure the server could not
/// be told: the account is logged out, and another call finishes the erasure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_forget(
    source: *const sipgate_oauth2_token_source,
    options: *const sipgate_oauth2_call_options,
    revoked: *mut bool,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { ended(revoked, error, || handle("source", source)?.source.start_forget(&or_defaults(options)).wait()) }
}

/// Checks that no tokens would be lost if the process ended now. Fails with SIPGATE_UNSAVED if new
/// tokens are only in memory. Does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_ensure_saved(
    source: *const sipgate_oauth2_token_source,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run(error, || handle("source", source)?.source.ensure_saved()) }
}

/// The account: your application's name for the user, or the user's id at the server. Borrowed from
/// the source; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_account(source: *const sipgate_oauth2_token_source) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { source.as_ref() }, |source| Some(&source.account))
}

/// What events call the account: 16 hexadecimal digits, made of issuer, client id and account, the
/// same in all processes. Borrowed from the source; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_account_hash(source: *const sipgate_oauth2_token_source) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { source.as_ref() }, |source| Some(&source.account_hash))
}

/// Frees a source. The login remains stored, and secrets that the source gave remain valid. Does
/// nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_free(source: *mut sipgate_oauth2_token_source) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(source) };
}

/// Ends a login with `end`, and writes whether the server revoked it to `revoked`, unless that is
/// NULL.
///
/// # Safety
///
/// `revoked` is NULL or points to a place for one `bool`, and `error` to one for one pointer.
unsafe fn ended(
    revoked: *mut bool,
    error: *mut *mut sipgate_oauth2_error,
    end: impl FnOnce() -> Result<LogoutOutcome>,
) -> sipgate_oauth2_status {
    let end = || {
        let outcome = end()?;
        // SAFETY: NULL or a place for one `bool`.
        if let Some(revoked) = unsafe { revoked.as_mut() } {
            *revoked = outcome == LogoutOutcome::Revoked;
        }
        Ok(())
    };
    // SAFETY: the caller upholds the contract.
    unsafe { run(error, end) }
}
