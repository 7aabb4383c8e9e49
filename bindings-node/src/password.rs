//! The password of a database: a text, or a JavaScript function that returns it, which the event
//! loop's thread calls while another thread waits.

use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::{External, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue};
use napi_derive::napi;
use sipgate_oauth2::BoxError;

use crate::replies::{EndOfLoop, Waiting};
use crate::thrown::StoreFailed;

/// The JavaScript function that asks for the password, by the number of its reply.
pub type AskPassword<'a> = Function<'a, u32, UnknownReturnValue>;

/// The queue of the event loop. Weak: a store does not keep the process alive.
type Queue = ThreadsafeFunction<u32, UnknownReturnValue, u32, Status, false, true>;

/// Where the passwords go, by the numbers of the calls.
pub struct PasswordReplies(Arc<Waiting<String>>);

/// What the core calls for each new connection.
pub(crate) fn asking(
    ask_password: &AskPassword<'_>,
    replies: &PasswordReplies,
) -> napi::Result<impl Fn() -> Result<String, BoxError> + Send + Sync + 'static> {
    let replies = Arc::clone(&replies.0);
    let end = EndOfLoop::new(&replies);
    let queue: Queue = ask_password.build_threadsafe_function().weak::<true>().build_callback(move |call| {
        let _ = &end;
        Ok(call.value)
    })?;
    Ok(move || replies.ask(|number| queue.call(number, ThreadsafeFunctionCallMode::NonBlocking)))
}

/// A place for the passwords of one store.
#[napi(catch_unwind)]
pub fn password_replies() -> External<PasswordReplies> {
    External::new(PasswordReplies(Arc::default()))
}

/// The reply to a call.
#[napi(catch_unwind)]
pub fn password_given(replies: &External<PasswordReplies>, number: u32, password: String) {
    replies.0.complete(number, Ok(password));
}

/// The reply to a call that failed.
#[napi(catch_unwind)]
pub fn password_failed(replies: &External<PasswordReplies>, number: u32, failed: StoreFailed) {
    replies.0.complete(number, Err(failed.into()));
}
