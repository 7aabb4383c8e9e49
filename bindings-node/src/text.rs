//! Long strings for JavaScript. Tokens, URLs and exports are ASCII nearly always, which V8 copies
//! as it is, and need not decode.

use std::ptr;

use napi::bindgen_prelude::ToNapiValue;
use napi::{Error, Result, Status, sys};
use sipgate_oauth2::{AccessToken, Secret};

/// A text that JavaScript gets as a string: copied once, if it is a secret from memory that will be
/// wiped to memory that will not.
pub struct Text<T>(pub T);

/// What holds a text.
pub trait AsText {
    /// The text itself.
    fn as_text(&self) -> &str;
}

impl AsText for &str {
    fn as_text(&self) -> &str {
        self
    }
}

impl AsText for AccessToken {
    fn as_text(&self) -> &str {
        self.reveal()
    }
}

impl AsText for Secret {
    fn as_text(&self) -> &str {
        self.reveal()
    }
}

impl<T: AsText> ToNapiValue for Text<T> {
    unsafe fn to_napi_value(env: sys::napi_env, text: Self) -> Result<sys::napi_value> {
        let text = text.0.as_text();
        let mut value = ptr::null_mut();
        let create = if text.is_ascii() { sys::napi_create_string_latin1 } else { sys::napi_create_string_utf8 };
        // SAFETY: the caller promises that `env` is the current environment, and the text is as
        // long as it says.
        match unsafe { create(env, text.as_ptr().cast(), text.len().cast_signed(), &raw mut value) } {
            sys::Status::napi_ok => Ok(value),
            status => Err(Error::from_status(Status::from(status))),
        }
    }
}
