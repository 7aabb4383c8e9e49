//! Every reachable state of a small world: a few processes, one login, a server and a store, over
//! the real `decide`.
//!
//! `model` explores all worlds and all planted bugs; `model --only NAME` one world; `model
//! --planted NAME` succeeds when that bug is caught.

mod checks;
mod driver;
mod invariants;
mod planted;
mod probe;
mod report;
mod server;
mod setup;
mod steps;
mod world;

pub use report::main;
