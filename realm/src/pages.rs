//! The pages a user sees. They work without JavaScript and load nothing from elsewhere.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::fixtures::USERS;
use crate::scopes;

pub(crate) struct LoginPage<'a> {
    pub(crate) action: &'a str,
    pub(crate) realm: &'a str,
    /// Name and client id.
    pub(crate) application: (&'a str, &'a str),
    pub(crate) scope: &'a [String],
    pub(crate) username: &'a str,
    pub(crate) problem: Option<&'a str>,
}

pub(crate) fn login(page: &LoginPage<'_>) -> Response {
    let problem = page
        .problem
        .map_or_else(String::new, |problem| format!(r#"<p class="problem" id="input-error" role="alert">{}</p>"#, escape(problem)));
    let invalid = if page.problem.is_some() { r#" aria-invalid="true" aria-describedby="input-error""# } else { "" };
    let users: Vec<_> = USERS.iter().map(|user| format!("<code>{}</code> / <code>{}</code>", user.username, user.password)).collect();
    let content = format!(
        r#"<h1>Sign in to your account</h1>
{application}
{problem}
<form id="kc-form-login" action="{action}" method="post">
  <label for="username">Username</label>
  <input id="username" name="username" type="text" value="{username}" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus{invalid}>
  <label for="password">Password</label>
  <input id="password" name="password" type="password" value="" autocomplete="current-password" required{invalid}>
  <input id="id-hidden-input" name="credentialId" type="hidden">
  <button id="kc-login" name="login" type="submit">Sign in</button>
</form>
<details open><summary>What the application will be allowed to do</summary>
{scopes}
</details>
<p class="hint">Users of this test realm: {users}</p>"#,
        application = asks(page.application, "wants you to sign in."),
        action = escape(page.action),
        username = escape(page.username),
        scopes = scope_list(page.scope),
        users = users.join(", "),
    );
    html(StatusCode::OK, "Sign in", page.realm, &content)
}

pub(crate) struct ConsentPage<'a> {
    pub(crate) action: &'a str,
    pub(crate) code: &'a str,
    pub(crate) realm: &'a str,
    /// Name and client id.
    pub(crate) application: (&'a str, &'a str),
    pub(crate) username: &'a str,
    pub(crate) scope: &'a [String],
}

pub(crate) fn consent(page: &ConsentPage<'_>) -> Response {
    let content = format!(
        r#"<h1>Grant access?</h1>
{application}
{scopes}
<form class="form-actions" action="{action}" method="post">
  <input type="hidden" name="code" value="{code}">
  <div class="choice">
    <button id="kc-login" name="accept" type="submit" value="Yes">Yes, allow</button>
    <button id="kc-cancel" class="secondary" name="cancel" type="submit" value="No">No</button>
  </div>
</form>
<p class="hint">You are signed in as <strong>{username}</strong>.</p>"#,
        application = asks(page.application, "asks to do this on your behalf:"),
        scopes = scope_list(page.scope),
        action = escape(page.action),
        code = escape(page.code),
        username = escape(page.username),
    );
    html(StatusCode::OK, "Grant access", page.realm, &content)
}

/// `kept` is sent back with the confirmation.
pub(crate) fn confirm_logout(realm: &str, action: &str, kept: &[(&str, &str)]) -> Response {
    let content = format!(
        r#"<h1>Sign out?</h1>
<form class="form-actions" action="{}" method="post">
  {}
  <button id="kc-logout" name="confirmLogout" type="submit" value="Logout">Sign out</button>
</form>"#,
        escape(action),
        hidden_fields(kept)
    );
    html(StatusCode::OK, "Sign out", realm, &content)
}

pub(crate) fn logged_out(realm: &str) -> Response {
    html(StatusCode::OK, "Signed out", realm, "<h1>You are signed out</h1>")
}

pub(crate) fn error(status: StatusCode, text: &str) -> Response {
    let content = format!(r#"<h1>We are sorry…</h1><p class="problem" id="kc-error-message" role="alert">{}</p>"#, escape(text));
    html(status, "Error", "", &content)
}

pub(crate) fn redirect(location: &str) -> Response {
    (
        StatusCode::FOUND,
        [("location", location), ("cache-control", "no-store, must-revalidate, max-age=0"), ("referrer-policy", "no-referrer")],
    )
        .into_response()
}

/// OAuth 2.0 Form Post Response Mode: the browser posts the form by itself.
pub(crate) fn form_post(action: &str, parameters: &[(&str, &str)]) -> Response {
    let body = format!(
        r#"<!DOCTYPE html>
<html><head><title>Back to the application</title></head>
<body onload="document.forms[0].submit()">
<form id="form-post" method="post" action="{}">{}<noscript><button type="submit">Continue</button></noscript></form>
</body></html>
"#,
        escape(action),
        hidden_fields(parameters)
    );
    let headers = [
        ("content-type", "text/html"),
        ("cache-control", "no-store, must-revalidate, max-age=0"),
        ("content-security-policy", "frame-src 'self'; frame-ancestors 'self'; object-src 'none';"),
    ];
    (StatusCode::OK, headers, body).into_response()
}

fn hidden_fields(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!(r#"<input type="hidden" name="{}" value="{}">"#, escape(name), escape(value))).collect()
}

fn asks((name, client_id): (&str, &str), what: &str) -> String {
    format!(r#"<p class="application"><strong>{}</strong> <code>{}</code> {what}</p>"#, escape(name), escape(client_id))
}

fn scope_list(scope: &[String]) -> String {
    let items: String =
        scope.iter().map(|scope| format!("<li>{} <code>{}</code></li>", escape(&scopes::describe(scope)), escape(scope))).collect();
    format!("<ul class=\"scopes\">{items}</ul>")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn html(status: StatusCode, title: &str, realm: &str, content: &str) -> Response {
    let footer = if realm.is_empty() { String::new() } else { format!("<footer>Realm <code>{realm}</code></footer>") };
    let body = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<title>{title} · local test realm</title>
<style>{STYLE}</style>
</head>
<body>
<p class="banner"><strong>Local test realm.</strong> This is not sipgate; do not enter a real password.</p>
<main>
{content}
</main>
{footer}
</body>
</html>
"#
    );
    let headers = [
        ("content-type", "text/html;charset=utf-8"),
        ("cache-control", "no-store, must-revalidate, max-age=0"),
        ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "SAMEORIGIN"),
    ];
    (status, headers, body).into_response()
}

const STYLE: &str = "
:root{color-scheme:light dark;--ground:#eef1f5;--card:#fff;--ink:#17202b;--soft:#536171;--line:#8793a1;--accent:#0b5fb0;--on-accent:#fff;--bad:#a4161a;--bad-ground:#fdecec;--banner:#ffe9b0;--on-banner:#4a3500;--code:#eef1f5}
@media(prefers-color-scheme:dark){:root{--ground:#12171d;--card:#1c232c;--ink:#e8edf3;--soft:#a5b1bf;--line:#6b7888;--accent:#6cb4ff;--on-accent:#08213b;--bad:#ffb3b3;--bad-ground:#43191b;--banner:#5a4300;--on-banner:#ffeec2;--code:#2a333e}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
.banner{width:100%;margin:0;padding:.6rem 1rem;text-align:center;background:var(--banner);color:var(--on-banner)}
main{width:min(27rem,100% - 2rem);margin:clamp(1rem,7vh,5rem) 0 1rem;padding:clamp(1.25rem,5vw,2.25rem);background:var(--card);border-radius:.75rem;box-shadow:0 .5rem 2rem rgb(0 0 0/.12)}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}
p{margin:0 0 1rem}
code{padding:.05em .3em;border-radius:.25rem;background:var(--code);font-size:.85em;overflow-wrap:anywhere}
label{display:block;margin:0 0 .25rem;font-weight:600}
input[type=text],input[type=password]{width:100%;margin:0 0 1rem;padding:.6rem .7rem;border:1px solid var(--line);border-radius:.4rem;background:transparent;color:inherit;font:inherit}
button{width:100%;padding:.7rem 1rem;border:1px solid var(--accent);border-radius:.4rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}
button.secondary{background:transparent;color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.choice{display:flex;gap:.75rem}
.problem{padding:.6rem .75rem;border-left:4px solid var(--bad);border-radius:.25rem;background:var(--bad-ground);color:var(--bad)}
details{margin:1.25rem 0 0}
summary{cursor:pointer;color:var(--soft)}
.scopes{margin:.5rem 0 1rem;padding-left:1.25rem}
.scopes li{margin:.2rem 0}
.hint{margin:1.25rem 0 0;color:var(--soft);font-size:.9rem}
footer{padding:0 1rem 1.5rem;color:var(--soft);font-size:.85rem}
";
