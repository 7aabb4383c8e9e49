//! A store and an event handler as a C program would have: they read their arguments only through
//! functions of the library.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};

use sipgate_oauth2_c::*;

use crate::handles::read;
use crate::outcome::OK;

/// The table of functions, followed by space for those of later versions.
#[repr(C)]
pub(crate) struct Table {
    pub(crate) functions: sipgate_oauth2_store_functions,
    later: [u8; 1024],
}

#[derive(Default)]
struct Entries(Mutex<HashMap<String, Entry>>);

struct Entry {
    version: CString,
    data: Vec<u8>,
    ends: i64,
}

impl Table {
    /// The library frees it if it accepts it; else the caller does, with [`free`].
    pub(crate) fn new(size: usize) -> Self {
        let user_data = Box::into_raw(Box::<Entries>::default()).cast();
        Self {
            functions: sipgate_oauth2_store_functions {
                size,
                user_data,
                load: Some(load),
                save: Some(save),
                free: Some(free),
                keys: Some(keys),
            },
            later: [0; 1024],
        }
    }
}

/// # Safety
///
/// `user_data` belongs to a table, and is not used again.
pub(crate) unsafe extern "C" fn free(user_data: *mut c_void) {
    // SAFETY: it came out of a box in `Table::new`.
    drop(unsafe { Box::from_raw(user_data.cast::<Entries>()) });
}

unsafe extern "C" fn load(
    user_data: *mut c_void,
    key: *const c_char,
    entry: *mut sipgate_oauth2_store_entry,
    problem: *mut sipgate_oauth2_store_error_message,
) -> sipgate_oauth2_store_answer {
    // SAFETY: the library passes what the header promises.
    unsafe {
        assert_eq!(sipgate_oauth2_store_error_message_set(problem, c"not shown, as nothing fails".as_ptr(), null_mut()), OK);
        let entries = (*user_data.cast::<Entries>()).0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = entries.get(&text(key)) {
            assert_eq!(sipgate_oauth2_store_entry_set_version(entry, found.version.as_ptr(), null_mut()), OK);
            assert_eq!(sipgate_oauth2_store_entry_set_data(entry, found.data.as_ptr(), found.data.len(), null_mut()), OK);
            assert_eq!(sipgate_oauth2_store_entry_set_expires_at(entry, found.ends, null_mut()), OK);
        }
    }
    StoreAnswer::SIPGATE_STORE_DONE as sipgate_oauth2_store_answer
}

unsafe extern "C" fn keys(
    user_data: *mut c_void,
    after: *const c_char,
    limit: usize,
    listed: *mut sipgate_oauth2_store_keys,
    _: *mut sipgate_oauth2_store_error_message,
) -> sipgate_oauth2_store_answer {
    // SAFETY: the library passes what the header promises.
    unsafe {
        let entries = (*user_data.cast::<Entries>()).0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = if after.is_null() { String::new() } else { text(after) };
        let mut found: Vec<_> = entries.keys().filter(|key| **key > after).cloned().collect();
        found.sort();
        for key in found.into_iter().take(limit).filter_map(|key| CString::new(key).ok()) {
            assert_eq!(sipgate_oauth2_store_keys_add(listed, key.as_ptr(), null_mut()), OK);
        }
    }
    StoreAnswer::SIPGATE_STORE_DONE as sipgate_oauth2_store_answer
}

unsafe extern "C" fn save(
    user_data: *mut c_void,
    key: *const c_char,
    expected: *const c_char,
    entry: *const sipgate_oauth2_store_entry,
    _: *mut sipgate_oauth2_store_error_message,
) -> sipgate_oauth2_store_answer {
    // SAFETY: the library passes what the header promises.
    unsafe {
        let mut entries = (*user_data.cast::<Entries>()).0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = entries.get(&text(key)).map(|there| there.version.as_c_str());
        if there != (!expected.is_null()).then(|| CStr::from_ptr(expected)) {
            return StoreAnswer::SIPGATE_STORE_CONFLICT as sipgate_oauth2_store_answer;
        }
        let version = CString::new(read(sipgate_oauth2_store_entry_version(entry)).expect("an entry has a version")).expect("it is text");
        let data = sipgate_oauth2_store_entry_data(entry);
        let data = std::slice::from_raw_parts(data.data, data.len).to_vec();
        entries.insert(text(key), Entry { version, data, ends: sipgate_oauth2_store_entry_expires_at(entry) });
    }
    StoreAnswer::SIPGATE_STORE_DONE as sipgate_oauth2_store_answer
}

/// # Safety
///
/// `event` is live.
pub(crate) unsafe extern "C" fn on_event(_: *mut c_void, event: *const sipgate_oauth2_event) {
    // SAFETY: the caller upholds the contract.
    unsafe {
        let (kind, json) =
            (read(sipgate_oauth2_event_kind(event)).expect("its kind"), read(sipgate_oauth2_event_json(event)).expect("its JSON"));
        assert!(json.starts_with(&format!(r#"{{"type":"{kind}""#)) && !json.contains('\n'), "{json}");
        assert!(!json.contains("canary-"), "{json} shows a secret");
        sipgate_oauth2_event_is_warning(event);
    }
}

/// # Safety
///
/// `text` ends with NUL.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: the caller upholds the contract.
    unsafe { CStr::from_ptr(text) }.to_str().expect("it is UTF-8").to_owned()
}

pub(crate) unsafe extern "C" fn password(
    _: *mut c_void,
    password: *mut sipgate_oauth2_password,
    _: *mut sipgate_oauth2_store_error_message,
) -> sipgate_oauth2_store_answer {
    // SAFETY: the library owns it until this returns.
    assert_eq!(unsafe { sipgate_oauth2_password_set(password, c"not shown".as_ptr(), null_mut()) }, OK);
    StoreAnswer::SIPGATE_STORE_DONE as sipgate_oauth2_store_answer
}
