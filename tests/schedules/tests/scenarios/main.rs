//! Threads and processes that use one login at once. The name of a test states what holds for every
//! order of their steps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod callers;
mod closing;
mod expiry;
mod failures;
mod hanging;
mod id_tokens;
mod logins;
mod logouts;
mod planted;
mod refusals;
mod register;
mod stores;
mod support;
mod user_code;
