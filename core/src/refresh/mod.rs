//! Keeping a login alive: what is stored, what a process knows, and every decision of a refresh, a login and a logout as one pure function.

pub(crate) mod answer;
mod commit;
#[cfg(test)]
mod decisions;
pub(crate) mod flight;
pub(crate) mod known;
pub(crate) mod moment;
pub(crate) mod record;
pub(crate) mod step;
