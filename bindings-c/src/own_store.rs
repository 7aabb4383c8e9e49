//! A store of the application's own: functions of C's as the core's trait.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use sipgate_oauth2::{Error, Result, StoreEntry, StoreFailure, StoreKey, Swapped, TokenStore};

use crate::arguments::{handle, handle_mut, text};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;
use crate::store_entry::sipgate_oauth2_store_entry;
use crate::user_data::UserData;

/// What a function of a store answers: one of the constants of `enum sipgate_oauth2_store_answer_code`. Any other number counts as SIPGATE_STORE_FAILED.
pub type sipgate_oauth2_store_answer = u32;

/// The values of a sipgate_oauth2_store_answer.
///
/// cbindgen:prefix-with-name=false
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum sipgate_oauth2_store_answer_code {
    /// Loaded, or certainly nothing there; saved, durably.
    SIPGATE_STORE_DONE = 0,
    /// Not saved: what is there has another version than the expected one.
    SIPGATE_STORE_CONFLICT = 1,
    /// It went wrong. What was to be saved may have been or not: the library looks.
    SIPGATE_STORE_FAILED = 2,
}

impl sipgate_oauth2_store_answer_code {
    fn of(answer: sipgate_oauth2_store_answer) -> Self {
        match answer {
            answer if answer == Self::SIPGATE_STORE_DONE as sipgate_oauth2_store_answer => Self::SIPGATE_STORE_DONE,
            answer if answer == Self::SIPGATE_STORE_CONFLICT as sipgate_oauth2_store_answer => Self::SIPGATE_STORE_CONFLICT,
            _ => Self::SIPGATE_STORE_FAILED,
        }
    }
}

/// Where a function of a store may say what went wrong. Made and freed by the library, and there until the function that it was passed to returns.
#[derive(Default)]
pub struct sipgate_oauth2_store_error_message(Option<String>);

/// A store of the application's own, for sipgate_oauth2_store_new: anything that can read an entry, and replace it if nobody else has replaced it meanwhile.
/// Any database does either in one statement. sipgate_oauth2_store_check tells whether it keeps its promises.
///
/// The functions are called from threads of the library's, several at once, also for one key, under no lock; in a forked child too. They may block.
/// They may call any function of the library but those that wait for this store. No C++ exception and no longjmp may leave them.
#[repr(C)]
pub struct sipgate_oauth2_store_functions {
    /// The size of this structure: sizeof(sipgate_oauth2_store_functions). Later versions add functions at its end. Clear the rest with memset or an initialiser.
    pub size: usize,
    /// Passed to each of the functions; may be NULL.
    pub user_data: *mut c_void,
    /// The entry of this key as the last successful save of any process left it, never a stale copy: fill `entry` with its version, data and end. Leave it
    /// as it is where nothing is there. `key` is 64 hexadecimal digits that tell nothing about whose login it is.
    pub load: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            key: *const c_char,
            entry: *mut sipgate_oauth2_store_entry,
            problem: *mut sipgate_oauth2_store_error_message,
        ) -> sipgate_oauth2_store_answer,
    >,
    /// Puts `entry` in the place of what is there if that has the version `expected_version`; where `expected_version` is NULL, if nothing is there. One step
    /// that nobody comes in between, and durable before it returns. The store may drop an entry once its end has passed, and no other.
    pub save: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            key: *const c_char,
            expected_version: *const c_char,
            entry: *const sipgate_oauth2_store_entry,
            problem: *mut sipgate_oauth2_store_error_message,
        ) -> sipgate_oauth2_store_answer,
    >,
    /// Called once, when the store and everything that was made with it are gone and no call is under way: on any thread. May be NULL.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

/// Says what went wrong, for people: it becomes the cause of the error (sipgate_oauth2_error_cause). No secret should be in it. Copied; the last one counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_error_message_set(
    problem: *mut sipgate_oauth2_store_error_message,
    message: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            handle_mut("problem", problem)?.0 = Some(text("message", message)?.to_owned());
            Ok(())
        })
    }
}

/// No later version is this large: a size that was never set is not believed.
const MAX_SIZE: usize = 1024;

