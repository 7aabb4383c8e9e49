//! What threads meet at and wait with, from one place: `tests/schedules` puts a module of its own here, which decides who runs when and
//! how late it is.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use std::thread;
pub(crate) use std::time::Instant;
