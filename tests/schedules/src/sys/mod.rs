//! In the place of the core's: shuttle decides who runs when, and time, processes and randomness are this execution's.

pub(crate) mod clock;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod sync;
