//! What threads and processes do to one login at once. A name says what holds in every order of their steps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod closing;
mod expiry;
mod failures;
mod hanging;
mod leaving;
mod logins;
mod logouts;
mod planted;
mod refusals;
mod register;
mod stores;
mod support;
mod user_code;
