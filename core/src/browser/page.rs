//! What the user sees after a login in the browser. The pages load nothing and hold nothing from a
//! request, so nobody else can put anything into them.

use protocol::error::{Error, Family};

/// A whole HTTP response.
pub(crate) fn of<T>(outcome: Result<&T, &Error>) -> Vec<u8> {
    match outcome {
        Ok(_) => response("200 OK", "You are logged in", "You can close this page and return to the application.", ""),
        Err(error) => {
            let (title, advice) = failed(error.family());
            response("400 Bad Request", title, advice, error.code().as_str())
        }
    }
}

/// The response to everything that is not the one request.
pub(super) fn not_found() -> Vec<u8> {
    response("404 Not Found", "There is nothing here", "Return to the application, and log in there.", "")
}

fn failed(family: Family) -> (&'static str, &'static str) {
    match family {
        Family::AuthorizationDenied => {
            ("You are not logged in", "Access was denied. Return to the application, and log in again if that was a mistake.")
        }
        Family::LoginRequired => ("The login did not work", "Return to the application, and log in again."),
        Family::Temporary => {
            ("The login did not work yet", "The server cannot log you in at the moment. Return to the application, and try again later.")
        }
        Family::Configuration => {
            ("The login did not work", "A setting of the application is wrong. Return to the application: it says which one.")
        }
        Family::SecurityCheck => (
            "The login was stopped",
            "The response of the server did not pass a security check. Return to the application, and log in again there.",
        ),
        Family::Store => ("The login could not be stored", "Return to the application: it says why. Then log in again."),
        _ => ("The login did not work", "Return to the application: it says why."),
    }
}

/// `code` is one of our own words, or empty.
fn response(status: &str, title: &str, advice: &str, code: &str) -> Vec<u8> {
    let code = if code.is_empty() { String::new() } else { format!("<p><small>{code}</small></p>") };
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}}\
         h1{{font-size:1.6rem}}small{{opacity:.7}}</style>\
         <h1>{title}</h1><p>{advice}</p>{code}\n"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\n\
         Content-Type: text/html; charset=utf-8\r\n\
         Content-Length: {}\r\n\
         Cache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
         X-Content-Type-Options: nosniff\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    [head, body].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use protocol::error::ErrorCode;

    use super::*;

    #[test]
    fn each_page_says_what_to_do_and_nothing_of_what_came() {
        let text = |outcome: Result<&(), &Error>| String::from_utf8(of(outcome)).unwrap();
        let mut pages = vec![text(Ok(&())), String::from_utf8(not_found()).unwrap()];
        for code in ErrorCode::ALL {
            let error = Error::new(*code, "<script>canary</script>");
            let page = text(Err(&error));
            assert!(page.contains(code.as_str()) && !page.contains("canary"), "{page}");
            pages.push(page);
        }
        for page in pages {
            let (head, body) = page.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
            assert!(head.contains("Cache-Control: no-store\r\n") && head.contains("Referrer-Policy: no-referrer\r\n"), "{head}");
            assert!(body.contains("application") && !body.contains("<script") && !body.contains("src="), "{body}");
        }
    }
}
