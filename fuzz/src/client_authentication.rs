//! The input is a client id, a secret and a parameter's value, each on a line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sipgate_oauth2_protocol::http::Request;
use sipgate_oauth2_protocol::oauth::client_auth::{ClientAuthentication, Credentials};
use sipgate_oauth2_protocol::oauth::form;
use sipgate_oauth2_protocol::secret::ClientSecret;
use url::form_urlencoded::parse;

use crate::assert_fit_to_show;

/// A server reads what was given, with each way to authenticate.
pub fn check(input: &str) {
    let mut lines = input.splitn(3, '\n');
    let [id, secret, value] = [lines.next(), lines.next(), lines.next()].map(Option::unwrap_or_default);
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", value)];
    let canaries: Vec<&str> = [secret].into_iter().filter(|secret| secret.starts_with("canary")).collect();
    let request = |method| {
        Credentials::new(id.to_owned(), Some(ClientSecret::from(secret)), Some(method))
            .inspect_err(|error| assert_fit_to_show(error, &canaries))
            .ok()
            .map(|credentials| credentials.request("https://login.example/token", &parameters))
    };

    let usable = |text: &str| (1..=1024).contains(&text.len()) && !text.contains(char::is_control);
    let Some(post) = request(ClientAuthentication::ClientSecretPost) else {
        assert!(!usable(id) || !usable(secret), "valid credentials were refused");
        return;
    };
    assert!(usable(id) && usable(secret), "invalid credentials were accepted");
    let with_credentials = parameters.into_iter().chain([("client_id", id), ("client_secret", secret)]);
    assert_reads_as(body(&post), with_credentials);
    assert!(post.header("authorization").is_none());

    let basic = request(ClientAuthentication::ClientSecretBasic).expect("what can be posted can go into a header");
    assert_reads_as(body(&basic), parameters.into_iter());
    let header = basic.header("authorization").expect("Basic is a header").reveal();
    let pair = STANDARD.decode(header.strip_prefix("Basic ").expect("RFC 7617")).expect("RFC 7617");
    let pair = String::from_utf8(pair).expect("percent-encoded");
    let (read_id, read_secret) = pair.split_once(':').expect("RFC 7617");
    assert_eq!(decode_half(read_id), id);
    assert_eq!(decode_half(read_secret), secret);
    let debug = format!("{basic:?} {post:?}");
    assert!(!canaries.into_iter().any(|secret| debug.contains(secret)), "{debug}");
}

fn body(request: &Request) -> &str {
    request.body.as_ref().expect("a form").reveal()
}

fn assert_reads_as<'a>(body: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    assert!(body.bytes().all(|byte| matches!(byte, 0x21..=0x7E)), "{body}");
    let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(parse(body.as_bytes()).into_owned().collect::<Vec<_>>(), pairs);
    let decoded: Vec<_> = form::pairs(body).map(|(name, value)| (name, form::decode(value).expect("sound"))).collect();
    assert_eq!(decoded, pairs);
}

fn decode_half(half: &str) -> String {
    parse(format!("={half}").as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
