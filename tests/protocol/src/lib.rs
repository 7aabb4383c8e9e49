//! Explores the refresh protocol with the library's own decisions: `model` every state of a few
//! small worlds, `simulation` a thousand login-years in large ones, `capacity` minutes of a whole
//! fleet, to see which part of it is too small.

mod mistakes;
mod random;

pub mod capacity;
pub mod model;
pub mod simulation;
