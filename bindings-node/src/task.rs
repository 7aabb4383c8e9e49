//! The one way to wait: each operation of the core starts as a task, and a task becomes a promise.
//! A task runs on threads of the core, never on those of libuv: four slow tasks there would block
//! all file access of the process. It ends by itself at its deadline.

use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{External, Object, ToNapiValue};
use napi_derive::napi;
use sipgate_oauth2::{CallOptions, Error, Result, Task, TaskHandle, WaitEnded};

use crate::error::IntoJavaScript;

/// What a function that starts a task returns.
pub(crate) type Started = napi::Result<Object<'static>>;

/// The task's outcome as `value` if it has finished already; otherwise its `promise`, and its
/// `handle`, which [`cancel`] takes. The promise keeps the event loop alive, as any I/O does.
pub(crate) fn started<T: Send + 'static, Shown: ToNapiValue + 'static>(env: Env, task: Task<T>, show: fn(T) -> Shown) -> Started {
    let mut started = Object::new(&env)?;
    if let Some(outcome) = task.wait_for(Duration::ZERO) {
        started.set("value", show(outcome.or_throw(env)?))?;
        return Ok(started);
    }
    let (deferred, promise) = env.create_deferred()?;
    started.set("promise", promise)?;
    started.set("handle", External::new(task.handle()))?;
    task.then(move |outcome| deferred.resolve(move |env| outcome.map(show).or_reject(env)));
    Ok(started)
}

/// Stops waiting for a task.
#[napi(catch_unwind)]
pub fn cancel(task: &External<TaskHandle>) {
    task.abandon(WaitEnded::Cancelled);
}

/// The options of a call with this timeout, in seconds of 0 or more. A timeout too long for a
/// `Duration` is none.
pub(crate) fn call_options(timeout: Option<f64>) -> CallOptions {
    match timeout {
        Some(seconds) => CallOptions::new().timeout(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
        None => CallOptions::new(),
    }
}

/// A time that JavaScript gave in seconds of 0 or more.
pub(crate) fn duration(field: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| Error::invalid_argument(field, "is longer than any time; pass a number of seconds"))
}
