//! The access token of one account, whenever it is asked for.

use std::ffi::c_char;
use std::sync::{Arc, Mutex};

use sipgate_oauth2::{AccessToken, LogoutOutcome, Result, TokenSource};

use crate::arguments::{self, handle, place, text};
use crate::boundary;
use crate::call::{or_defaults, sipgate_oauth2_call_options};
use crate::error::sipgate_oauth2_error;
use crate::secret::{SharedSecret, sipgate_oauth2_secret};
use crate::status::sipgate_oauth2_status;
use crate::text::{Text, lend, sipgate_oauth2_str};
use crate::token_set::sipgate_oauth2_token_set;
use crate::token_status::sipgate_oauth2_token_status;

/// The access token of one account, whenever it is asked for: from memory, from the store, or renewed, once for all threads and processes that ask. Any
/// number of threads may use it, and a forked child too. Cheap to make anew for each request; what is in memory belongs to the store.
///
/// A process that ends by `exit`, or by returning from `main`, waits until every refresh, login and logout that has begun is over and stored, for 5 s at
/// most. `_exit` and signals do not.
pub struct sipgate_oauth2_token_source {
    source: TokenSource,
    account: Text,
    account_hash: Text,
    /// The last access token as C has it: asked for at every request, it is not copied for each. The lock is tried only: nobody waits for it, also not a
    /// child that was forked while another thread had it.
    last: Mutex<Option<(AccessToken, SharedSecret)>>,
}

impl From<TokenSource> for sipgate_oauth2_token_source {
    fn from(source: TokenSource) -> Self {
        Self { account: source.account().into(), account_hash: source.account_hash().into(), source, last: Mutex::default() }
    }
}

impl sipgate_oauth2_token_source {
    /// # Safety
    ///
    /// `call` is NULL or a live handle.
    unsafe fn current(&self, call: *const sipgate_oauth2_call_options) -> Result<SharedSecret> {
        if call.is_null()
            && let Some(secret) = self.source.with_at_hand(|token| self.secret(token))
        {
            return Ok(secret);
        }
        // SAFETY: the caller's promise is ours.
        let call = unsafe { or_defaults(call) };
        Ok(self.secret(&self.source.access_token_with(&call)?))
    }

    fn secret(&self, token: &AccessToken) -> SharedSecret {
        let Ok(mut last) = self.last.try_lock() else { return sipgate_oauth2_secret::new(token.reveal()) };
        match &*last {
            // Clones of a token share its text, which stays where it is while the last one is held here.
            Some((held, secret)) if std::ptr::eq(held.reveal(), token.reveal()) => Arc::clone(secret),
            _ => {
                let secret = sipgate_oauth2_secret::new(token.reveal());
                *last = Some((token.clone(), Arc::clone(&secret)));
                secret
            }
        }
    }
}

/// An access token that an API takes now. Past most of its life the current one is given at once and refreshed in the background;
/// only where it has ended does a caller wait for the new one.
/// `call` may be NULL. SIPGATE_LOGIN_REQUIRED when somebody must log in. A refresh that is under way goes on by itself when the wait ends. On success
/// `secret` is the caller's, to be freed with sipgate_oauth2_secret_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_access_token(
    source: *const sipgate_oauth2_token_source,
    call: *const sipgate_oauth2_call_options,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { give(source, secret, error, |source| source.current(call).map(Some)) }
}

/// The value of an Authorization header: "Bearer ..." (RFC 6750, section 2.1), with the access token that sipgate_oauth2_token_source_access_token gives, and all
/// else as there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_authorization_header(
    source: *const sipgate_oauth2_token_source,
    call: *const sipgate_oauth2_call_options,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        give(source, secret, error, |source| {
            let header = match call.as_ref() {
                Some(_) => source.source.authorization_header_with(&or_defaults(call)),
                None => source.source.authorization_header(),
            };
            Ok(Some(sipgate_oauth2_secret::new(header?.reveal())))
        })
    }
}

/// The current access token, if it can be handed out without asking the store or the server; NULL where it cannot, which is no failure. Never waits. On
/// success `secret` is the caller's, to be freed with sipgate_oauth2_secret_free; on failure, which is for a NULL alone, it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_peek(
    source: *const sipgate_oauth2_token_source,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { give(source, secret, error, |source| Ok(source.source.peek().map(|token| source.secret(&token)))) }
}

/// An API answered 401 to this access token: the next call renews it, if it still is the current one. Any number of late 401s cause one refresh. Sends
/// nothing and does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_invalidate(
    source: *const sipgate_oauth2_token_source,
    access_token: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        run(source, error, |source| {
            source.invalidate(&AccessToken::from(text("access_token", access_token)?));
            Ok(())
        })
    }
}

