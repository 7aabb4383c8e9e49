//! Other copies of this library that a program may use in place of this one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A package with its version.
pub(crate) struct Installed {
    pub(crate) place: PathBuf,
    pub(crate) version: String,
}

/// Those that a program started here, and now, imports: of the active virtual environment, and of
/// the nearest `node_modules`.
pub(crate) fn in_use() -> Vec<Installed> {
    let environment = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let python = environment.and_then(|environment| of_python(&environment));
    let node = env::current_dir().ok().and_then(|folder| folder.ancestors().find_map(of_node));
    python.into_iter().chain(node).collect()
}

/// `lib/python3.12/site-packages/sipgate_oauth2-0.1.0.dist-info`, or on Windows the same below
/// `Lib/site-packages`.
fn of_python(environment: &Path) -> Option<Installed> {
    let folders = fs::read_dir(environment.join("lib")).into_iter().flatten().flatten().map(|found| found.path());
    folders.chain([environment.join("Lib")]).find_map(|folder| {
        let place = folder.join("site-packages");
        fs::read_dir(&place).ok()?.flatten().find_map(|found| {
            let name = found.file_name().into_string().ok()?;
            let version = name.strip_prefix("sipgate_oauth2-")?.strip_suffix(".dist-info")?.to_owned();
            Some(Installed { place: place.clone(), version })
        })
    })
}

fn of_node(folder: &Path) -> Option<Installed> {
    let place = folder.join("node_modules").join("sipgate-oauth2");
    let package: Value = serde_json::from_slice(&fs::read(place.join("package.json")).ok()?).ok()?;
    Some(Installed { place, version: package["version"].as_str()?.to_owned() })
}
