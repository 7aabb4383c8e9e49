//! The input is a header field, and also a text within one.

use sipgate_oauth2_protocol::oauth::www_authenticate::{Challenge, challenges};

/// Any text in quotes is read as it is, and what precedes and follows a challenge does not change
/// it.
pub fn check(input: &str) {
    for challenge in challenges(input) {
        assert!(!challenge.scheme().is_empty() && challenge.scheme().is_ascii(), "{challenge:?}");
    }
    let first = &challenges(&format!("Bearer error=\"invalid_token\", {input}"))[0];
    assert_eq!((first.scheme(), first.parameter("error")), ("Bearer", Some("invalid_token")));
    let quoted = format!("\"{}\"", input.replace('\\', "\\\\").replace('"', "\\\""));
    let around = challenges(&format!("Basic realm={quoted}, Bearer error={quoted}, scope=a, Negotiate YII="));
    let summary = |challenge: &Challenge| {
        let parameter = |name| challenge.parameter(name).map(str::to_owned);
        (challenge.scheme().to_owned(), parameter("realm"), parameter("error"), parameter("scope"))
    };
    let text = Some(input.to_owned());
    let expected = [
        ("Basic".to_owned(), text.clone(), None, None),
        ("Bearer".to_owned(), None, text, Some("a".to_owned())),
        ("Negotiate".to_owned(), None, None, None),
    ];
    assert_eq!(around.iter().map(summary).collect::<Vec<_>>(), expected);
}
