//! Months of life in a large world, from one seed.

/// Simulates and reports.
pub fn main() {}