/// Renews the tokens now, also when they are fresh, or when the server has refused the login before. `call` may be NULL. Waits. On success `secret` is the
/// new access token and the caller's, to be freed with sipgate_oauth2_secret_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_refresh(
    source: *const sipgate_oauth2_token_source,
    call: *const sipgate_oauth2_call_options,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { give(source, secret, error, |source| Ok(Some(source.secret(&source.source.refresh_with(&or_defaults(call))?)))) }
}

/// Puts tokens that were got elsewhere in the place of this account's login: from the single steps, or from another library. `tokens` stays the caller's.
/// `call` may be NULL. Waits for the store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_save(
    source: *const sipgate_oauth2_token_source,
    tokens: *const sipgate_oauth2_token_set,
    call: *const sipgate_oauth2_call_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { run(source, error, |source| source.save_with(&handle("tokens", tokens)?.tokens, &or_defaults(call))) }
}

/// How the login stands, by the store and without the network. `call` may be NULL. Waits for the store. On success `status` is the caller's, to be freed
/// with sipgate_oauth2_token_status_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_status(
    source: *const sipgate_oauth2_token_source,
    call: *const sipgate_oauth2_call_options,
    status: *mut *mut sipgate_oauth2_token_status,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        run(source, error, |source| {
            let out = place("status", status)?;
            out.put(source.status_with(&or_defaults(call))?.into());
            Ok(())
        })
    }
}

/// Ends the login: here at once, and then at the server, where it ends every login of this client in that browser's session. `call` and `revoked` may be
/// NULL. Waits. On success `revoked` says whether the server has revoked the login: it is false where the client has no revocation endpoint, or there was
/// no refresh token to revoke, as after an earlier logout. On failure it is not written, and the server could not be told: nothing is handed out any more,
/// and another call finishes it; SIPGATE_BUSY when a refresh that was under way has not ended in time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_logout(
    source: *const sipgate_oauth2_token_source,
    call: *const sipgate_oauth2_call_options,
    revoked: *mut bool,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        run(source, error, |source| {
            let outcome = source.logout_with(&or_defaults(call))?;
            if let Some(revoked) = revoked.as_mut() {
                *revoked = outcome == LogoutOutcome::Revoked;
            }
            Ok(())
        })
    }
}

/// Checks that nothing is lost if the process ends now: SIPGATE_UNSAVED while new tokens are only in memory. Does not wait.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_ensure_saved(
    source: *const sipgate_oauth2_token_source,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { run(source, error, TokenSource::ensure_saved) }
}

/// The account, as the application named it. Belongs to the source; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_account(source: *const sipgate_oauth2_token_source) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { source.as_ref() }, |source| Some(&source.account))
}

/// What events call the account: 16 hexadecimal digits, made of issuer, client id and account, the same in all processes. Belongs to the source; no
/// text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_account_hash(source: *const sipgate_oauth2_token_source) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { source.as_ref() }, |source| Some(&source.account_hash))
}

/// Frees a source. The login stays, and so do secrets that came out of it. Not while another thread uses it. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_token_source_free(source: *mut sipgate_oauth2_token_source) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(source) };
}

/// # Safety
///
/// `source` is NULL or a live handle; `error` is NULL or points to a place for one pointer.
unsafe fn run(
    source: *const sipgate_oauth2_token_source,
    error: *mut *mut sipgate_oauth2_error,
    work: impl FnOnce(&TokenSource) -> Result<()>,
) -> sipgate_oauth2_status {
    // SAFETY: the caller's promise is ours.
    unsafe { boundary::run(error, || work(&handle("source", source)?.source)) }
}

/// # Safety
///
/// As for `run`; `secret` is NULL or points to a place for one pointer.
unsafe fn give(
    source: *const sipgate_oauth2_token_source,
    secret: *mut *mut sipgate_oauth2_secret,
    error: *mut *mut sipgate_oauth2_error,
    secret_of: impl FnOnce(&sipgate_oauth2_token_source) -> Result<Option<SharedSecret>>,
) -> sipgate_oauth2_status {
    // SAFETY: the caller's promise is ours.
    unsafe {
        boundary::run(error, || {
            let source = handle("source", source)?;
            let out = place("secret", secret)?;
            match secret_of(source)? {
                Some(secret) => out.put_shared(secret),
                None => out.put_nothing(),
            }
            Ok(())
        })
    }
}
