//! The codes of the registry as C constants.

use std::ffi::{CString, c_char};
use std::sync::LazyLock;

use sipgate_oauth2::ErrorCode;

/// What a function returns: SIPGATE_OK (0), or one of the constants of `enum sipgate_oauth2_code`. Compare, do not switch exhaustively: later
/// versions add codes.
pub type sipgate_oauth2_status = u32;

/// The values of a sipgate_oauth2_status. The same codes, under the same names, in Python, Node and Rust; docs/errors.md says when each happens.
///
/// cbindgen:prefix-with-name=false
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum sipgate_oauth2_code {
    /// It worked.
    SIPGATE_OK = 0,
    /// An argument or setting cannot be right. The message names it.
    SIPGATE_INVALID_ARGUMENT = 101,
    /// The server does not accept the client id, its secret or its way of authenticating.
    SIPGATE_INVALID_CLIENT = 102,
    /// What responded is not a token endpoint.
    SIPGATE_WRONG_ENDPOINT = 103,
    /// The server's certificate does not verify, or is for another name.
    SIPGATE_CERTIFICATE = 104,
    /// The server wants or sent something that this library does not do.
    SIPGATE_UNSUPPORTED = 105,
    /// An OAuth error about the request, or an unknown one at a refresh: see sipgate_oauth2_error_oauth_error.
    SIPGATE_OAUTH = 106,
    /// No connection; nothing was sent.
    SIPGATE_TRANSPORT = 201,
    /// Time ran out before anything was sent.
    SIPGATE_TIMEOUT = 202,
    /// The request was sent and no usable answer came: it may or may not have been carried out.
    SIPGATE_OUTCOME_UNKNOWN = 203,
    /// The server says that it cannot now.
    SIPGATE_SERVER_UNAVAILABLE = 204,
    /// The answer was a good JSON object without what it must hold.
    SIPGATE_BAD_RESPONSE = 205,
    /// Something that only one may do at a time is being done, or no thread could be had.
    SIPGATE_BUSY = 206,
    /// The login is over, or was never there.
    SIPGATE_LOGIN_REQUIRED = 301,
    /// The code could not be exchanged; a code is spent by the attempt. Of a refresh: refused without a reason.
    SIPGATE_LOGIN_FAILED = 302,
    /// The callback came after the pending login's end, or the pending login is gone or was changed.
    SIPGATE_LOGIN_EXPIRED = 303,
    /// The pending login has been used already.
    SIPGATE_LOGIN_ALREADY_USED = 304,
    /// The person said no.
    SIPGATE_AUTHORIZATION_DENIED = 401,
    /// The callback's state is not that of this pending login.
    SIPGATE_STATE_MISMATCH = 501,
    /// The callback's iss is not the server that was asked.
    SIPGATE_ISSUER_MISMATCH = 502,
    /// The callback is malformed, doubled, or for another address.
    SIPGATE_CALLBACK_REFUSED = 503,
    /// The ID token's nonce is not that of this login.
    SIPGATE_NONCE_MISMATCH = 504,
    /// The ID token is missing or does not verify.
    SIPGATE_ID_TOKEN = 505,
    /// Tokens that failed a check are stored but not handed out.
    SIPGATE_QUARANTINED = 506,
    /// The store cannot be reached, read or written.
    SIPGATE_STORE_UNAVAILABLE = 601,
    /// What the store holds cannot be read.
    SIPGATE_STORE_CORRUPT = 602,
    /// The store was written by a newer version of the library.
    SIPGATE_STORE_FORMAT = 603,
    /// The store can be read by others.
    SIPGATE_STORE_PERMISSIONS = 604,
    /// Tokens are good but could not be saved yet.
    SIPGATE_UNSAVED = 605,
    /// The caller cancelled.
    SIPGATE_CANCELLED = 701,
    /// A defect of this library, caught before it could reach the caller.
    SIPGATE_INTERNAL = 702,
}

/// The constants in the order of the core's registry; the compiler checks that none is missing or has another number. That each has its own
/// name is checked by the C tests.
const CODES: [sipgate_oauth2_code; 31] = {
    use sipgate_oauth2_code::*;
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

/// The name of a status: "SIPGATE_LOGIN_REQUIRED", "SIPGATE_OK"; "SIPGATE_UNKNOWN" for a number that is no status of this version. Never NULL,
/// never freed. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_status_name(status: sipgate_oauth2_status) -> *const c_char {
    match NAMES.iter().find(|(number, ..)| *number == status) {
        Some((_, name, _)) => name.as_ptr(),
        None if status == sipgate_oauth2_code::SIPGATE_OK as sipgate_oauth2_status => c"SIPGATE_OK".as_ptr(),
        None => c"SIPGATE_UNKNOWN".as_ptr(),
    }
}

/// The family that a status belongs to, the name of a class in Python and Node: "LoginRequiredError"; "" for SIPGATE_OK and for a number that is
/// no status of this version. Never NULL, never freed. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_status_family(status: sipgate_oauth2_status) -> *const c_char {
    NAMES.iter().find(|(number, ..)| *number == status).map_or(c"".as_ptr(), |(_, _, family)| family.as_ptr())
}

/// The statuses of this version in the order of their numbers, one for each `index` from 0; SIPGATE_OK behind the last. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_status_at(index: usize) -> sipgate_oauth2_status {
    ErrorCode::ALL.get(index).map_or(sipgate_oauth2_code::SIPGATE_OK as sipgate_oauth2_status, |code| code.number())
}
