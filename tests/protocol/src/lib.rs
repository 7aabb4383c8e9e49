//! The refresh protocol explored, by the core's own decisions: `model` every state of a small
//! world, `simulation` a thousand years of logins in a large one.

mod mistakes;

pub mod model;
pub mod simulation;
