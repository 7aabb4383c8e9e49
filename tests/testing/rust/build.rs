//! Extracts the Rust code of docs/testing.md, to be compiled unchanged.

use std::path::Path;
use std::{env, fs};

const PAGE: &str = "../../../docs/testing.md";

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let (_, rest) = page.split_once("```rust\n").expect("the page has a Rust block");
    let (block, _) = rest.split_once("```").expect("the block ends");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("login.rs"), block).expect("it can be written");
}
