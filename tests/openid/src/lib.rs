//! The corpus of `tests/openid/corpus`, and how a program tells its verdicts on it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

use serde::Deserialize;
use serde_json::json;

/// An ID token with its client and its server's keys.
#[derive(Deserialize)]
pub struct Case {
    /// The token.
    pub token: String,
    /// The server's key set, as it was received.
    pub keys: String,
    /// The server.
    pub issuer: String,
    /// The client.
    pub client_id: String,
    /// Audiences that may stand beside the client.
    pub trusted_audiences: Vec<String>,
    /// The algorithms that the client allows.
    pub algorithms: Vec<String>,
    /// The client's secret, for `HS*`.
    pub client_secret: Option<String>,
    /// How far the clocks may differ, in seconds.
    pub leeway: u32,
    /// What the client sent.
    pub nonce: Option<String>,
    /// What came with the token.
    pub access_token: Option<String>,
    /// In seconds since 1970.
    pub now: i64,
}

/// Judges each line of the file that is the only argument, and prints a verdict for each. An error
/// says why a token was refused.
///
/// # Errors
///
/// The file cannot be read, or nobody reads the verdicts.
pub fn judge_corpus(judge: impl Fn(&Case) -> Result<(), String>) -> io::Result<()> {
    let file = std::env::args().nth(1).ok_or_else(|| io::Error::other("the corpus is the one argument"))?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in BufReader::new(File::open(file)?).lines() {
        let case: Case = serde_json::from_str(&line?)?;
        let verdict = judge(&case);
        writeln!(out, "{}", json!({"accepted": verdict.is_ok(), "reason": verdict.err()}))?;
    }
    out.flush()
}
