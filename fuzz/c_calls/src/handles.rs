//! The handles of a sequence of calls, and what their getters return.

use std::ffi::{CStr, c_char};

use sipgate_oauth2_c::*;

/// Four places for handles of one type.
pub(crate) struct Slots<T: Handle>([Option<Held<T>>; 4]);

impl<T: Handle> Default for Slots<T> {
    fn default() -> Self {
        Self([const { None }; 4])
    }
}

impl<T: Handle> Slots<T> {
    /// Keeps a handle, and frees the previous one.
    pub(crate) fn put(&mut self, slot: u8, handle: *mut T) {
        assert!(!handle.is_null());
        // SAFETY: the library has just returned it.
        let says = unsafe { T::says(handle) };
        self.0[usize::from(slot & 3)] = Some(Held { handle, says });
    }

    /// NULL if there is none.
    pub(crate) fn get(&self, slot: u8) -> *mut T {
        self.0.get(usize::from(slot & 7)).and_then(Option::as_ref).map_or(std::ptr::null_mut(), |held| held.handle)
    }

    pub(crate) fn free(&mut self, slot: u8) {
        match self.0.get_mut(usize::from(slot & 7)).and_then(Option::take) {
            Some(held) => drop(held),
            // SAFETY: the getters accept NULL.
            None => unsafe {
                assert_eq!(T::says(std::ptr::null()), T::NOTHING);
                T::free(std::ptr::null_mut());
            },
        }
    }
}

/// A handle that is freed when dropped, after a check that its getters return the same as at first.
struct Held<T: Handle> {
    handle: *mut T,
    says: String,
}

impl<T: Handle> Drop for Held<T> {
    fn drop(&mut self) {
        // SAFETY: nothing else frees it.
        unsafe {
            if !std::thread::panicking() {
                assert_eq!(T::says(self.handle), self.says, "a handle has changed");
            }
            T::free(self.handle);
        }
    }
}

pub(crate) trait Handle {
    /// What the getters return for NULL.
    const NOTHING: &str = "()";

    /// What all getters return.
    ///
    /// # Safety
    ///
    /// `handle` is NULL or live.
    unsafe fn says(_handle: *const Self) -> String {
        format!("{:?}", ())
    }

    /// # Safety
    ///
    /// `handle` is NULL or live, and not used again.
    unsafe fn free(handle: *mut Self);
}

impl Handle for sipgate_oauth2_error {
    const NOTHING: &str = r#"(0, "SIPGATE_OK", "", None, None, false, -1, 0, None, None, None, None) None"#;

    unsafe fn says(error: *const Self) -> String {
        // SAFETY: NULL or live, and so are its texts.
        unsafe {
            let names =
                (sipgate_oauth2_error_status(error), name(sipgate_oauth2_error_name(error)), name(sipgate_oauth2_error_family(error)));
            let texts = (read(sipgate_oauth2_error_message(error)), read(sipgate_oauth2_error_remedy(error)));
            let numbers = (
                sipgate_oauth2_error_retryable(error),
                sipgate_oauth2_error_retry_after_ms(error),
                sipgate_oauth2_error_http_status(error),
            );
            let (code, description) =
                (read(sipgate_oauth2_error_oauth_error(error)), read(sipgate_oauth2_error_oauth_error_description(error)));
            let (uri, cause) = (read(sipgate_oauth2_error_oauth_error_uri(error)), read(sipgate_oauth2_error_cause(error)));
            let token = read(sipgate_oauth2_error_refresh_token(error));
            let all = (names.0, names.1, names.2, texts.0, texts.1, numbers.0, numbers.1, numbers.2, code, description, uri, cause);
            format!("{all:?} {token:?}")
        }
    }

    unsafe fn free(error: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_error_free(error) }
    }
}

impl Handle for sipgate_oauth2_secret {
    const NOTHING: &str = "None";

    unsafe fn says(secret: *const Self) -> String {
        // SAFETY: NULL or live, and so is its text.
        unsafe { format!("{:?}", read(sipgate_oauth2_secret_text(secret))) }
    }

