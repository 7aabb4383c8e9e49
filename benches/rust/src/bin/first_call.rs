//! What a process does first: an authorization URL, and with the argument `tls` a request, which
//! the server refuses. The environment describes the client; `benches/first_call.py` measures.

#![expect(clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::env;

use sipgate_oauth2::{ClientBuilder, ErrorCode};

fn main() {
    let client = ClientBuilder::from_env().unwrap().build().unwrap();
    assert!(client.authorization_request("balance:read").unwrap().url().starts_with("https://"));
    if env::args().any(|argument| argument == "tls") {
        let error = client.refresh("unknown").unwrap_err();
        assert_eq!(error.code(), ErrorCode::LoginRequired, "{error}");
    }
}
