//! The password of a database from a C function.

use std::ffi::{c_char, c_void};

use sipgate_oauth2::{BoxError, Error, Result};
use zeroize::Zeroizing;

use crate::arguments::{handle_mut, text};
use crate::boundary::{run, set};
use crate::custom_store::{StoreAnswer, sipgate_oauth2_store_answer, sipgate_oauth2_store_error_message};
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;
use crate::store_options::sipgate_oauth2_store_options;
use crate::user_data::{FreeFunction, UserData};

/// Where a password function puts the password. The library owns it and wipes it: it is valid until
/// the function returns.
#[derive(Default)]
pub struct sipgate_oauth2_password(Option<Zeroizing<String>>);

/// Gives the password of a database: calls sipgate_oauth2_password_set and returns
/// SIPGATE_STORE_DONE. Otherwise it returns SIPGATE_STORE_FAILED, and `message` takes why. It may
/// run on any thread, on several at once, and in a forked child; the library holds no lock
/// meanwhile. It may block. It must not throw C++ exceptions or call longjmp.
pub type sipgate_oauth2_password_function = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        password: *mut sipgate_oauth2_password,
        message: *mut sipgate_oauth2_store_error_message,
    ) -> sipgate_oauth2_store_answer,
>;

/// In a password function: the password. Copied; the last one counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_password_set(
    password: *mut sipgate_oauth2_password,
    text: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            handle_mut("password", password)?.0 = Some(Zeroizing::new(self::text("text", text)?.to_owned()));
            Ok(())
        })
    }
}

/// As sipgate_oauth2_store_options_set_password, but calls `function` with `user_data` for the
/// password before each new connection: for tokens of IAM, and passwords that Vault changes. On
/// success the library owns `user_data` until it calls `free`: once, on any thread, when the
/// settings, their stores and everything made with them have been freed. `free` may be NULL. On
/// failure it has called neither, and `user_data` still belongs to the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_password_function(
    options: *mut sipgate_oauth2_store_options,
    function: sipgate_oauth2_password_function,
    user_data: *mut c_void,
    free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let asking = asking(function, user_data, free)?;
            Ok(values.with(|store| store.password(asking)))
        })
    }
}

/// # Safety
///
/// The function does what the header says, and so do `user_data` and `free`.
unsafe fn asking(
    function: sipgate_oauth2_password_function,
    user_data: *mut c_void,
    free: FreeFunction,
) -> Result<impl Fn() -> Result<String, BoxError> + Send + Sync + 'static> {
    let function = function.ok_or_else(|| Error::invalid_argument("function", "is NULL; pass a function"))?;
    // SAFETY: the caller upholds the contract.
    let user_data = unsafe { UserData::new(user_data, free) };
    Ok(move || {
        let (mut password, mut message) = (sipgate_oauth2_password::default(), sipgate_oauth2_store_error_message::default());
        // SAFETY: the arguments are those that the header promises, and valid until it returns.
        let answer = unsafe { function(user_data.pointer(), &raw mut password, &raw mut message) };
        match StoreAnswer::of(answer) {
            StoreAnswer::SIPGATE_STORE_DONE => {
                let given = password.0.as_mut().map(|password| std::mem::take(&mut **password));
                given.ok_or_else(|| {
                    let problem = "the store's password function gave no password; call sipgate_oauth2_password_set in it";
                    Error::mistaken_store(problem, "no password").into()
                })
            }
            _ => Err(message.failure("password")),
        }
    })
}
