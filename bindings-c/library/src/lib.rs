//! The library for C: all functions of `sipgate-oauth2-c`, as a shared and a static library.

pub use sipgate_oauth2_c::*;
