//! `docs/refresh-protocol.md` and the code name the same invariants and the same unavoidable
//! losses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The numbers of the invariants in a text: 3 for "I3".
fn invariants(text: &str) -> BTreeSet<u32> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter_map(|word| word.strip_prefix('I')?.parse().ok()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/refresh-protocol.md")).expect("the page is readable")
}

/// The sources in a folder and below; those of unit tests only if it is theirs.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("the folder is readable");
    let paths = entries.map(|entry| entry.expect("the entry is readable").path());
    let paths = paths.filter(|path| path.file_stem().is_none_or(|name| name != "tests"));
    let read = |path: PathBuf| {
        if path.is_dir() { sources(&path) } else { fs::read_to_string(&path).expect("the source is readable") }
    };
    paths.map(read).collect()
}

#[test]
fn the_page_numbers_the_invariants_without_a_gap() {
    let defined: Vec<u32> = page().lines().filter_map(|line| line.strip_prefix("| I")?.split_once(' ')?.0.parse().ok()).collect();
    let last = u32::try_from(defined.len()).expect("there are few");
    assert_eq!(defined, (1..=last).collect::<Vec<_>>());
    assert_eq!(invariants(&page()), defined.into_iter().collect());
}

#[test]
fn the_code_and_the_checks_name_every_invariant_of_the_page_and_no_other() {
    let folders = ["core/protocol/src/refresh", "core/protocol/src/refresh/operation/tests", "tests/protocol/src"];
    for folder in folders {
        assert_eq!(invariants(&sources(&root().join(folder))), invariants(&page()), "{folder}");
    }
}

#[test]
fn the_page_lists_every_unavoidable_loss_and_no_other() {
    let page = page();
    let section = page.split("## What ends a login unavoidably").nth(1).expect("the section is there");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let listed: BTreeSet<&str> = rows.map(|(name, _)| name).filter(|name| !name.is_empty()).collect();
    let counted: BTreeSet<&str> = protocol::model::unavoidable_losses().chain(protocol::simulation::unavoidable_losses()).collect();
    assert_eq!(listed, counted);
}
