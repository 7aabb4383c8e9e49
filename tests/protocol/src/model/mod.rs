//! Every reachable state of a small world.

/// Explores and reports.
pub fn main() {}
