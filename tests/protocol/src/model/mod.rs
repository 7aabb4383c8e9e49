//! Explores every reachable state of a small world: a few processes, one login, a server and a
//! store, around the real `decide`.
//!
//! `model` explores all worlds, and all planted mistakes. `model --small` leaves out the worlds of
//! over half a million states. `model --only NAME` explores one world. `model --planted NAME`
//! succeeds if that mistake is found.

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

/// The names of what may end a login unavoidably.
pub fn unavoidable_losses() -> impl Iterator<Item = &'static str> {
    invariants::UnavoidableLoss::ALL.into_iter().map(invariants::UnavoidableLoss::name)
}