/// The functions, as often as they are needed; the last to go frees the user data.
#[derive(Clone)]
pub(crate) struct OwnStore(Arc<Functions>);

struct Functions {
    user_data: UserData,
    load: LoadFunction,
    save: SaveFunction,
}

type LoadFunction = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    *mut sipgate_oauth2_store_entry,
    *mut sipgate_oauth2_store_error_message,
) -> sipgate_oauth2_store_answer;
type SaveFunction = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    *const c_char,
    *const sipgate_oauth2_store_entry,
    *mut sipgate_oauth2_store_error_message,
) -> sipgate_oauth2_store_answer;

impl OwnStore {
    /// # Safety
    ///
    /// `functions` is NULL or points to a structure of the size that it says, with functions that keep to what the header says.
    pub(crate) unsafe fn new(functions: *const sipgate_oauth2_store_functions) -> Result<Self> {
        // SAFETY: NULL or as large as it says; its first member is there whatever it says.
        let size = *unsafe { handle("functions", functions.cast::<usize>()) }?;
        if !(size_of::<sipgate_oauth2_store_functions>()..=MAX_SIZE).contains(&size) {
            return Err(Error::invalid_argument("functions", "its size cannot be right; set it to sizeof(sipgate_oauth2_store_functions)"));
        }
        // SAFETY: it is as large as it says, and so as this one.
        let known = unsafe { &*functions };
        // SAFETY: the rest of what it says it has.
        let unknown =
            unsafe { std::slice::from_raw_parts(functions.add(1).cast::<u8>(), size - size_of::<sipgate_oauth2_store_functions>()) };
        if unknown.iter().any(|byte| *byte != 0) {
            return Err(Error::invalid_argument(
                "functions",
                "has what this version of the library does not know; use the version of the header",
            ));
        }
        let load = known.load.ok_or_else(|| Error::invalid_argument("functions", "its load is NULL; pass a function"))?;
        let save = known.save.ok_or_else(|| Error::invalid_argument("functions", "its save is NULL; pass a function"))?;
        // SAFETY: that is what the header demands of the functions.
        let user_data = unsafe { UserData::new(known.user_data, known.free) };
        Ok(Self(Arc::new(Functions { user_data, load, save })))
    }
}

impl TokenStore for OwnStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, StoreFailure> {
        let Functions { user_data, load, .. } = &*self.0;
        let key = CString::new(key.as_str())?;
        let (mut entry, mut problem) = (sipgate_oauth2_store_entry::default(), sipgate_oauth2_store_error_message::default());
        // SAFETY: the header tells what the function gets; all of it lives until it returns.
        let answer = unsafe { load(user_data.pointer(), key.as_ptr(), &raw mut entry, &raw mut problem) };
        match sipgate_oauth2_store_answer_code::of(answer) {
            sipgate_oauth2_store_answer_code::SIPGATE_STORE_DONE => Ok(entry.filled()?),
            _ => Err(problem.failure("load")),
        }
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<Swapped, StoreFailure> {
        let Functions { user_data, save, .. } = &*self.0;
        let (key, expected) = (CString::new(key.as_str())?, expected.map(CString::new).transpose()?);
        let expected = expected.as_ref().map_or(std::ptr::null(), |expected| expected.as_ptr());
        let (entry, mut problem) = (sipgate_oauth2_store_entry::from(entry), sipgate_oauth2_store_error_message::default());
        // SAFETY: as in `load`.
        let answer = unsafe { save(user_data.pointer(), key.as_ptr(), expected, &raw const entry, &raw mut problem) };
        match sipgate_oauth2_store_answer_code::of(answer) {
            sipgate_oauth2_store_answer_code::SIPGATE_STORE_DONE => Ok(Swapped::Stored),
            sipgate_oauth2_store_answer_code::SIPGATE_STORE_CONFLICT => Ok(Swapped::Conflict),
            sipgate_oauth2_store_answer_code::SIPGATE_STORE_FAILED => Err(problem.failure("save")),
        }
    }
}

impl sipgate_oauth2_store_error_message {
    fn failure(self, function: &str) -> StoreFailure {
        self.0.unwrap_or_else(|| format!("the store's {function} function failed and did not say why")).into()
    }
}
