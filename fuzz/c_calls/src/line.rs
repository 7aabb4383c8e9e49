//! A call as a line of input: five characters, then its texts, separated by tabs, as in
//! `T0000{"access_token":"a"}`.
//!
//! - The first character names the function: see `calls`; after a `+`, see `source_calls`; after a
//!   `*`, see `openid_calls`; after a `=`, see `store_calls`.
//! - The second says which out pointers are NULL: `0` for none, `1` for the output, `2` for the
//!   error, `3` for both.
//! - The third is the slot, `0` to `3`, for the returned handle or error.
//! - The fourth and fifth are the slots of the handles that are passed; `4` to `7` pass NULL.
//! - A text that is missing or `-` is NULL. `~5ab` is `ab` repeated four to the fifth times.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char};

/// Longer than any text that is accepted.
const LONGEST_TEXT: usize = 1 << 17;

/// Where the function is.
pub(crate) enum Group {
    Clients,
    Sources,
    OpenId,
    Stores,
}

pub(crate) struct Line {
    pub(crate) group: Group,
    pub(crate) function: u8,
    places: u8,
    pub(crate) out: u8,
    pub(crate) first: u8,
    pub(crate) second: u8,
    texts: Vec<Option<CString>>,
    refusable: Cell<bool>,
    canaries: RefCell<Vec<String>>,
}

impl Line {
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let (group, call) = match line {
            [b'+', call @ ..] => (Group::Sources, call),
            [b'*', call @ ..] => (Group::OpenId, call),
            [b'=', call @ ..] => (Group::Stores, call),
            call => (Group::Clients, call),
        };
        let (&[function, places, out, first, second], texts) = call.split_first_chunk()?;
        Some(Self {
            group,
            function,
            places,
            out,
            first,
            second,
            texts: texts.split(|byte| *byte == b'\t').map(expanded).collect(),
            refusable: Cell::new(false),
            canaries: RefCell::default(),
        })
    }

    /// A text that is required and must be UTF-8. The pointer is valid as long as this line.
    pub(crate) fn text(&self, index: usize) -> *const c_char {
        let text = self.given(index);
        if text.is_none_or(|text| text.to_str().is_err()) {
            self.refuse();
        }
        text.map_or(std::ptr::null(), CStr::as_ptr)
    }

    /// A text that may be NULL.
    pub(crate) fn optional_text(&self, index: usize) -> *const c_char {
        if self.given(index).is_some() { self.text(index) } else { std::ptr::null() }
    }

    /// A text that no error may show, with a mark that distinguishes it from others.
    pub(crate) fn secret(&self, index: usize) -> *const c_char {
        let before_broken = self.given(index).and_then(|secret| secret.to_bytes().utf8_chunks().next());
        if let Some(secret) = before_broken.filter(|secret| secret.valid().starts_with("canary-")) {
            self.canaries.borrow_mut().push(secret.valid().to_owned());
        }
        self.text(index)
    }

    /// The bytes of a text; none if it is missing.
    pub(crate) fn bytes(&self, index: usize) -> &[u8] {
        self.given(index).map_or(&[], CStr::to_bytes)
    }

    pub(crate) fn number(&self, index: usize) -> u64 {
        self.given(index).and_then(|text| text.to_str().ok()?.parse().ok()).unwrap_or_default()
    }

    /// A handle that is required.
    pub(crate) fn handle<T>(&self, handle: *mut T) -> *mut T {
        if handle.is_null() {
            self.refuse();
        }
        handle
    }

    /// An out pointer that is required.
    pub(crate) fn output<T>(&self, place: &mut T) -> *mut T {
        if self.places & 1 == 0 {
            return place;
        }
        self.refuse();
        std::ptr::null_mut()
    }

    pub(crate) fn wants_error(&self) -> bool {
        self.places & 2 == 0
    }

    /// Whether an argument was passed that no function accepts.
    pub(crate) fn is_refusable(&self) -> bool {
        self.refusable.get()
    }

    /// Takes the secrets that were passed.
    pub(crate) fn canaries(&self) -> Vec<String> {
        self.canaries.take()
    }

    fn given(&self, index: usize) -> Option<&CStr> {
        self.texts.get(index)?.as_deref()
    }

    fn refuse(&self) {
        self.refusable.set(true);
    }
}

fn expanded(text: &[u8]) -> Option<CString> {
    let text = match text {
        b"-" => return None,
        [b'~', power @ b'0'..=b'9', text @ ..] => text.repeat(4_usize.pow(u32::from(power - b'0')).min(LONGEST_TEXT / text.len().max(1))),
        text => text.to_vec(),
    };
    CString::new(text).ok()
}
