//! Which proxy, if any, a request goes through. The environment variables are read as curl and
//! Python's requests read them.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::sync::OnceLock;

use protocol::error::{Error, Result};
use protocol::oauth::uri;
use url::{Host, Url};

/// The proxy to use.
#[derive(Clone, PartialEq)]
pub(crate) enum Proxy {
    /// As `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say at the first request.
    Environment,
    Direct,
    Set(ureq::Proxy),
}

impl Proxy {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text == "direct" {
            return Ok(Self::Direct);
        }
        let schemes = ["http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://"];
        let proxy = usable(text).filter(|_| schemes.iter().any(|scheme| text.starts_with(scheme)));
        proxy.map(Self::Set).ok_or_else(|| {
            Error::invalid_argument("proxy", "is not a proxy URL; give http://host:port, socks5://host:port, or direct for none")
        })
    }

    /// The proxy for a server, if there is one: a server on this machine has none, as a proxy could
    /// not reach it. The error names the variable that cannot be used.
    pub(super) fn on_the_way_to(&self, url: &Url, environment: &OnceLock<Environment>) -> Result<Option<ureq::Proxy>, String> {
        match self {
            _ if uri::is_loopback(url) => Ok(None),
            Self::Direct => Ok(None),
            Self::Set(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => match environment.get() {
                Some(known) => known.proxy_for(url),
                None => {
                    let read = Environment::read(|name| env::var_os(name));
                    // The variable may have been corrected when the next request is made.
                    if read.proxy.is_ok() { environment.get_or_init(|| read).proxy_for(url) } else { read.proxy_for(url) }
                }
            },
        }
    }
}

/// A proxy's URL can contain a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::Set(_) => "Set([redacted])",
        })
    }
}

/// What the environment says about https. `HTTP_PROXY` is for http, which is used on this machine
/// only; in a CGI program it is a header that any visitor can send.
pub(super) struct Environment {
    proxy: Result<Option<ureq::Proxy>, String>,
    exceptions: Vec<Exception>,
}

impl Environment {
    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        // The lower-case name precedes the other. Empty means unset: container tools cannot unset.
        let either = |names: [&'static str; 2]| {
            let (name, value) = names.into_iter().find_map(|name| Some((name, variable(name)?)))?;
            Some((name, value.to_string_lossy().trim().to_owned())).filter(|(_, value)| !value.is_empty())
        };
        let proxy = either(["https_proxy", "HTTPS_PROXY"]).or_else(|| either(["all_proxy", "ALL_PROXY"]));
        let exceptions = either(["no_proxy", "NO_PROXY"]).map_or_else(String::new, |(_, value)| value);
        Self {
            proxy: proxy.map(|(name, value)| usable(&value).ok_or_else(|| unusable(name))).transpose(),
            exceptions: exceptions.split([',', ' ', '\t', '\n', '\r']).filter_map(Exception::parse).collect(),
        }
    }

    fn proxy_for(&self, url: &Url) -> Result<Option<ureq::Proxy>, String> {
        if self.exceptions.iter().any(|exception| exception.covers(url)) { Ok(None) } else { self.proxy.clone() }
    }
}

fn unusable(name: &str) -> String {
    format!(
        "{name}: is not a proxy URL; set it to http://host:port or socks5://host:port, with name and password percent-encoded, or unset it"
    )
}

/// ureq reads a port that it does not understand as no port.
fn usable(text: &str) -> Option<ureq::Proxy> {
    let proxy = ureq::Proxy::new(text).ok()?;
    let place = proxy.uri().authority()?.as_str().rsplit('@').next()?;
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => place.find(':').map_or((place, ""), |colon| place.split_at(colon)),
    };
    let sound = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    (sound && !host.is_empty()).then_some(proxy)
}

/// One entry of `NO_PROXY`.
enum Exception {
    Everything,
    /// A host name, a domain with everything in it, or an address. With a port, only that port.
    Host(Host<String>, Option<u16>),
    /// Addresses with the same first bits as this one, and how many.
    Range(IpAddr, u8),
}

