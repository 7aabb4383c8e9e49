//! The refresh protocol explored. The core's pure modules are compiled into this crate as they stand: they are private to the core, and no feature
//! there has to let them out.

#[expect(dead_code, reason = "the core uses all of it; this crate, part of it")]
#[path = "../../../core/src/error.rs"]
mod error;
#[expect(dead_code, reason = "the core uses all of it; this crate, part of it")]
#[path = "../../../core/src/oauth/mod.rs"]
mod oauth;
#[expect(dead_code, reason = "the core uses all of it; this crate, part of it")]
#[path = "../../../core/src/provider.rs"]
mod provider;
#[expect(dead_code, reason = "the core uses all of it; this crate, part of it")]
#[path = "../../../core/src/refresh/mod.rs"]
mod refresh;
#[expect(dead_code, reason = "the core uses all of it; this crate, part of it")]
mod secret;

pub mod model;
pub mod simulation;
