//! Operations of the C library, as a C program calls them.

use std::ffi::CString;
use std::ptr::{null, null_mut};

use sipgate_oauth2_c::*;

use crate::Operation;
use crate::samples::{BASE, CLIENT_ID, CLIENT_SECRET, REALM, REDIRECT_URI, saved_tokens};

pub(crate) fn operations() -> Vec<Operation> {
    vec![token_at_hand(), restore_tokens(), authorization_url()]
}

/// What a function of C gives.
fn given<T>(call: impl FnOnce(*mut *mut T, *mut *mut sipgate_oauth2_error) -> sipgate_oauth2_status) -> *mut T {
    let mut out = null_mut();
    assert_eq!(call(&raw mut out, null_mut()), 0);
    out
}

fn text(text: &str) -> CString {
    CString::new(text).unwrap()
}

/// It is never freed.
fn client() -> *mut sipgate_oauth2_client {
    let (base, realm, id) = (text(BASE), text(REALM), text(CLIENT_ID));
    let (secret, redirect_uri) = (text(CLIENT_SECRET), text(REDIRECT_URI));
    // SAFETY: the texts and handles live longer than the calls.
    unsafe {
        // The tokens are not loaded again during the measurement.
        let store_options = sipgate_oauth2_store_options_new();
        assert_eq!(sipgate_oauth2_store_options_set_recheck_ms(store_options, 3_600_000, null_mut()), 0);
        let store = given(|store, error| sipgate_oauth2_store_memory(store_options, store, error));
        let options =
            given(|options, error| sipgate_oauth2_client_options_new_keycloak(base.as_ptr(), realm.as_ptr(), id.as_ptr(), options, error));
        assert_eq!(sipgate_oauth2_client_options_set_client_secret(options, secret.as_ptr(), null_mut()), 0);
        assert_eq!(sipgate_oauth2_client_options_set_redirect_uri(options, redirect_uri.as_ptr(), null_mut()), 0);
        assert_eq!(sipgate_oauth2_client_options_set_store(options, store, null_mut()), 0);
        given(|client, error| sipgate_oauth2_client_new(options, client, error))
    }
}

fn tokens(json: &CString) -> *mut sipgate_oauth2_token_set {
    // SAFETY: the text lives longer than the call.
    given(|tokens, error| unsafe { sipgate_oauth2_token_set_restore(json.as_ptr(), tokens, error) })
}

fn token_at_hand() -> Operation {
    let (client, account) = (client(), text("user-42"));
    // SAFETY: the handles are never freed.
    let source = unsafe {
        let source = given(|source, error| sipgate_oauth2_client_token_source(client, account.as_ptr(), source, error));
        assert_eq!(sipgate_oauth2_token_source_save(source, tokens(&text(&saved_tokens())), null(), null_mut()), 0);
        source
    };
    let call = move || {
        // SAFETY: the source is never freed, and the secret is freed once.
        unsafe {
            let token = given(|secret, error| sipgate_oauth2_token_source_access_token(source, null(), secret, error));
            assert!(sipgate_oauth2_secret_text(token).len > 1000);
            sipgate_oauth2_secret_free(token);
        }
    };
    ("C: token at hand", Box::new(call))
}

fn restore_tokens() -> Operation {
    let json = text(&saved_tokens());
    // SAFETY: the tokens are freed once.
    ("C: token set restored", Box::new(move || unsafe { sipgate_oauth2_token_set_free(tokens(&json)) }))
}

fn authorization_url() -> Operation {
    let (client, scope) = (client(), text("openid balance:read"));
    let call = move || {
        // SAFETY: the client is never freed, and the request is freed once.
        unsafe {
            let request =
                given(|request, error| sipgate_oauth2_client_authorization_request(client, scope.as_ptr(), null(), request, error));
            assert!(sipgate_oauth2_authorization_request_url(request).len > 100);
            sipgate_oauth2_authorization_request_free(request);
        }
    };
    ("C: authorization URL", Box::new(call))
}
