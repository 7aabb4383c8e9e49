//! Extracts the axum code of docs/signing-in.md, to be compiled unchanged, and once more as the
//! page changes it for `form_post`.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../../../docs/signing-in.md");
    println!("cargo::rerun-if-changed=../page.py");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    for (variant, file) in [("query", "query.rs"), ("form_post", "form_post.rs")] {
        let path = std::path::Path::new(&out).join(file);
        let status = Command::new("python3").args(["../page.py", "axum", variant]).arg(path).status().expect("python3 is there");
        assert!(status.success(), "the page has the axum code");
    }
}
