//! Rules about the structure of the core, checked in its source files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn one_folder_uses_the_http_library() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    for file in sources("src") {
        let inside = file.starts_with(&folder);
        assert!(inside || !code(&file).contains("ureq::"), "{} names ureq", file.display());
    }
}

#[test]
fn one_file_compares_process_ids() {
    for file in sources("src") {
        let inside = file.ends_with("process.rs");
        assert!(inside || !code(&file).contains("process::id"), "{} asks for the process id", file.display());
    }
}

#[test]
fn every_public_type_has_an_example() {
    let sources: Vec<String> =
        [sources("src"), sources("protocol/src")].concat().iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let names: Vec<&str> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub use ")?.trim_end_matches(';').rsplit_once("::"))
        .flat_map(|(_, names)| names.trim_matches(['{', '}']).split(", "))
        .filter(|name| name.starts_with(char::is_uppercase))
        .filter(|name| !["AccessToken", "ClientSecret", "CodeVerifier", "IdToken", "RefreshToken", "Secret", "Result"].contains(name))
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let declared = |source: &String| {
            let at = ["struct", "enum", "trait", "type"]
                .iter()
                .find_map(|kind| [' ', '(', '<', ';', ':'].iter().find_map(|end| source.find(&format!("pub {kind} {name}{end}"))))?;
            let documentation = source[..at].rsplit("\n\n").next()?;
            Some(documentation.contains("```"))
        };
        assert_eq!(sources.iter().find_map(declared), Some(true), "{name} has no example");
    }
}

/// The code of a file without its tests; empty if all of it is tests.
fn code(file: &Path) -> String {
    if [file, file.parent().unwrap()].into_iter().any(is_all_tests) {
        return String::new();
    }
    let text = fs::read_to_string(file).unwrap();
    text.split("#[cfg(test)]").next().unwrap().to_owned()
}

/// Whether the module of this file or folder is declared only for tests.
fn is_all_tests(module: &Path) -> bool {
    let declared = fs::read_to_string(module.with_file_name("mod.rs")).unwrap_or_default();
    declared.contains(&format!("#[cfg(test)]\nmod {};", module.file_stem().unwrap().to_string_lossy()))
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { sources(&path.to_string_lossy()) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}