    unsafe fn free(secret: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_secret_free(secret) }
    }
}

impl Handle for sipgate_oauth2_json {
    const NOTHING: &str = "None";

    unsafe fn says(json: *const Self) -> String {
        // SAFETY: NULL or live, and so is its text.
        unsafe { format!("{:?}", read(sipgate_oauth2_json_text(json))) }
    }

    unsafe fn free(json: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_json_free(json) }
    }
}

impl Handle for sipgate_oauth2_client {
    const NOTHING: &str = "[None, None, None, None, None]";

    unsafe fn says(client: *const Self) -> String {
        // SAFETY: NULL or live, and so are its texts.
        unsafe {
            let (issuer, token_endpoint) = (sipgate_oauth2_client_issuer(client), sipgate_oauth2_client_token_endpoint(client));
            let metadata = sipgate_oauth2_client_metadata(client);
            let (client_id, redirect_uri) = (sipgate_oauth2_client_client_id(client), sipgate_oauth2_client_redirect_uri(client));
            format!("{:?}", [read(metadata), read(issuer), read(token_endpoint), read(client_id), read(redirect_uri)])
        }
    }

    unsafe fn free(client: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_client_free(client) }
    }
}

impl Handle for sipgate_oauth2_authorization_request {
    const NOTHING: &str = "([None, None, None, None, None, None], -1, -1)";

    unsafe fn says(request: *const Self) -> String {
        // SAFETY: NULL or live, and so are its texts.
        unsafe {
            let texts = [
                sipgate_oauth2_authorization_request_url(request),
                sipgate_oauth2_authorization_request_state(request),
                sipgate_oauth2_authorization_request_nonce(request),
                sipgate_oauth2_authorization_request_redirect_uri(request),
                sipgate_oauth2_authorization_request_scope(request),
                sipgate_oauth2_authorization_request_return_to(request),
            ];
            let texts = texts.map(|text| read(text));
            format!(
                "{:?}",
                (texts, sipgate_oauth2_authorization_request_created_at(request), sipgate_oauth2_authorization_request_expires_at(request))
            )
        }
    }

    unsafe fn free(request: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_authorization_request_free(request) }
    }
}

impl Handle for sipgate_oauth2_token_set {
    const NOTHING: &str = "([None, None, None, None], false, false, -1, -1)";

    unsafe fn says(tokens: *const Self) -> String {
        // SAFETY: NULL or live, and so are its texts.
        unsafe {
            let texts = [
                sipgate_oauth2_token_set_token_type(tokens),
                sipgate_oauth2_token_set_scope(tokens),
                sipgate_oauth2_token_set_extra_json(tokens),
                sipgate_oauth2_token_set_claims_json(tokens),
            ];
            let texts = texts.map(|text| read(text));
            let ends = (sipgate_oauth2_token_set_expires_at(tokens), sipgate_oauth2_token_set_refresh_expires_at(tokens));
            let flags = (sipgate_oauth2_token_set_id_token_kept(tokens), sipgate_oauth2_token_set_id_token_verified(tokens));
            format!("{:?}", (texts, flags.0, flags.1, ends.0, ends.1))
        }
    }

    unsafe fn free(tokens: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_token_set_free(tokens) }
    }
}

impl Handle for sipgate_oauth2_token_source {
    const NOTHING: &str = "(None, None)";

    unsafe fn says(source: *const Self) -> String {
        // SAFETY: NULL or live, and so is its text.
        unsafe {
            format!("{:?}", (read(sipgate_oauth2_token_source_account(source)), read(sipgate_oauth2_token_source_account_hash(source))))
        }
    }

    unsafe fn free(source: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_token_source_free(source) }
    }
}

impl Handle for sipgate_oauth2_token_status {
    const NOTHING: &str =
        r#"(None, None, 0, -1, -1, false, "(0, \"SIPGATE_OK\", \"\", None, None, false, -1, 0, None, None, None, None) None")"#;

