//! The URL of a database, as libpq reads it, and the environment for what it lacks.

use std::collections::HashMap;

use protocol::error::Result;
use protocol::secret::Secret;

use crate::store::remote::address::Address;
use crate::store::remote::url::{self, decoded, invalid, split_port, tcp};

const PORT: &str = "5432";
const APPLICATION: &str = "sipgate-oauth2";

/// What a URL says.
#[derive(Debug)]
pub(super) struct DatabaseUrl {
    /// Tried in this order.
    pub(super) addresses: Vec<Address>,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    pub(super) database: String,
    pub(super) application_name: String,
    /// Whether the URL requires TLS or forbids it. `None` if it does not say.
    pub(super) tls: Option<bool>,
    /// The file with the certificate authorities, or `system`.
    pub(super) root_certificate: Option<String>,
}

/// Which parameters a URL may have.
const PARAMETERS: [&str; 9] =
    ["host", "port", "user", "password", "dbname", "sslmode", "sslrootcert", "application_name", "target_session_attrs"];

impl DatabaseUrl {
    pub(super) fn parse(url: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let environment = |name: &str| environment(name).filter(|value| !value.is_empty());
        let rest =
            url.split_once("://").map(|(_, rest)| rest).ok_or_else(|| invalid("is incomplete; give postgres://user@host/database"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // Parts of a password that is not encoded, which no error may show.
        if path.contains('@') || query.contains('@') || url.contains('#') {
            return Err(invalid(
                "has a character in the wrong place; percent-encode those of the password: / is %2F, ? is %3F, # is %23, @ is %40",
            ));
        }
        let (user_info, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = user_info.split_once(':').map_or((user_info, None), |(user, password)| (user, Some(password)));
        let mut parameters = parameters(query)?;
        let mut given = |name: &str, value: &str| -> Result<Option<String>> {
            let parameter = parameters.remove(name).filter(|value| !value.is_empty());
            if parameter.is_some() { Ok(parameter) } else { Ok(Some(decoded(value)?).filter(|value| !value.is_empty())) }
        };
        let user = given("user", user)?
            .or_else(|| environment("PGUSER"))
            .ok_or_else(|| invalid("names no user; give postgres://user@host/database, or set PGUSER"))?;
        let password = given("password", password.unwrap_or_default())?.or_else(|| environment("PGPASSWORD")).map(Secret::from);
        let database = given("dbname", path)?.or_else(|| environment("PGDATABASE")).unwrap_or_else(|| user.clone());
        let (mut hosts, mut ports) = split(hosts)?;
        if let Some(host) = given("host", "")? {
            hosts = host;
        }
        if let Some(port) = given("port", "")? {
            ports = port;
        }
        if hosts.is_empty() {
            hosts = environment("PGHOST").ok_or_else(|| invalid("names no host; give postgres://user@host/database, or set PGHOST"))?;
        }
        if ports.split(',').all(str::is_empty) {
            ports = environment("PGPORT").unwrap_or_default();
        }
        let tls = given("sslmode", "")?.map(|mode| tls(&mode)).transpose()?;
        let root_certificate = given("sslrootcert", "")?;
        let application_name = given("application_name", "")?.unwrap_or_else(|| APPLICATION.to_owned());
        if given("target_session_attrs", "")?.is_some_and(|attributes| !matches!(attributes.as_str(), "read-write" | "primary")) {
            return Err(invalid("has target_session_attrs other than read-write; logins are written, so omit it"));
        }
        if [&user, &database, &application_name].iter().any(|text| text.contains('\0')) {
            return Err(invalid("has a NUL in it; remove it"));
        }
        Ok(Self { addresses: addresses(&hosts, &ports)?, user, password, database, application_name, tls, root_certificate })
    }
}

/// The hosts and ports of the authority, each separated by commas.
fn split(authority: &str) -> Result<(String, String)> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for part in authority.split(',') {
        let (host, port) = split_port(part)?;
        hosts.push(decoded(host)?);
        ports.push(port);
    }
    Ok((hosts.join(","), ports.join(",")))
}

/// One port for all hosts, or one for each.
fn addresses(hosts: &str, ports: &str) -> Result<Vec<Address>> {
    let (hosts, ports): (Vec<_>, Vec<_>) = (hosts.split(',').collect(), ports.split(',').collect());
    if ports.len() != 1 && ports.len() != hosts.len() {
        return Err(invalid("has another number of ports than of hosts; give one for all, or one for each"));
    }
    let all = hosts.iter().enumerate().map(|(index, host)| {
        let port = ports.get(index).or(ports.first()).filter(|port| !port.is_empty()).unwrap_or(&PORT);
        let port = url::port(port)?;
        match *host {
            "" => Err(invalid("has an empty host in its list; remove it")),
            directory if directory.starts_with('/') => Ok(Address::Unix(format!("{directory}/.s.PGSQL.{port}").into())),
            host => tcp(host.to_owned(), port),
        }
    });
    all.collect()
}

fn parameters(query: &str) -> Result<HashMap<String, String>> {
    let mut parameters = HashMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name)?;
        match name.as_str() {
            "connect_timeout" => return Err(invalid("has the parameter connect_timeout; give the option timeout instead")),
            known if PARAMETERS.contains(&known) => {}
            // Its name is not shown: it may be the end of a password that is not encoded.
            _ => {
                let known = PARAMETERS.join(", ");
                return Err(invalid(format_args!("has a parameter other than {known}; remove it, or percent-encode the password")));
            }
        }
        if parameters.insert(name.clone(), decoded(value)?).is_some() {
            return Err(invalid(format_args!("has the parameter {name} twice; remove one")));
        }
    }
    Ok(parameters)
}

fn tls(mode: &str) -> Result<bool> {
    match mode {
        "disable" => Ok(false),
        "verify-full" => Ok(true),
        _ => Err(invalid(
            "has an sslmode that does not verify the server; write sslmode=verify-full, and give ca_certificates if the server's certificate \
             is from an authority of your company or cloud; without TLS, on this machine only, write sslmode=disable",
        )),
    }
}

#[cfg(test)]
mod tests;
