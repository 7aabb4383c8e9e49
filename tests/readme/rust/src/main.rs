//! The README's ten lines of Rust in a minimal application: a session, a browser, a request.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::io;
use std::sync::OnceLock;

/// The request to the redirect URI, once the browser has made it.
static CALLBACK: OnceLock<String> = OnceLock::new();

struct Request;

impl Request {
    fn query_string(&self) -> &str {
        CALLBACK.get().and_then(|callback| callback.split_once('?')).map_or("", |(_, query)| query)
    }
}

/// Prints the URL for the browser, and reads the callback URL.
fn redirect(url: &str) {
    println!("{url}");
    let mut line = String::new();
    io::stdin().read_line(&mut line).expect("the driver writes the callback");
    CALLBACK.get_or_init(|| line.trim().to_owned());
}

fn main() -> Result<(), Box<dyn Error>> {
    let base = env::var("DEMO_BASE_URL")?;
    let client_id = env::var("SIPGATE_CLIENT_ID")?;
    let client_secret = env::var("SIPGATE_CLIENT_SECRET")?;
    let redirect_uri = env::var("SIPGATE_REDIRECT_URI")?;
    let mut session = HashMap::new();
    let request = Request;
    include!(concat!(env!("OUT_DIR"), "/block.rs"));
    Ok(())
}
