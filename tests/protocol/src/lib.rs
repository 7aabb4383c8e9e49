//! Explores the refresh protocol with the library's own decisions: `model` every state of a few
//! small worlds, `simulation` a thousand login-years in large ones.

mod mistakes;

pub mod model;
pub mod simulation;
