//! The arguments of the program.

use url::Url;

pub(crate) const HELP: &str = "\
A local sipgate login for tests: it responds as sipgate's login server does, and fails on demand.
Listens on 127.0.0.1 only.

Usage: sipgate-oauth2-realm [OPTIONS]
       sipgate-oauth2-realm [OPTIONS] -- COMMAND [ARGUMENTS]
       sipgate-oauth2-realm login AUTHORIZATION_URL
       sipgate-oauth2-realm order NAME [JSON]

The first prints one line of JSON when it is ready, and ends when its standard input closes or when
the process that started it ends.

With a COMMAND, such as `cargo test`, it sets SIPGATE_CLIENT_ID, SIPGATE_ISSUER and so on for it,
and ends with it, with its exit status.

`login` is a browser and its user: it prints the callback. `order` is for the realm that runs the
COMMAND: order advance '{\"seconds\": 300}'

  --redirect-uri URI  also allow this redirect URI; the first one is SIPGATE_REDIRECT_URI
  --port N            port for plain HTTP (default: any free one)
  --tls-port N        port for HTTPS (default: any free one)
  --human             print addresses and accounts as text, not JSON; implies --stay
  --stay              run until SIGTERM or Ctrl-C
  --version           print the version
";

pub(crate) enum Asked {
    Run(Options),
    Login { authorization_url: String },
    Order { name: String, order: String },
    Help,
    Version,
}

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    pub(crate) human: bool,
    pub(crate) stay: bool,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) command: Vec<String>,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--port" => options.port = number(arguments.next())?,
                "--tls-port" => options.tls_port = number(arguments.next())?,
                "--redirect-uri" => options.redirect_uris.push(address(arguments.next())?),
                "--human" => (options.human, options.stay) = (true, true),
                "login" => return Ok(Asked::Login { authorization_url: only(arguments, "login needs one authorization URL")? }),
                "order" => return order(arguments),
                "--stay" => options.stay = true,
                "--help" | "-h" => return Ok(Asked::Help),
                "--version" | "-V" => return Ok(Asked::Version),
                "--" => {
                    options.command = arguments.collect();
                    return if options.command.is_empty() {
                        Err("there is no command after --".to_owned())
                    } else {
                        Ok(Asked::Run(options))
                    };
                }
                unknown => return Err(format!("unknown option {unknown}; see --help")),
            }
        }
        Ok(Asked::Run(options))
    }
}

fn only(mut arguments: impl Iterator<Item = String>, problem: &str) -> Result<String, String> {
    match (arguments.next(), arguments.next()) {
        (Some(argument), None) => Ok(argument),
        _ => Err(problem.to_owned()),
    }
}

fn order(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(name), order, None) => Ok(Asked::Order { name, order: order.unwrap_or_else(|| "{}".to_owned()) }),
        _ => Err("order needs a name and its JSON; see --help".to_owned()),
    }
}

fn number(argument: Option<String>) -> Result<u16, String> {
    argument.and_then(|text| text.parse().ok()).ok_or_else(|| "a port is a number from 0 to 65535".to_owned())
}

fn address(argument: Option<String>) -> Result<String, String> {
    argument
        .filter(|text| Url::parse(text).is_ok_and(|url| url.has_host() && url.fragment().is_none()))
        .ok_or_else(|| "--redirect-uri needs a URL such as http://localhost:8000/callback".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Asked, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    fn problem(line: &str) -> String {
        parse(line).err().expect("it is refused")
    }

    #[test]
    fn what_follows_two_dashes_is_the_command_whatever_it_looks_like() {
        let Ok(Asked::Run(options)) = parse("--port 1 -- cargo test -- --port x") else { panic!("it runs") };
        assert_eq!((options.port, options.command.join(" ")), (1, "cargo test -- --port x".to_owned()));
    }

    #[test]
    fn wrong_arguments_are_named() {
        assert!(problem("--prot 1").contains("--prot"));
        assert!(problem("--port 65536").contains("port"));
        assert!(problem("--redirect-uri /callback").contains("--redirect-uri"));
        assert!(problem("--").contains("no command"));
    }
}
