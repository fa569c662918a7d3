//! The URLs of route services, and the URLs that they are told to call.

use std::net::Ipv6Addr;

/// Where a route service is, and what is asked there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceUrl {
    /// Whether it is reached over TLS.
    pub(crate) tls: bool,
    /// The host, as it is resolved: without brackets.
    pub(crate) host: Box<str>,
    /// The port.
    pub(crate) port: u16,
    /// The value of `Host`: with the port where the URL has one.
    pub(crate) authority: Box<str>,
    /// The request target: path and query.
    pub(crate) target: Box<str>,
}

impl ServiceUrl {
    /// Reads the URL that a route is registered with; `None` for what is none (D-582). Bytes that
    /// may not stand in a request line are written as escapes.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (scheme, authority, rest) = cut(url)?;
        let tls = scheme.eq_ignore_ascii_case("https");
        // Credentials in a URL are for nobody.
        let authority = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
        let (host, port) = host_and_port(authority)?;
        let path_and_query = rest.split_once('#').map_or(rest, |(it, _)| it);
        let path = path_and_query
            .split_once('?')
            .map_or(path_and_query, |(path, _)| path);
        if !escapes_are_whole(path) || path_and_query.bytes().any(|it| it.is_ascii_control()) {
            return None;
        }
        let mut target = String::with_capacity(path_and_query.len() + 1);
        if path.is_empty() {
            target.push('/');
        }
        for byte in path_and_query.bytes() {
            if byte.is_ascii_graphic() {
                target.push(byte.into());
            } else {
                target.push_str(&format!("%{byte:02X}"));
            }
        }
        Some(Self {
            tls,
            host: host.trim_matches(['[', ']']).into(),
            port: port.unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.into(),
            target: target.into(),
        })
    }

    /// The path without the query.
    pub(crate) fn path(&self) -> &str {
        split_query(&self.target)
    }
}

/// Host, with its port if it has one, and path of a URL that a service was told to call; `None` for
/// what no router of ours has said.
pub(crate) fn split(url: &str) -> Option<(&str, &str)> {
    let (_, authority, rest) = cut(url)?;
    host_and_port(authority)?;
    match split_query(rest) {
        "" => Some((authority, "/")),
        path => Some((authority, path)),
    }
}

/// Scheme, authority and the rest.
fn cut(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let known = ["http", "https"].iter();
    if !known
        .into_iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    Some((scheme, authority, rest))
}

fn split_query(path_and_query: &str) -> &str {
    let end = path_and_query.find(['?', '#']);
    path_and_query
        .get(..end.unwrap_or(path_and_query.len()))
        .unwrap_or_default()
}

/// A name, an IPv4 address, or an IPv6 address in brackets, and a port behind it.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.find(']') {
        Some(end) => end + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|it| it.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|port| *port != 0)?)
        }
        Some(_) => return None,
    };
    let is_host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_good = |it: u8| it.is_ascii_alphanumeric() || b"-._~".contains(&it);
            !host.is_empty() && host.bytes().all(is_good)
        }
    };
    is_host.then_some((host, port))
}

/// Whether two hexadecimal digits follow every percent sign.
fn escapes_are_whole(path: &str) -> bool {
    path.split('%').skip(1).all(|behind| {
        let digits = behind.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_asked_for_what_its_url_says() {
        for (url, tls, host, port, authority, target) in [
            (
                "https://rs.example.com",
                true,
                "rs.example.com",
                443,
                "rs.example.com",
                "/",
            ),
            (
                "https://rs.example.com/mw?x=1#part",
                true,
                "rs.example.com",
                443,
                "rs.example.com",
                "/mw?x=1",
            ),
            ("HTTPS://RS:8443?x", true, "RS", 8443, "RS:8443", "/?x"),
            (
                "http://rs/a b%20c/ä",
                false,
                "rs",
                80,
                "rs",
                "/a%20b%20c/%C3%A4",
            ),
            (
                "https://[2001:db8::1]:1/",
                true,
                "2001:db8::1",
                1,
                "[2001:db8::1]:1",
                "/",
            ),
            ("https://user:hush@rs/x", true, "rs", 443, "rs", "/x"),
            ("https://rs:/x", true, "rs", 443, "rs:", "/x"),
            ("https://rs/x?%zz", true, "rs", 443, "rs", "/x?%zz"),
        ] {
            let expected = ServiceUrl {
                tls,
                host: host.into(),
                port,
                authority: authority.into(),
                target: target.into(),
            };
            assert_eq!(ServiceUrl::parse(url), Some(expected), "{url}");
        }
    }

    /// D-582: what is no URL is none.
    #[test]
    fn what_is_no_url_is_none() {
        for url in [
            "",
            "httpsfoo",
            "https:/rs",
            "https://",
            "https:///x",
            "ftp://rs/",
            "https://bad%20hostname.com",
            "https://a b/",
            "https://rs:x/",
            "https://rs:0/",
            "https://rs:65536/",
            "https://rs:+1/",
            "https://[::1/",
            "https://[zz]/",
            "https://::1/",
            "https://rs/%zz",
            "https://rs/%2",
            "https://rs/\u{7}",
            "https://rs/\r\nx",
        ] {
            assert_eq!(ServiceUrl::parse(url), None, "{url}");
        }
    }

    #[test]
    fn a_signed_url_is_a_host_and_a_path() {
        for (url, expected) in [
            (
                "https://app.example.com/p?q=1",
                Some(("app.example.com", "/p")),
            ),
            ("http://app", Some(("app", "/"))),
            ("http://app?q=/x", Some(("app", "/"))),
            ("https://app:80//a//b", Some(("app:80", "//a//b"))),
            ("https://app/%2f..?", Some(("app", "/%2f.."))),
            ("app.example.com/p", None),
            ("https://evil@app/", None),
            ("https:///p", None),
            ("https://app evil/", None),
        ] {
            assert_eq!(split(url), expected, "{url}");
        }
    }
}
