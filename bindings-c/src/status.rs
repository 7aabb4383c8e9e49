//! Status codes, as numbers and names for C.

use std::ffi::{CString, c_char};
use std::sync::LazyLock;

use sipgate_oauth2::ErrorCode;

/// What a function returns: SIPGATE_OK (0), or why it failed. The codes have the same names in
/// Python, Node and Rust; docs/errors.md says when each occurs. Later versions add codes: compare
/// with the constants, and treat any other number as a failure.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum Status {
    /// Success.
    SIPGATE_OK = 0,
    /// An argument or setting is invalid. The message names it.
    SIPGATE_INVALID_ARGUMENT = 101,
    /// The server rejects the client id, its secret or its authentication method.
    SIPGATE_INVALID_CLIENT = 102,
    /// The URL that responded is not a token endpoint.
    SIPGATE_WRONG_ENDPOINT = 103,
    /// The server's certificate does not verify, or is for another name.
    SIPGATE_CERTIFICATE = 104,
    /// The server requires or sent something that this library does not support.
    SIPGATE_UNSUPPORTED = 105,
    /// An OAuth error about the request, or an unknown one at a refresh. See
    /// sipgate_oauth2_error_oauth_error.
    SIPGATE_OAUTH = 106,
    /// No connection; nothing was sent.
    SIPGATE_TRANSPORT = 201,
    /// The time ran out before anything was sent.
    SIPGATE_TIMEOUT = 202,
    /// The request was sent, but no usable response arrived: the server may have processed it.
    SIPGATE_OUTCOME_UNKNOWN = 203,
    /// The server is temporarily unavailable.
    SIPGATE_SERVER_UNAVAILABLE = 204,
    /// The response is a JSON object, but a required member is missing or invalid.
    SIPGATE_BAD_RESPONSE = 205,
    /// Another caller is doing what only one may do at a time, or no thread was available.
    SIPGATE_BUSY = 206,
    /// There is no login, or it has ended.
    SIPGATE_LOGIN_REQUIRED = 301,
    /// The server did not accept the code, which is spent now; or it refused a refresh without a
    /// reason.
    SIPGATE_LOGIN_FAILED = 302,
    /// The callback is too late, or the authorization request is missing or was changed.
    SIPGATE_LOGIN_EXPIRED = 303,
    /// The authorization request was used before.
    SIPGATE_LOGIN_ALREADY_USED = 304,
    /// The user denied access.
    SIPGATE_AUTHORIZATION_DENIED = 401,
    /// The callback's state is not that of this authorization request.
    SIPGATE_STATE_MISMATCH = 501,
    /// The callback's iss is not the server that was asked.
    SIPGATE_ISSUER_MISMATCH = 502,
    /// The callback is malformed, has a parameter twice, or is for another address.
    SIPGATE_CALLBACK_REFUSED = 503,
    /// The ID token's nonce is not that of this login.
    SIPGATE_NONCE_MISMATCH = 504,
    /// The ID token is missing or does not verify.
    SIPGATE_ID_TOKEN = 505,
    /// The tokens failed a check: they are stored, but not given out.
    SIPGATE_QUARANTINED = 506,
    /// The store cannot be opened, read or written.
    SIPGATE_STORE_UNAVAILABLE = 601,
    /// The store's contents are invalid.
    SIPGATE_STORE_CORRUPT = 602,
    /// A newer version of the library wrote the store.
    SIPGATE_STORE_FORMAT = 603,
    /// Other users can read the store.
    SIPGATE_STORE_PERMISSIONS = 604,
    /// The tokens are valid but could not be saved yet.
    SIPGATE_UNSAVED = 605,
    /// The caller cancelled.
    SIPGATE_CANCELLED = 701,
    /// A defect of this library, caught before it reached the caller.
    SIPGATE_INTERNAL = 702,
}

/// The same type in the header. C may pass any number, which would be invalid in the Rust enum.
///
/// cbindgen:ignore
pub type sipgate_oauth2_status = u32;

