//! Everything that threads use to synchronize and wait, in one place: `tests/schedules` replaces
//! this module by one that decides which thread runs next, and how much time passes.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use std::thread;
pub(crate) use std::time::Instant;
