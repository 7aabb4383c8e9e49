//! What must hold for each call that can fail.

use std::ptr::NonNull;

use sipgate_oauth2_c::*;

use crate::handles::{Handle, Slots, name, read};
use crate::line::Line;

const REMEDIES: [&str; 6] = ["log_in_again", "fix_configuration", "try_later", "discard_input", "show_denied", "report_bug"];

/// Makes a call that writes a handle or, if the header says so, NULL.
pub(crate) fn of_output<T: Handle>(
    line: &Line,
    slots: &mut Slots<T>,
    errors: &mut Slots<sipgate_oauth2_error>,
    call: impl FnOnce(*mut *mut T, *mut *mut sipgate_oauth2_error) -> sipgate_oauth2_status,
) -> sipgate_oauth2_status {
    let untouched = NonNull::dangling().as_ptr();
    let mut out = untouched;
    let place = line.output(&mut out);
    let status = of_status(line, errors, |error| call(place, error));
    if status != OK {
        assert_eq!(out, untouched, "an output was written by a call that failed");
    } else if !out.is_null() {
        assert_ne!(out, untouched, "no output was written by a call that worked");
        slots.put(line.out, out);
    }
    status
}

/// Makes a call that writes only an error.
pub(crate) fn of_status(
    line: &Line,
    errors: &mut Slots<sipgate_oauth2_error>,
    call: impl FnOnce(*mut *mut sipgate_oauth2_error) -> sipgate_oauth2_status,
) -> sipgate_oauth2_status {
    let untouched = NonNull::dangling().as_ptr();
    let mut error = untouched;
    let status = call(if line.wants_error() { &raw mut error } else { std::ptr::null_mut() });
    assert_registered(status);
    assert!(!line.is_refusable() || status != OK, "NULL or invalid text was accepted");
    if status != OK && line.wants_error() {
        assert_ne!(error, untouched, "no error was written by a call that failed");
        errors.put(line.out, error);
        // SAFETY: it is live, as it has just been kept.
        unsafe { assert_fit_to_show(error, status, &line.canaries()) };
    } else {
        assert_eq!(error, untouched, "an error was written without an out pointer, or by a call that worked");
    }
    status
}

pub(crate) const OK: sipgate_oauth2_status = Status::SIPGATE_OK as sipgate_oauth2_status;

/// Every number has a name and a family; unknown numbers have those of an unknown status.
pub(crate) fn assert_named(number: sipgate_oauth2_status) {
    // SAFETY: names are never freed.
    let (name, family) = unsafe { (name(sipgate_oauth2_status_name(number)), name(sipgate_oauth2_status_family(number))) };
    match (number, registered(number)) {
        (OK, _) => assert_eq!((name, family), ("SIPGATE_OK", "")),
        (_, true) => assert!(name.starts_with("SIPGATE_") && name != "SIPGATE_UNKNOWN" && family.ends_with("Error"), "{name}: {family}"),
        (_, false) => assert_eq!((name, family), ("SIPGATE_UNKNOWN", "")),
    }
}

fn assert_registered(status: sipgate_oauth2_status) {
    assert!(status == OK || registered(status), "{status} is not a status");
    assert_ne!(status, Status::SIPGATE_INTERNAL as sipgate_oauth2_status, "a panic was caught");
    assert_named(status);
}

fn registered(status: sipgate_oauth2_status) -> bool {
    (0..).map(|index| sipgate_oauth2_status_at(index)).take_while(|known| *known != OK).any(|known| known == status)
}

/// # Safety
///
/// `error` is live.
unsafe fn assert_fit_to_show(error: *const sipgate_oauth2_error, status: sipgate_oauth2_status, canaries: &[String]) {
    // SAFETY: the caller upholds the contract.
    unsafe {
        assert_eq!(sipgate_oauth2_error_status(error), status);
        assert_eq!(name(sipgate_oauth2_error_name(error)), name(sipgate_oauth2_status_name(status)));
        assert_eq!(name(sipgate_oauth2_error_family(error)), name(sipgate_oauth2_status_family(status)));
        let message = read(sipgate_oauth2_error_message(error)).expect("every error has a message");
        assert!((1..6000).contains(&message.len()) && !message.contains(char::is_control), "{message:?}");
        let remedy = read(sipgate_oauth2_error_remedy(error)).expect("every error has a remedy");
        assert!(REMEDIES.contains(&remedy.as_str()), "{remedy}");
        assert_eq!(sipgate_oauth2_error_retryable(error), remedy == "try_later");
        let said = Handle::says(error);
        assert!(!canaries.iter().any(|secret| said.contains(secret.as_str())), "{said} shows a secret");
    }
}
