use super::*;

fn parse(url: &str) -> DatabaseUrl {
    DatabaseUrl::parse(url, &|_| None).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn problem(url: &str) -> String {
    match DatabaseUrl::parse(url, &|_| None) {
        Ok(_) => panic!("{url} was read"),
        Err(error) => error.to_string(),
    }
}

fn shown(url: &DatabaseUrl) -> Vec<String> {
    url.addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn a_url_names_user_host_and_database() {
    let url = parse("postgres://app@db.internal/logins");
    assert_eq!((url.user.as_str(), url.database.as_str(), url.application_name.as_str()), ("app", "logins", "sipgate-oauth2"));
    assert_eq!(shown(&url), ["db.internal:5432"]);
    assert_eq!((url.password, url.tls, url.root_certificate), (None, None, None));
}

#[test]
fn user_password_and_database_are_percent_decoded() {
    let url = parse("postgresql://a%40b:p%2F%3F%23%40%25%C3%A4:x@h:1/d%20b?application_name=my%20app&sslmode=verify-full");
    assert_eq!((url.user.as_str(), url.database.as_str(), url.application_name.as_str()), ("a@b", "d b", "my app"));
    assert_eq!(url.password.as_ref().map(Secret::reveal), Some("p/?#@%ä:x"));
    assert!(!format!("{url:?}").contains("p/?"));
    assert_eq!(url.tls, Some(true));
}

#[test]
fn hosts_are_names_addresses_and_directories_of_sockets() {
    for (url, addresses) in [
        ("postgres://u@a:1,b,c:3/d", &["a:1", "b:5432", "c:3"][..]),
        ("postgres://u@[::1]:9,[2001:db8::1]/d", &["[::1]:9", "[2001:db8::1]:5432"]),
        ("postgres://u@%2Frun%2Fpostgresql/d", &["/run/postgresql/.s.PGSQL.5432"]),
        ("postgres://u@/d?host=/run/postgresql&port=5433", &["/run/postgresql/.s.PGSQL.5433"]),
        ("postgres://u@/d?host=a,b&port=1,2", &["a:1", "b:2"]),
        ("postgres://u@/d?host=a,b&port=7", &["a:7", "b:7"]),
        ("postgres:///d?host=a&user=u&dbname=e", &["a:5432"]),
    ] {
        assert_eq!(shown(&parse(url)), addresses, "{url}");
    }
}

#[test]
fn the_environment_has_what_the_url_lacks() {
    let environment = |name: &str| {
        let value = match name {
            "PGHOST" => "/run/postgresql",
            "PGPORT" => "6543",
            "PGUSER" => "env",
            "PGPASSWORD" => "hunter2",
            "PGDATABASE" => "logins",
            _ => "",
        };
        Some(value.to_owned())
    };
    let url = DatabaseUrl::parse("postgres://", &environment).unwrap();
    assert_eq!((url.user.as_str(), url.database.as_str()), ("env", "logins"));
    assert_eq!((shown(&url), url.password.unwrap().reveal()), (vec!["/run/postgresql/.s.PGSQL.6543".to_owned()], "hunter2"));
    let url = DatabaseUrl::parse("postgres://u:p@h:1/d", &environment).unwrap();
    assert_eq!((url.user.as_str(), url.database.as_str(), url.password.as_ref().map(Secret::reveal)), ("u", "d", Some("p")));
    assert_eq!(shown(&url), ["h:1"]);
    assert_eq!(parse("postgres://u@h").database, "u");
}

#[test]
fn what_is_not_supported_is_an_error_that_names_it() {
    for (url, word) in [
        ("postgres:u@h/d", "incomplete"),
        ("postgres://h/d", "PGUSER"),
        ("postgres://u@/d", "PGHOST"),
        ("postgres://u@h:x/d", "port"),
        ("postgres://u@h:0/d", "port"),
        ("postgres://u@h:65536/d", "port"),
        ("postgres://u@[::1]x/d", "]"),
        ("postgres://u@h,/d", "empty host"),
        ("postgres://u@a%0Ab/d", "characters"),
        ("postgres://u@h/d?host=a,b&port=1,2,3", "ports"),
        ("postgres://u@h/d?sslcert=x", "a parameter other than host"),
        ("postgres://u@h/d?connect_timeout=3", "option timeout"),
        ("postgres://u@h/d?sslmode=disable&sslmode=disable", "twice"),
        ("postgres://u@h/d?target_session_attrs=any", "target_session_attrs"),
        ("postgres://u%zz@h/d", "%25"),
        ("postgres://u%ff@h/d", "UTF-8"),
        ("postgres://u%00@h/d", "NUL"),
    ] {
        let problem = problem(url);
        assert!(problem.starts_with("url: ") && problem.contains(word), "{url}: {problem}");
    }
    assert!(!problem("postgres://u:p@h/d?sslmode=disable&hunter2=x").contains("hunter2"));
    for mode in ["require", "verify-ca", "prefer", "allow", "no"] {
        assert!(problem(&format!("postgres://u@h/d?sslmode={mode}")).contains("sslmode=verify-full, and give ca_certificates"), "{mode}");
    }
    assert_eq!(parse("postgres://u@h/d?target_session_attrs=read-write&sslmode=disable").tls, Some(false));
}

#[test]
fn no_part_of_a_password_that_is_not_encoded_is_shown() {
    for url in
        ["postgres://u:hunter/hunter@h/d", "postgres://u:hunter?hunter=@h/d", "postgres://u:hunter#hunter@h/d", "postgres://u:%hunter@h/d"]
    {
        let problem = problem(url);
        assert!(!problem.contains("hunter") && problem.contains('%'), "{problem}");
    }
}
