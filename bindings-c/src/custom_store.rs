//! A custom store: C functions as the core's trait.

use std::ffi::{CString, c_char, c_void};
use std::mem::{MaybeUninit, offset_of};
use std::sync::Arc;

use sipgate_oauth2::{BoxError, Error, ErrorCode, Result, StoreEntry, StoreKey, SwapOutcome, TokenStore};

use crate::arguments::{handle, handle_mut, text};
use crate::boundary::run;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;
use crate::store_entry::sipgate_oauth2_store_entry;
use crate::user_data::UserData;

/// What a store function returns. Any other number counts as SIPGATE_STORE_FAILED.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum StoreAnswer {
    /// Loaded, or there certainly is no entry; saved, durably.
    SIPGATE_STORE_DONE = 0,
    /// Not saved: the entry has another version than the expected one.
    SIPGATE_STORE_CONFLICT = 1,
    /// The function failed. If it was to save, it may have saved or not: the library reads the
    /// entry.
    SIPGATE_STORE_FAILED = 2,
}

/// The same type in the header. C may return any number, which would be invalid in the Rust enum.
///
/// cbindgen:ignore
pub type sipgate_oauth2_store_answer = u32;

impl StoreAnswer {
    pub(crate) fn of(answer: sipgate_oauth2_store_answer) -> Self {
        match answer {
            answer if answer == Self::SIPGATE_STORE_DONE as sipgate_oauth2_store_answer => Self::SIPGATE_STORE_DONE,
            answer if answer == Self::SIPGATE_STORE_CONFLICT as sipgate_oauth2_store_answer => Self::SIPGATE_STORE_CONFLICT,
            _ => Self::SIPGATE_STORE_FAILED,
        }
    }
}

/// Where a store function may say why it failed. The library owns it: it is valid until the store
/// function returns.
#[derive(Default)]
pub struct sipgate_oauth2_store_error_message(Option<String>);

/// Where a store function puts the keys that it lists. The library owns it: it is valid until the
/// store function returns.
#[derive(Default)]
pub struct sipgate_oauth2_store_keys(Vec<StoreKey>);

/// A custom store, for sipgate_oauth2_store_new: anything that can load an entry, and replace it
/// unless somebody else replaced it meanwhile. Any database does either in one statement.
/// sipgate_oauth2_store_check tells whether the functions keep their promises.
///
/// The functions may run on any thread, on several at once, also for one key, and in a forked
/// child; the library holds no lock meanwhile. They may block. They may call any function of the
/// library but those that wait for this store. They must not throw C++ exceptions or call longjmp.
#[repr(C)]
pub struct sipgate_oauth2_store_functions {
    /// The size of this structure: sizeof(sipgate_oauth2_store_functions). Later versions add
    /// functions at its end. Clear the rest with memset or an initializer.
    pub size: usize,
    /// Passed to each of the functions. May be NULL.
    pub user_data: *mut c_void,
    /// Loads the entry of this key: sets version, data and expiry of `entry` as the last successful
    /// save of any process left them, never a stale copy. Leaves `entry` unchanged if there is
    /// none. `key` is 64 hexadecimal digits that do not reveal whose login it is. `message` takes
    /// what went wrong.
    pub load: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            key: *const c_char,
            entry: *mut sipgate_oauth2_store_entry,
            message: *mut sipgate_oauth2_store_error_message,
        ) -> sipgate_oauth2_store_answer,
    >,
    /// Replaces the entry of this key with `entry` if it has the version `expected_version`, or, if
    /// `expected_version` is NULL, if there is no entry. This is one atomic step, and durable
    /// before the function returns. The store may delete an entry that has expired, and no other.
    pub save: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            key: *const c_char,
            expected_version: *const c_char,
            entry: *const sipgate_oauth2_store_entry,
            message: *mut sipgate_oauth2_store_error_message,
        ) -> sipgate_oauth2_store_answer,
    >,
    /// Called once, on any thread, when the store and everything that was made with it have been
    /// freed and no call is in progress. May be NULL.
    pub free: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// Adds the keys after `after` to `keys`, or the first keys if `after` is NULL: in their order,
    /// as strcmp has it, and `limit` of them at most. Keys of expired entries may be among them.
    /// May be NULL; sipgate_oauth2_client_accounts and sipgate_oauth2_client_keep_alive need it.
    pub keys: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            after: *const c_char,
            limit: usize,
            keys: *mut sipgate_oauth2_store_keys,
            message: *mut sipgate_oauth2_store_error_message,
        ) -> sipgate_oauth2_store_answer,
    >,
}

/// In a store function that lists keys: adds one, as it was given to a function that saves. Copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_keys_add(
    keys: *mut sipgate_oauth2_store_keys,
    key: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            handle_mut("keys", keys)?.0.push(StoreKey::parse(text("key", key)?)?);
            Ok(())
        })
    }
}

/// In a store function that fails: why, for people. It becomes the cause of the error
/// (sipgate_oauth2_error_cause) and should contain no secret. Copied; the last text counts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_error_message_set(
    message: *mut sipgate_oauth2_store_error_message,
    text: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            handle_mut("message", message)?.0 = Some(self::text("text", text)?.to_owned());
            Ok(())
        })
    }
}

/// What programs state that were compiled before `keys` was added.
const FIRST_SIZE: usize = offset_of!(sipgate_oauth2_store_functions, keys);

