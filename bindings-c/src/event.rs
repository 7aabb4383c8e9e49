//! Events for a handler in C.

use std::ffi::c_void;

use sipgate_oauth2::{Error, Event, Result};

use crate::text::{Text, lend, sipgate_oauth2_str};
use crate::user_data::{FreeFunction, UserData};

/// Something that happened. The library owns it: it is valid until the handler returns.
pub struct sipgate_oauth2_event {
    kind: Text,
    json: Text,
    is_warning: bool,
}

/// Receives events. Runs on the thread where the event happened, which may be a thread of the
/// library, and on several threads at once; the library holds no lock meanwhile. It should be
/// quick. It must not throw a C++ exception or call longjmp.
pub type sipgate_oauth2_event_handler = Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const sipgate_oauth2_event)>;

/// The kind of event, a word that is the same in all languages, such as "token_request" or
/// "login_rejected". Later versions add kinds. Borrowed from the event; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_event_kind(event: *const sipgate_oauth2_event) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { event.as_ref() }, |event| Some(&event.kind))
}

/// The whole event as one line: a JSON object that has its kind as `type`, durations in seconds,
/// and an account as a hash. It contains no secret. Borrowed from the event; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_event_json(event: *const sipgate_oauth2_event) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { event.as_ref() }, |event| Some(&event.json))
}

/// Whether somebody should look at it: true for everything that does not happen every day. False if
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_event_is_warning(event: *const sipgate_oauth2_event) -> bool {
    // SAFETY: NULL or a live handle.
    unsafe { event.as_ref() }.is_some_and(|event| event.is_warning)
}

/// The handler as the core takes it.
///
/// # Safety
///
/// The handler does what the header says, and so do `user_data` and `free`.
pub(crate) unsafe fn handler(
    handler: sipgate_oauth2_event_handler,
    user_data: *mut c_void,
    free: FreeFunction,
) -> Result<impl Fn(&Event) + Send + Sync + 'static> {
    let handler = handler.ok_or_else(|| Error::invalid_argument("handler", "is NULL; pass a function"))?;
    // SAFETY: the caller upholds the contract.
    let user_data = unsafe { UserData::new(user_data, free) };
    Ok(move |event: &Event| {
        let event =
            sipgate_oauth2_event { kind: event.kind().into(), json: event.to_json().as_str().into(), is_warning: event.is_warning() };
        // SAFETY: the arguments are those that the header promises, and valid until it returns.
        unsafe { handler(user_data.pointer(), &raw const event) };
    })
}
