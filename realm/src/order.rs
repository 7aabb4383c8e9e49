//! Orders for a realm that is running: what a test in a language without a kit asks for.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use url::Url;

use crate::fixtures::USERS;

/// The callback, after a browser and the first user have followed the authorization URL.
pub(crate) fn login(authorization_url: &str) -> Result<String, String> {
    let url = Url::parse(authorization_url).map_err(|error| format!("{authorization_url}: {error}"))?;
    let control = url.join("/_realm").map_err(|error| error.to_string())?;
    let user = &USERS[0];
    let order = json!({"authorization_url": authorization_url, "username": user.username, "password": user.password});
    let response: Value = serde_json::from_str(&send(&control, "login", &order.to_string())?).map_err(|error| error.to_string())?;
    let callback = response.get("form").unwrap_or(&response["callback"]);
    Ok(callback.as_str().unwrap_or_default().to_owned())
}

/// The response of the realm that the environment names.
pub(crate) fn order(name: &str, order: &str) -> Result<String, String> {
    let control = std::env::var("SIPGATE_REALM_CONTROL")
        .map_err(|_| "SIPGATE_REALM_CONTROL is not set; run this within `sipgate-oauth2-realm -- COMMAND`".to_owned())?;
    let control = Url::parse(&control).map_err(|error| format!("SIPGATE_REALM_CONTROL: {error}"))?;
    send(&control, name, order)
}

fn send(control: &Url, name: &str, order: &str) -> Result<String, String> {
    let port = control.port().filter(|_| control.scheme() == "http").ok_or_else(|| format!("{control} is not the address of a realm"))?;
    let request = format!(
        "POST {}/{name} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{order}",
        control.path(),
        order.len()
    );
    let mut response = String::new();
    TcpStream::connect(("127.0.0.1", port))
        .and_then(|mut stream| stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut response)))
        .map_err(|error| format!("no realm responds at {control}: {error}"))?;
    let (head, body) = response.split_once("\r\n\r\n").ok_or_else(|| format!("no realm responds at {control}"))?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        Some("404") => Err(format!("no such order: {name}")),
        _ => Err(serde_json::from_str(body)
            .ok()
            .and_then(|problem: Value| Some(problem["error"].as_str()?.to_owned()))
            .unwrap_or_else(|| body.to_owned())),
    }
}
