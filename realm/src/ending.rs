//! When the realm ends: no realm outlives the test that started it.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use tokio::process::Command;
use tokio::signal;

/// The process that has started this one, from before anybody can know that this one runs.
pub(crate) struct Parent(u32);

impl Parent {
    pub(crate) fn now() -> Self {
        Self(parent_id())
    }

    /// Its end shows even if another process holds the other end of standard input: a child that it
    /// forked.
    async fn ended(&self) {
        while parent_id() == self.0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[cfg(unix)]
fn parent_id() -> u32 {
    std::os::unix::process::parent_id()
}

/// Unknown: standard input has to do.
#[cfg(not(unix))]
fn parent_id() -> u32 {
    0
}

/// Waits for a signal; unless the realm is to `stay`, also until standard input closes or the
/// parent process ends.
pub(crate) async fn when_told(parent: &Parent, stay: bool) -> io::Result<()> {
    let mut signals = Signals::hear()?;
    if stay {
        signals.any().await;
        return Ok(());
    }
    let (closed, input) = tokio::sync::oneshot::channel();
    // A thread of its own: a blocking read of standard input would delay the runtime's shutdown.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = closed.send(());
    });
    tokio::select! {
        _ = input => {}
        () = parent.ended() => {}
        () = signals.any() => {}
    }
    Ok(())
}

/// Runs a command with these variables, and ends with its status. Without the realm, the command
/// does not go on.
pub(crate) async fn with_command(
    parent: &Parent,
    command: &[String],
    variables: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<ExitCode, String> {
    let mut signals = Signals::hear().map_err(|error| error.to_string())?;
    let (program, arguments) = command.split_first().ok_or("there is no command")?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    tokio::select! {
        status = child.wait() => status.map(|status| exit_code(&status)).map_err(|error| error.to_string()),
        () = parent.ended() => Ok(ExitCode::FAILURE),
        () = signals.terminated() => Ok(ExitCode::FAILURE),
    }
}

#[cfg(unix)]
fn exit_code(status: &std::process::ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;

    // As shells say it.
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

#[cfg(not(unix))]
fn exit_code(status: &std::process::ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or(1);
    u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// What a user or a supervisor ends the realm with. It is heard from the start: a signal that comes
/// earlier would end the realm, and not its command.
struct Signals {
    #[cfg(unix)]
    terminate: signal::unix::Signal,
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn hear() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// A terminal sends Ctrl-C to the command too, which decides what it means.
    async fn terminated(&mut self) {
        self.terminate.recv().await;
    }
}

#[cfg(not(unix))]
impl Signals {
    fn hear() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn any(&mut self) {
        let _ = signal::ctrl_c().await;
    }

    async fn terminated(&mut self) {
        std::future::pending().await
    }
}
