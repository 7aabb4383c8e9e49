//! Opens the user's browser: by the program that the platform has for it, which gets the URL as an
//! argument. No shell reads it.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::process::{Child, Command, Stdio};

use protocol::oauth::uri;
use url::Url;

use crate::worker::pool;

/// Programs that may open a browser, tried one after the other.
pub(crate) struct Opener {
    programs: VecDeque<Command>,
    running: Option<Child>,
}

impl Opener {
    /// Begins to open this URL. Nothing is opened that is not https, or http on this machine.
    pub(crate) fn open(url: &str) -> Self {
        let programs = if is_openable(url) { programs(env::var("BROWSER").ok().as_deref(), url) } else { Vec::new() };
        Self { programs: programs.into(), running: None }
    }

    /// Whether no program has opened the browser, and none is left to try.
    pub(crate) fn has_failed(&mut self) -> bool {
        loop {
            match self.running.as_mut().map(Child::try_wait) {
                Some(Ok(Some(status))) if !status.success() => self.running = None,
                Some(_) => return false,
                None => match self.programs.pop_front() {
                    Some(mut program) => self.running = program.spawn().ok(),
                    None => return true,
                },
            }
        }
    }
}

impl Drop for Opener {
    /// A browser may be the program itself, and run for days. Somebody must take its exit status.
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take()
            && matches!(running.try_wait(), Ok(None))
        {
            let _ = pool::run(move || drop(running.wait()));
        }
    }
}

fn is_openable(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => uri::is_loopback(&url),
        _ => false,
    })
}

/// `browser` is the variable `BROWSER`: commands with a separator between them, in which `%s` is
/// the URL.
fn programs(browser: Option<&str>, url: &str) -> Vec<Command> {
    let wanted = browser.unwrap_or_default().split(SEPARATOR).filter_map(|command| {
        let mut words = command.split_whitespace();
        let mut program = Command::new(words.next()?);
        let arguments: Vec<_> = words.map(|word| word.replace("%s", url)).collect();
        program.args(&arguments);
        if !command.contains("%s") {
            program.arg(url);
        }
        Some(program)
    });
    let of_platform = PLATFORM.iter().map(|words| {
        let mut program = Command::new(words[0]);
        program.args(&words[1..]).arg(url);
        program
    });
    let mut programs: Vec<_> = wanted.chain(of_platform).collect();
    for program in &mut programs {
        program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        for name in our_variables() {
            program.env_remove(name);
        }
    }
    programs
}

/// The browser needs none of our settings, and one of them is the client's secret.
fn our_variables() -> impl Iterator<Item = OsString> {
    env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("SIPGATE_"))
}

/// As between the folders of `PATH`.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

#[cfg(target_os = "macos")]
const PLATFORM: &[&[&str]] = &[&["/usr/bin/open"]];

#[cfg(windows)]
const PLATFORM: &[&[&str]] = &[&["rundll32.exe", "url.dll,FileProtocolHandler"]];

/// The last two are for Linux on Windows (WSL).
#[cfg(not(any(target_os = "macos", windows)))]
const PLATFORM: &[&[&str]] = &[&["xdg-open"], &["gio", "open"], &["wslview"], &["rundll32.exe", "url.dll,FileProtocolHandler"]];

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "https://login.example/a?b=c&d=$(touch x);e`f`";

    fn words(program: &Command) -> Vec<String> {
        let words = [program.get_program()].into_iter().chain(program.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_url_is_one_argument_of_each_program_and_none_is_a_shell() {
        for program in programs(Some(&format!("w3m{SEPARATOR}firefox -P %s{SEPARATOR}")), EVIL) {
            let words = words(&program);
            assert_eq!(words.last().map(String::as_str), Some(EVIL), "{words:?}");
            assert!(!["sh", "bash", "cmd", "cmd.exe", "powershell.exe"].contains(&words[0].as_str()), "{words:?}");
        }
        let wanted: Vec<_> =
            programs(Some(&format!("w3m{SEPARATOR} firefox -P %s x {SEPARATOR}")), "https://a").iter().take(2).map(words).collect();
        assert_eq!(wanted, [vec!["w3m", "https://a"], vec!["firefox", "-P", "https://a", "x"]]);
    }

    #[test]
    fn only_https_and_this_machine_are_opened() {
        for good in ["https://login.example/a", "http://127.0.0.1:8080/a", "http://localhost/"] {
            assert!(is_openable(good), "{good}");
        }
        for bad in ["http://login.example/", "file:///etc/passwd", "javascript:alert(1)", "--help", "ms-msdt:/id", ""] {
            assert!(!is_openable(bad), "{bad}");
            assert!(Opener::open(bad).has_failed(), "{bad}");
        }
    }

    #[test]
    fn a_program_that_is_missing_or_fails_is_followed_by_the_next() {
        let program = |name: &str| {
            let mut program = Command::new(name);
            program.stdout(Stdio::null());
            program
        };
        let mut opener = Opener { programs: ["/nowhere/browser", "false"].map(program).into(), running: None };
        while !opener.has_failed() {
            std::thread::yield_now();
        }
        let mut opener = Opener { programs: ["/nowhere/browser", "true", "false"].map(program).into(), running: None };
        assert!(!opener.has_failed());
        while opener.running.as_mut().unwrap().try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        assert!(!opener.has_failed() && opener.programs.len() == 1);
    }
}
