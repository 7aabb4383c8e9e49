//! What the library does beside its callers: on threads of its own, in turns, and when its time has come.
//!
//! Requests, the store and waiting never queue behind each other. A request takes a turn at its server, work with a store takes a turn at
//! that store, and what only waits has no thread.

pub(crate) mod pool;
pub(crate) mod servers;
pub(crate) mod timer;
pub(crate) mod turns;