/// The constants in the order of the core's registry; the compiler checks that none is missing or
/// has another number. The C tests check that each has its own name.
const CODES: [Status; 31] = {
    use Status::*;
    [
        SIPGATE_INVALID_ARGUMENT,
        SIPGATE_INVALID_CLIENT,
        SIPGATE_WRONG_ENDPOINT,
        SIPGATE_CERTIFICATE,
        SIPGATE_UNSUPPORTED,
        SIPGATE_OAUTH,
        SIPGATE_TRANSPORT,
        SIPGATE_TIMEOUT,
        SIPGATE_OUTCOME_UNKNOWN,
        SIPGATE_SERVER_UNAVAILABLE,
        SIPGATE_BAD_RESPONSE,
        SIPGATE_BUSY,
        SIPGATE_LOGIN_REQUIRED,
        SIPGATE_LOGIN_FAILED,
        SIPGATE_LOGIN_EXPIRED,
        SIPGATE_LOGIN_ALREADY_USED,
        SIPGATE_AUTHORIZATION_DENIED,
        SIPGATE_STATE_MISMATCH,
        SIPGATE_ISSUER_MISMATCH,
        SIPGATE_CALLBACK_REFUSED,
        SIPGATE_NONCE_MISMATCH,
        SIPGATE_ID_TOKEN,
        SIPGATE_QUARANTINED,
        SIPGATE_STORE_UNAVAILABLE,
        SIPGATE_STORE_CORRUPT,
        SIPGATE_STORE_FORMAT,
        SIPGATE_STORE_PERMISSIONS,
        SIPGATE_UNSAVED,
        SIPGATE_CANCELLED,
        SIPGATE_INTERNAL,
        SIPGATE_OK,
    ]
};

const _: () = {
    assert!(CODES.len() == ErrorCode::ALL.len() + 1, "a code of the core has no C constant");
    let mut index = 0;
    while index < ErrorCode::ALL.len() {
        assert!(CODES[index] as u32 == ErrorCode::ALL[index].number(), "a C constant has another number than the core's code");
        index += 1;
    }
};

/// Names with a terminating NUL, as C reads them: number, code, family.
static NAMES: LazyLock<Vec<(sipgate_oauth2_status, CString, CString)>> = LazyLock::new(|| {
    let terminated = |name: &str| CString::new(name).unwrap_or_default();
    ErrorCode::ALL.iter().map(|code| (code.number(), terminated(code.as_str()), terminated(code.family().as_str()))).collect()
});

/// The name of a status, such as "SIPGATE_LOGIN_REQUIRED" or "SIPGATE_OK"; "SIPGATE_UNKNOWN" for a
/// number that this version does not know. Never NULL. Static: do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_status_name(status: sipgate_oauth2_status) -> *const c_char {
    match NAMES.iter().find(|(number, ..)| *number == status) {
        Some((_, name, _)) => name.as_ptr(),
        None if status == Status::SIPGATE_OK as sipgate_oauth2_status => c"SIPGATE_OK".as_ptr(),
        None => c"SIPGATE_UNKNOWN".as_ptr(),
    }
}

/// The family of a status, such as "LoginRequiredError": the name of its class in Python and Node.
/// "" for SIPGATE_OK and for a number that this version does not know. Never NULL. Static: do not
/// free it.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_status_family(status: sipgate_oauth2_status) -> *const c_char {
    NAMES.iter().find(|(number, ..)| *number == status).map_or(c"".as_ptr(), |(_, _, family)| family.as_ptr())
}

/// The statuses of this version in the order of their numbers, one for each `index` from 0;
/// SIPGATE_OK after the last.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_status_at(index: usize) -> sipgate_oauth2_status {
    ErrorCode::ALL.get(index).map_or(Status::SIPGATE_OK as sipgate_oauth2_status, |code| code.number())
}
