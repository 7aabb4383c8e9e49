//! The Rust code of docs/testing.md.

include!(concat!(env!("OUT_DIR"), "/login.rs"));
