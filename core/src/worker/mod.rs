//! What the library does beside its callers: threads, permits and timers.
//!
//! Requests, the store and waiting never queue behind each other. A request takes a permit at its server, work with a store
//! takes a permit at that store, and what only waits has no thread.

pub(crate) mod per_server;
pub(crate) mod pool;
pub(crate) mod semaphore;
pub(crate) mod timer;
