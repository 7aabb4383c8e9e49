//! Keeps a login alive: the stored record, what a process holds of it, and every decision as one
//! pure function. See `docs/refresh-protocol.md`.

pub mod action;
mod commit;
pub mod local_state;
pub mod login_end;
pub mod operation;
pub mod record;
pub mod reply;
