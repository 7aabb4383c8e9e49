//! A caller's view of an operation: waiting for it, for how long, and how it stops waiting.

pub(crate) mod call_options;
pub(crate) mod progress;
#[expect(clippy::module_inception, reason = "the folder is named after what it is about")]
pub(crate) mod task;
