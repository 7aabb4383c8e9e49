//! The axum program of `examples/sign_in`, as docs/signing-in.md changes it for `form_post`.

#![expect(clippy::print_stderr, reason = "the program logs to where everybody can see it")]

use sipgate_oauth2::{AuthorizationParameters, ResponseMode};

include!(concat!(env!("OUT_DIR"), "/form_post.rs"));
