//! From the path that a user gives to the path of the database.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use protocol::error::{Error, Result};

use super::error::configuration_error;
use super::permissions;

/// The absolute path of the database, which stays the same when the working directory changes.
/// Creates its directory if there is none.
pub(super) fn resolve(path: &Path) -> Result<PathBuf> {
    let (directory, name) = absolute(path)?;
    permissions::create_directory(&directory).map_err(|cause| directory_error(&directory, cause))?;
    let directory = canonical(&directory).map_err(|cause| directory_error(&directory, cause))?;
    let metadata = fs::metadata(&directory).map_err(|cause| directory_error(&directory, cause))?;
    permissions::check_directory(&directory, &metadata)?;
    Ok(directory.join(name))
}

/// The absolute path of the directory, and the name of the file. Creates nothing.
pub(super) fn absolute(path: &Path) -> Result<(PathBuf, &OsStr)> {
    if path.as_os_str() == ":memory:" {
        return Err(Error::invalid_argument("store", "\":memory:\" is not a path; use the store in memory"));
    }
    if let Some((scheme, _)) = path.to_str().and_then(url) {
        let problem = format!("is a URL ({scheme}:), not a path; give the path alone, such as /var/lib/app/logins.db");
        return Err(Error::invalid_argument("store", &problem));
    }
    let name = path.file_name().filter(|_| !path.to_string_lossy().ends_with(std::path::is_separator));
    let Some(name) = name else {
        return Err(Error::invalid_argument("store", "the path has no file name; add one, such as logins.db"));
    };
    check_expanded("store", path)?;
    let mut directory = std::path::absolute(path).map_err(|cause| {
        let problem = "is relative to a working directory that no longer exists; give a full path";
        configuration_error(path, problem).with_cause(cause)
    })?;
    directory.pop();
    Ok((directory, name))
}

/// Refuses a path that begins with what only a shell replaces, such as `~` or `$HOME` within quotes
/// or in a file of variables. It would name a folder beside the program.
pub(crate) fn check_expanded(setting: &str, path: &Path) -> Result<()> {
    let mut components = path.components().skip_while(|component| matches!(component, Component::Prefix(_) | Component::RootDir));
    let Some(Component::Normal(first)) = components.next() else { return Ok(()) };
    let first = first.to_string_lossy();
    let is_home = first == "~" || first.starts_with('~') && components.next().is_some();
    let is_variable = first.starts_with('$') || first.strip_prefix('%').is_some_and(|rest| rest.contains('%'));
    if !is_home && !is_variable {
        return Ok(());
    }
    let problem = format!("begins with {first}, which no shell has expanded; give the full path, or begin with ./ if that is its name");
    Err(Error::invalid_argument(setting, &problem))
}

/// The file beside the database that has no content and is never deleted.
pub(super) fn lock_file(path: &Path) -> PathBuf {
    with_suffix(path, ".lock")
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Splits the scheme off a URL that other libraries accept for a database, such as
/// `sqlite:///x.db`. A scheme of one letter is a Windows drive.
pub(crate) fn url(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|other| other.is_ascii_alphanumeric() || "+-.".contains(other));
    let is_known = ["sqlite", "sqlite3", "file", "memory", "postgres", "postgresql", "redis", "rediss"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    (is_scheme && (is_known || rest.starts_with("//"))).then_some((scheme, rest))
}

/// The path without symbolic links. Not on Windows: many programs cannot read its canonical form,
/// and links are rare there.
fn canonical(directory: &Path) -> io::Result<PathBuf> {
    if cfg!(unix) { fs::canonicalize(directory) } else { Ok(directory.to_owned()) }
}

pub(super) fn directory_error(directory: &Path, cause: io::Error) -> Error {
    let problem = format!("the directory cannot be created or entered ({cause}); create it, or give another path");
    configuration_error(directory, &problem).with_cause(cause)
}
