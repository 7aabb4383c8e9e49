//! Extracts the README's Rust block, to be compiled unchanged except for the server.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let readme = "../../../README.md";
    println!("cargo::rerun-if-changed={readme}");
    let text = fs::read_to_string(readme).expect("the README exists");
    let block = text.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the README has a Rust block");
    assert!(block.contains("ClientBuilder::sipgate(client_id)"), "the README's Rust block creates a sipgate client");
    let local = block.replace("ClientBuilder::sipgate(client_id)", "ClientBuilder::keycloak(base, \"third-party\", client_id)");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(
        out.join("block.rs"),
        format!("{{ {local} source.refresh()?; println!(\"{{}}\\n{{}}\", header.reveal(), source.authorization_header()?.reveal()); }}"),
    )
    .expect("OUT_DIR is writable");
}