/// No later version is this large: a size that was never set is not believed.
const MAX_SIZE: usize = 1024;

/// The functions, cloned as often as they are needed; the last clone to be dropped frees the user
/// data.
#[derive(Clone)]
pub(crate) struct CustomStore(Arc<Functions>);

struct Functions {
    user_data: UserData,
    load: LoadFunction,
    save: SaveFunction,
    keys: Option<KeysFunction>,
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
type KeysFunction = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    usize,
    *mut sipgate_oauth2_store_keys,
    *mut sipgate_oauth2_store_error_message,
) -> sipgate_oauth2_store_answer;

impl CustomStore {
    /// # Safety
    ///
    /// `functions` is NULL or points to a structure of the size that it states, with functions that
    /// do what the header says.
    pub(crate) unsafe fn new(functions: *const sipgate_oauth2_store_functions) -> Result<Self> {
        // SAFETY: NULL or a structure whose first member is its size.
        let size = *unsafe { handle("functions", functions.cast::<usize>()) }?;
        if size != FIRST_SIZE && !(size_of::<sipgate_oauth2_store_functions>()..=MAX_SIZE).contains(&size) {
            return Err(Error::invalid_argument("functions", "its size cannot be right; set it to sizeof(sipgate_oauth2_store_functions)"));
        }
        // SAFETY: it is as large as it states. What it is too short for is NULL.
        let known = unsafe {
            let mut known = MaybeUninit::<sipgate_oauth2_store_functions>::zeroed();
            let length = size.min(size_of::<sipgate_oauth2_store_functions>());
            functions.cast::<u8>().copy_to_nonoverlapping(known.as_mut_ptr().cast::<u8>(), length);
            known.assume_init()
        };
        let more = size.saturating_sub(size_of::<sipgate_oauth2_store_functions>());
        // SAFETY: these are the rest of the bytes that it states to have.
        let unknown = unsafe { std::slice::from_raw_parts(functions.cast::<u8>().add(size - more), more) };
        if unknown.iter().any(|byte| *byte != 0) {
            return Err(Error::invalid_argument(
                "functions",
                "has what this version of the library does not know; use the version of the header",
            ));
        }
        let load = known.load.ok_or_else(|| Error::invalid_argument("functions", "its load is NULL; pass a function"))?;
        let save = known.save.ok_or_else(|| Error::invalid_argument("functions", "its save is NULL; pass a function"))?;
        // SAFETY: the header requires this of the functions.
        let user_data = unsafe { UserData::new(known.user_data, known.free) };
        Ok(Self(Arc::new(Functions { user_data, load, save, keys: known.keys })))
    }
}

impl TokenStore for CustomStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        let Functions { user_data, load, .. } = &*self.0;
        let key = CString::new(key.as_str())?;
        let (mut entry, mut message) = (sipgate_oauth2_store_entry::default(), sipgate_oauth2_store_error_message::default());
        // SAFETY: the arguments are those that the header promises, and valid until it returns.
        let answer = unsafe { load(user_data.pointer(), key.as_ptr(), &raw mut entry, &raw mut message) };
        match StoreAnswer::of(answer) {
            StoreAnswer::SIPGATE_STORE_DONE => Ok(entry.filled()?),
            _ => Err(message.failure("load")),
        }
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let Functions { user_data, save, .. } = &*self.0;
        let (key, expected) = (CString::new(key.as_str())?, expected.map(CString::new).transpose()?);
        let expected = expected.as_ref().map_or(std::ptr::null(), |expected| expected.as_ptr());
        let (entry, mut message) = (sipgate_oauth2_store_entry::from(entry), sipgate_oauth2_store_error_message::default());
        // SAFETY: as in `load`.
        let answer = unsafe { save(user_data.pointer(), key.as_ptr(), expected, &raw const entry, &raw mut message) };
        match StoreAnswer::of(answer) {
            StoreAnswer::SIPGATE_STORE_DONE => Ok(SwapOutcome::Stored),
            StoreAnswer::SIPGATE_STORE_CONFLICT => Ok(SwapOutcome::Conflict),
            StoreAnswer::SIPGATE_STORE_FAILED => Err(message.failure("save")),
        }
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        let Functions { user_data, keys, .. } = &*self.0;
        let list =
            keys.ok_or_else(|| Error::new(ErrorCode::Unsupported, "the custom store cannot list its keys; set its function keys"))?;
        let after = after.map(|after| CString::new(after.as_str())).transpose()?;
        let after = after.as_ref().map_or(std::ptr::null(), |after| after.as_ptr());
        let (mut keys, mut message) = (sipgate_oauth2_store_keys::default(), sipgate_oauth2_store_error_message::default());
        // SAFETY: as in `load`.
        let answer = unsafe { list(user_data.pointer(), after, limit, &raw mut keys, &raw mut message) };
        match StoreAnswer::of(answer) {
            StoreAnswer::SIPGATE_STORE_DONE => Ok(keys.0),
            _ => Err(message.failure("keys")),
        }
    }
}

impl sipgate_oauth2_store_error_message {
    pub(crate) fn failure(self, function: &str) -> BoxError {
        self.0.unwrap_or_else(|| format!("the store's {function} function failed and did not say why")).into()
    }
}
