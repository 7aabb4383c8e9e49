//! Events, from the threads where they happen to the event loop.

#![expect(clippy::needless_pass_by_value, reason = "this is how napi hands arguments over")]

use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::{External, FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue};
use napi_derive::napi;
use sipgate_oauth2::Event;

/// Weak: waiting for events does not keep the process alive.
type Queue = ThreadsafeFunction<Told, UnknownReturnValue, Told, Status, false, true>;

/// The number of the client, and the event as JSON.
type Told = FnArgs<(u32, String)>;

/// The queue for the events of all clients of an environment.
pub struct Listener(Arc<Queue>);

impl Listener {
    /// The event handler of the client with this number.
    pub(crate) fn of_client(&self, number: u32) -> impl Fn(&Event) + Send + Sync + 'static {
        let queue = Arc::clone(&self.0);
        move |event| {
            // An environment that is being torn down receives no more events.
            let _ = queue.call((number, event.to_json()).into(), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Calls `deliver` for every event.
#[napi(catch_unwind)]
pub fn listen(deliver: Function<'_, Told, UnknownReturnValue>) -> napi::Result<External<Listener>> {
    let queue = deliver.build_threadsafe_function().weak::<true>().build_callback(|told| Ok(told.value))?;
    Ok(External::new(Listener(Arc::new(queue))))
}
