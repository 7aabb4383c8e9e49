//! The core's errors as plain objects.

#![expect(clippy::needless_pass_by_value, reason = "this is how napi hands strings over")]

use std::iter::successors;

use napi::bindgen_prelude::ToNapiValue;
use napi::{Env, Status};
use napi_derive::napi;
use sipgate_oauth2::{Error, ErrorCode, Result};

use crate::thrown::Thrown;

/// The fields of an error.
#[napi(object, object_from_js = false)]
pub struct ErrorFields {
    /// `SIPGATE_…`, the same in every language.
    pub code: &'static str,
    /// The code's number.
    pub number: u32,
    /// The name of the class.
    pub family: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Whether the same call may work later.
    pub retryable: bool,
    /// One line that names what to change.
    pub message: String,
    /// Seconds to wait, if the server said so.
    pub retry_after: Option<f64>,
    /// The HTTP status of the response.
    pub http_status: Option<u32>,
    /// The `error` member of an OAuth response.
    pub oauth_error: Option<String>,
    /// The server's description.
    pub oauth_error_description: Option<String>,
    /// The server's page about the error.
    pub oauth_error_uri: Option<String>,
    /// The refresh token to go on with.
    pub refresh_token: Option<String>,
    /// The cause's own message.
    pub cause: Option<String>,
    /// The number of the error that a custom store threw.
    pub thrown: Option<u32>,
}

impl From<&Error> for ErrorFields {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().as_str(),
            number: error.code().number(),
            family: error.family().as_str(),
            remedy: error.remedy().as_str(),
            retryable: error.retryable(),
            message: error.to_string(),
            retry_after: error.retry_after().map(|wait| wait.as_secs_f64()),
            http_status: error.status().map(u32::from),
            oauth_error: error.oauth_error().map(str::to_owned),
            oauth_error_description: error.oauth_error_description().map(str::to_owned),
            oauth_error_uri: error.oauth_error_uri().map(str::to_owned),
            refresh_token: error.refresh_token().map(|token| token.reveal().to_owned()),
            cause: std::error::Error::source(error).map(ToString::to_string),
            thrown: successors(std::error::Error::source(error), |cause| cause.source())
                .find_map(|cause| cause.downcast_ref::<Thrown>())
                .map(|thrown| thrown.0),
        }
    }
}

/// A row of the table of codes.
#[napi(object, object_from_js = false)]
pub struct CodeRow {
    /// `SIPGATE_…`.
    pub code: &'static str,
    /// Its number.
    pub number: u32,
    /// The name of the class.
    pub family: &'static str,
}

/// Every error code.
#[napi(catch_unwind)]
pub fn error_codes() -> Vec<CodeRow> {
    ErrorCode::ALL.iter().map(|code| CodeRow { code: code.as_str(), number: code.number(), family: code.family().as_str() }).collect()
}

/// The error for an argument that cannot be converted.
#[napi(catch_unwind)]
pub fn invalid_argument(field: String, problem: String) -> ErrorFields {
    ErrorFields::from(&Error::invalid_argument(&field, &problem))
}

/// The error for a panic that was caught at the boundary.
#[napi(catch_unwind)]
pub fn caught_panic(place: String) -> ErrorFields {
    ErrorFields::from(&Error::caught_panic(&place))
}

/// A result of the core for JavaScript.
pub(crate) trait IntoJavaScript<T> {
    /// In a function that JavaScript called: throws the error.
    fn or_throw(self, env: Env) -> napi::Result<T>;

    /// In what settles a promise: rejects the promise with the error.
    fn or_reject(self, env: Env) -> napi::Result<T>;
}

impl<T> IntoJavaScript<T> for Result<T> {
    fn or_throw(self, env: Env) -> napi::Result<T> {
        self.map_err(|error| match env.throw(ErrorFields::from(&error)) {
            Ok(()) => napi::Error::new(Status::PendingException, ""),
            Err(failed) => failed,
        })
    }

    fn or_reject(self, env: Env) -> napi::Result<T> {
        self.map_err(|error| ErrorFields::from(&error).into_unknown(&env).map_or_else(|failed| failed, napi::Error::from))
    }
}