impl Exception {
    /// An entry that is none of these matches nothing.
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::Everything);
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return Some(Self::Range(address, bits));
        }
        if let Ok(address) = entry.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Self::Host(host_of(address), None));
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let host = host.strip_prefix('*').unwrap_or(host).trim_start_matches('.').trim_end_matches('.');
        Some(Self::Host(Host::parse(host).ok()?, port))
    }

    fn covers(&self, url: &Url) -> bool {
        let Some(asked) = url.host() else { return false };
        match self {
            Self::Everything => true,
            Self::Host(_, Some(port)) if url.port_or_known_default() != Some(*port) => false,
            Self::Host(Host::Domain(domain), _) => matches!(asked, Host::Domain(name) if is_within(name, domain)),
            Self::Host(host, _) => address_of(&asked).is_some_and(|address| *host == host_of(address)),
            Self::Range(first, bits) => address_of(&asked).is_some_and(|address| shares(address, *first, *bits)),
        }
    }
}

fn is_within(name: &str, domain: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn address_of(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some(IpAddr::from(*address).to_canonical()),
    }
}

fn host_of(address: IpAddr) -> Host<String> {
    match address.to_canonical() {
        IpAddr::V4(address) => Host::Ipv4(address),
        IpAddr::V6(address) => Host::Ipv6(address),
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn shares(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let differing = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => u128::from(one.to_bits() ^ other.to_bits()),
        (IpAddr::V6(one), IpAddr::V6(other)) => one.to_bits() ^ other.to_bits(),
        _ => return false,
    };
    differing.checked_shr(u32::from(width(one) - bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host of the proxy that these variables give for a URL.
    fn way(variables: &[(&str, &str)], url: &str) -> Result<Option<String>, String> {
        let read = Environment::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()));
        read.proxy_for(&Url::parse(url).unwrap()).map(|proxy| proxy.map(|proxy| proxy.host().to_owned()))
    }

    fn is_direct(no_proxy: &str, url: &str) -> bool {
        way(&[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", no_proxy)], url).unwrap().is_none()
    }

    #[test]
    fn a_proxy_is_a_url_or_direct() {
        assert!(matches!(Proxy::parse("direct"), Ok(Proxy::Direct)));
        for good in ["http://proxy.example:8080", "http://user:pa%24s@proxy.example", "socks5://127.0.0.1", "http://[::1]:3128"] {
            assert!(matches!(Proxy::parse(good), Ok(Proxy::Set(_))), "{good}");
        }
        for bad in
            ["", "proxy.example", "ftp://proxy.example", "http://", "http:// x", "http://:80", "http://a:99999", "http://a:0", "http://a:b"]
        {
            let error = Proxy::parse(bad).unwrap_err();
            assert!(error.to_string().starts_with("proxy: "), "{bad}");
        }
    }

    #[test]
    fn a_proxys_password_does_not_show() {
        let text = format!("{:?}", Proxy::parse("http://user:canary@proxy.example").unwrap());
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn the_variable_for_https_comes_before_the_one_for_all_and_the_one_for_http_does_not_count() {
        let url = "https://login.example.test/token";
        let host = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!(way(&[], url), Ok(None));
        assert_eq!(way(&[("HTTPS_PROXY", "http://a:1"), ("ALL_PROXY", "http://b:1")], url), host("a"));
        assert_eq!(way(&[("https_proxy", "http://a:1"), ("HTTPS_PROXY", "http://b:1")], url), host("a"));
        assert_eq!(way(&[("HTTPS_PROXY", "http://a:1"), ("all_proxy", "http://b:1")], url), host("a"));
        assert_eq!(way(&[("ALL_PROXY", "socks5h://b:1")], url), host("b"));
        assert_eq!(way(&[("HTTPS_PROXY", ""), ("ALL_PROXY", " b:1\n")], url), host("b"));
        assert_eq!(way(&[("https_proxy", ""), ("HTTPS_PROXY", "http://a:1")], url), Ok(None));
        for name in ["HTTP_PROXY", "http_proxy"] {
            assert_eq!(way(&[(name, "http://a:1")], url), Ok(None), "{name}");
        }
    }

    #[test]
    fn a_variable_that_is_no_proxy_is_named_and_its_value_is_not() {
        for value in ["canary host:99", "ftp://canary", "http://canary:99999", "http://", ":8080", "canary://a"] {
            for name in ["https_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
                let problem = way(&[(name, value)], "https://login.example.test/").unwrap_err();
                assert!(problem.starts_with(&format!("{name}: ")) && !problem.contains("can"), "{value}: {problem}");
            }
        }
        assert!(is_direct("example.test", "https://login.example.test/"));
        assert_eq!(way(&[("HTTPS_PROXY", "a b"), ("NO_PROXY", "example.test")], "https://login.example.test/"), Ok(None));
    }

    #[test]
    fn no_proxy_names_hosts_domains_ports_addresses_and_ranges() {
        for (no_proxy, url) in [
            ("*", "https://login.example.test/"),
            ("example.test", "https://login.example.test/"),
            ("example.test", "https://example.test/"),
            ("EXAMPLE.test", "https://Login.Example.TEST/"),
            (".example.test", "https://login.example.test/"),
            (".example.test", "https://example.test/"),
            ("*.example.test", "https://login.example.test/"),
            ("example.test.", "https://login.example.test/"),
            ("example.test", "https://login.example.test./"),
            ("localhost, login.example.test", "https://login.example.test/"),
            ("localhost login.example.test", "https://login.example.test/"),
            ("a,,b, ,\tlogin.example.test\n", "https://login.example.test/"),
            ("a,*", "https://login.example.test/"),
            ("login.example.test:443", "https://login.example.test/"),
            ("example.test:8443", "https://login.example.test:8443/"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
            ("192.0.2.7", "https://192.0.2.7/"),
            ("192.0.2.7:8443", "https://192.0.2.7:8443/"),
            ("192.0.2.0/24", "https://192.0.2.200:8443/"),
            ("192.0.2.7/32", "https://192.0.2.7/"),
            ("0.0.0.0/0", "https://192.0.2.7/"),
            ("2001:db8::7", "https://[2001:db8::7]/"),
            ("[2001:db8::7]", "https://[2001:db8::7]/"),
            ("[2001:db8::7]:443", "https://[2001:db8::7]/"),
            ("2001:db8::/32", "https://[2001:db8:1::7]/"),
            ("::/0", "https://[2001:db8::7]/"),
        ] {
            assert!(is_direct(no_proxy, url), "{no_proxy:?} and {url}");
        }
        for (no_proxy, url) in [
            ("", "https://login.example.test/"),
            (" , ", "https://login.example.test/"),
            (".", "https://login.example.test/"),
            ("login", "https://login.example.test/"),
            ("ample.test", "https://example.test/"),
            ("login.example.test", "https://example.test/"),
            ("example.test:8443", "https://login.example.test/"),
            ("example.test:x", "https://login.example.test/"),
            ("192.0.2.7", "https://192.0.2.70/"),
            ("192.0.2.0/24", "https://192.0.3.1/"),
            ("192.0.2.0/33", "https://192.0.2.1/"),
            ("192.0.2.0/x", "https://192.0.2.1/"),
            ("192.0.2.0/24", "https://192.0.2.1.example/"),
            ("2001:db8::/32", "https://[2001:db9::1]/"),
            ("0.0.0.0/0", "https://[2001:db9::1]/"),
        ] {
            assert!(!is_direct(no_proxy, url), "{no_proxy:?} and {url}");
        }
        let spelled = |no_proxy: &[(&str, &str)]| way(&[&[("HTTPS_PROXY", "http://a:1")], no_proxy].concat(), "https://x.test/").unwrap();
        assert!(spelled(&[("no_proxy", "x.test")]).is_none());
        assert!(spelled(&[("no_proxy", "y.test"), ("NO_PROXY", "x.test")]).is_some());
    }
}
