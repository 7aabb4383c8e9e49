//! The axum code of docs/signing-in.md as a program. `PORT` says where it listens, and an argument
//! which of the page's two variants it is.

#![expect(clippy::print_stderr, reason = "the page's code logs to where everybody can see it")]

use std::env;
use std::error::Error;

mod query {
    include!(concat!(env!("OUT_DIR"), "/query.rs"));

    pub(super) fn start() -> sipgate_oauth2::Result<Router> {
        app()
    }
}

mod form_post {
    use sipgate_oauth2::{AuthorizationParameters, ResponseMode};

    include!(concat!(env!("OUT_DIR"), "/form_post.rs"));

    pub(super) fn start() -> sipgate_oauth2::Result<Router> {
        app()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = match env::args().nth(1).as_deref() {
        Some("form_post") => form_post::start()?,
        _ => query::start()?,
    };
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", env::var("PORT")?)).await?;
    Ok(axum::serve(listener, app).await?)
}
