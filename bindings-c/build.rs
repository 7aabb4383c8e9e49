//! Gives the shared library its soname: the major version is in it, as the ABI only grows within one.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libsipgate_oauth2.so.0");
    }
}