    unsafe fn says(status: *const Self) -> String {
        // SAFETY: NULL or live, and so is what belongs to it.
        unsafe {
            let texts = (read(sipgate_oauth2_token_status_state(status)), read(sipgate_oauth2_token_status_scope(status)));
            let ends = (sipgate_oauth2_token_status_expires_at(status), sipgate_oauth2_token_status_refresh_expires_at(status));
            let (generation, unsaved) = (sipgate_oauth2_token_status_generation(status), sipgate_oauth2_token_status_unsaved(status));
            let last_error = Handle::says(sipgate_oauth2_token_status_last_error(status));
            format!("{:?}", (texts.0, texts.1, generation, ends.0, ends.1, unsaved, last_error))
        }
    }

    unsafe fn free(status: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_token_status_free(status) }
    }
}

impl Handle for sipgate_oauth2_store_violations {
    const NOTHING: &str = "[]";

    unsafe fn says(violations: *const Self) -> String {
        // SAFETY: NULL or live, and so are its texts.
        unsafe {
            let count = sipgate_oauth2_store_violations_count(violations);
            assert_eq!(read(sipgate_oauth2_store_violations_at(violations, count)), None);
            format!("{:?}", (0..count).filter_map(|index| read(sipgate_oauth2_store_violations_at(violations, index))).collect::<Vec<_>>())
        }
    }

    unsafe fn free(violations: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_store_violations_free(violations) }
    }
}

impl Handle for sipgate_oauth2_store_findings {
    const NOTHING: &str = "[]";

    unsafe fn says(findings: *const Self) -> String {
        // SAFETY: NULL or live, and so are its texts.
        unsafe {
            let count = sipgate_oauth2_store_findings_count(findings);
            assert_eq!(read(sipgate_oauth2_store_findings_at(findings, count)), None);
            format!("{:?}", (0..count).filter_map(|index| read(sipgate_oauth2_store_findings_at(findings, index))).collect::<Vec<_>>())
        }
    }

    unsafe fn free(findings: *mut Self) {
        // SAFETY: the caller upholds the contract.
        unsafe { sipgate_oauth2_store_findings_free(findings) }
    }
}

macro_rules! say_nothing {
    ($($handle:ident: $free:ident,)*) => {$(
        impl Handle for $handle {
            unsafe fn free(handle: *mut Self) {
                // SAFETY: the caller upholds the contract.
                unsafe { $free(handle) }
            }
        }
    )*};
}

say_nothing! {
    sipgate_oauth2_authorization_code: sipgate_oauth2_authorization_code_free,
    sipgate_oauth2_authorization_parameters: sipgate_oauth2_authorization_parameters_free,
    sipgate_oauth2_call_options: sipgate_oauth2_call_options_free,
    sipgate_oauth2_cancel_token: sipgate_oauth2_cancel_token_free,
    sipgate_oauth2_client_options: sipgate_oauth2_client_options_free,
    sipgate_oauth2_discovery_options: sipgate_oauth2_discovery_options_free,
    sipgate_oauth2_logout_parameters: sipgate_oauth2_logout_parameters_free,
    sipgate_oauth2_store: sipgate_oauth2_store_free,
    sipgate_oauth2_store_options: sipgate_oauth2_store_options_free,
}

/// A text, after a check for the terminating NUL.
///
/// # Safety
///
/// `text` belongs to a live handle.
pub(crate) unsafe fn read(text: sipgate_oauth2_str) -> Option<String> {
    if text.data.is_null() {
        assert_eq!(text.len, 0);
        return None;
    }
    // SAFETY: the caller upholds the contract, and the header promises the terminating NUL.
    let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len + 1) };
    let (end, text) = bytes.split_last().expect("one more than its length");
    assert_eq!(*end, 0, "no NUL after a text");
    Some(String::from_utf8(text.to_vec()).expect("texts are UTF-8"))
}

/// # Safety
///
/// `name` is a static string of the library.
pub(crate) unsafe fn name<'a>(name: *const c_char) -> &'a str {
    // SAFETY: the caller upholds the contract.
    unsafe { CStr::from_ptr(name) }.to_str().expect("names are ASCII")
}
