//! Takes the axum program of `examples/sign_in`, as docs/signing-in.md changes it for `form_post`.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../../../docs/signing-in.md");
    println!("cargo::rerun-if-changed=../../../examples/sign_in/axum/src/main.rs");
    println!("cargo::rerun-if-changed=../page.py");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let path = std::path::Path::new(&out).join("form_post.rs");
    let status = Command::new("python3").args(["../page.py", "axum"]).arg(path).status().expect("python3 is there");
    assert!(status.success(), "the page changes the program");
}
