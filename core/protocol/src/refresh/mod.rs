//! Keeping a login alive: what the store holds, what a process knows, and each decision as one pure function.

pub mod action;
mod commit;
pub mod local_state;
pub mod operation;
pub mod record;
pub mod reply;
