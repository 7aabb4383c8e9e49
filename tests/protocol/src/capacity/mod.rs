//! Minutes of a whole fleet in which nothing fails. The decisions are real; hosts, store and
//! login server are simulated with measured latencies, to count requests and what breaks first.

mod callers;
mod operations;
mod settings;
mod tally;
mod world;

use std::io::{self, Write};
use std::process::ExitCode;

use self::settings::Settings;
use self::world::World;

/// Simulates and reports.
pub fn main() -> ExitCode {
    let mut out = io::stdout();
    let Some(settings) = Settings::read(std::env::args().skip(1)) else {
        say(&mut out, Settings::USAGE);
        return ExitCode::from(2);
    };
    let mut world = World::new(&settings, 1);
    world.run();
    for line in world.tally.lines(&settings) {
        say(&mut out, &line);
    }
    ExitCode::SUCCESS
}

fn say(out: &mut impl Write, text: &str) {
    // The reader may have closed the pipe.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::settings::{SECOND, Settings};
    use super::world::World;

    #[test]
    fn without_faults_a_fleet_refreshes_each_token_once_and_nobody_waits() {
        let settings = Settings { hosts: 20, logins: 100, ..Settings::default() };
        let mut world = World::new(&settings, 1);
        world.run();
        let tally = &world.tally;
        // Of 300 s, a token is used for 180 to 165 s before it is refreshed.
        let most = 100 * settings.counted / (165 * SECOND);
        assert!(tally.refreshes > 100 && tally.refreshes <= most + 100, "{tally:?}");
        assert_eq!((tally.handed_out, tally.sessions_lost, tally.errors.len()), (tally.calls, 0, 0));
    }

    #[test]
    fn a_login_server_that_is_too_slow_is_noticed() {
        let settings = Settings { hosts: 20, logins: 400, server_rate: 1, ..Settings::default() };
        let mut world = World::new(&settings, 1);
        world.run();
        assert!(
            world.tally.rejected > 0 && world.tally.sessions_lost == 0 && world.tally.handed_out < world.tally.calls,
            "{:?}",
            world.tally.errors
        );
    }
}
