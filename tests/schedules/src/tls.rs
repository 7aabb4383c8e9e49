//! Replaces the core's module: nothing here is encrypted.

#[expect(dead_code, reason = "nothing here connects")]
#[path = "../../../core/src/tls/roots.rs"]
mod roots;

pub(crate) use self::roots::Roots;
