//! The refresh protocol explored. The core's pure modules are compiled into this crate as they stand: they are private to the core, and no feature
//! there has to let them out. Only the secrets are stood in for, by ones that show.

#[expect(dead_code, unreachable_pub, reason = "the core uses and shows all of it; this crate, part of it")]
#[path = "../../../core/src/error.rs"]
mod error;
mod mistakes;
#[expect(dead_code, unreachable_pub, reason = "the core uses and shows all of it; this crate, part of it")]
#[path = "../../../core/src/oauth/mod.rs"]
mod oauth;
#[expect(dead_code, unreachable_pub, reason = "the core uses and shows all of it; this crate, part of it")]
#[path = "../../../core/src/provider.rs"]
mod provider;
#[cfg_attr(not(test), expect(dead_code, reason = "the core uses all of it, as its tests do; this crate, part of it"))]
#[path = "../../../core/src/refresh/mod.rs"]
mod refresh;
// The core's tests, which run here too, want the core's.
#[cfg_attr(test, expect(unreachable_pub, reason = "the core shows all of it"))]
#[cfg_attr(test, path = "../../../core/src/secret.rs")]
mod secret;

pub mod model;
pub mod simulation;
