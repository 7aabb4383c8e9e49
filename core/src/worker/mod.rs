//! What the library runs beside its callers: threads, permits and timers.
//!
//! Requests, store operations and waits never queue behind each other. A request needs a permit for
//! its server, a store operation needs a permit for its store, and a wait needs no thread.

pub(crate) mod per_server;
pub(crate) mod pool;
pub(crate) mod semaphore;
pub(crate) mod timer;
