//! What is asked.

use axum::http::{HeaderName, Method};
use pointsman_route_key::{lowercase, strip_port};

/// The longest URL that is asked about, in bytes.
const MAX_URL: usize = 8 * 1024;

/// Header fields of one request.
const MAX_HEADERS: usize = 64;

/// A request that nobody sends.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) url: String,
    pub(super) method: Method,
    /// In the normal form.
    pub(super) host: String,
    /// In the normal form: empty for the root.
    pub(super) path: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// Data planes are asked as well.
    pub(super) replicas: bool,
}

impl Asked {
    /// Reads the query: `url`, and where the client says so `method`, `header` as often as it likes, and `replicas`.
    pub(super) fn read(pairs: Vec<(String, String)>) -> Result<Self, String> {
        let (mut url, mut method, mut replicas) = (None, Method::GET, true);
        let mut headers = Vec::new();
        for (name, value) in pairs {
            match name.as_str() {
                "url" if url.is_some() => return Err("url stands there twice".to_owned()),
                "url" => url = Some(value),
                "method" => {
                    method = value
                        .parse()
                        .map_err(|_| format!("method is `{value}`; expected one as GET"))?;
                }
                "header" if headers.len() < MAX_HEADERS => headers.push(header(&value)?),
                "header" => return Err(format!("there are more than {MAX_HEADERS} headers")),
                "replicas" => {
                    replicas = value
                        .parse()
                        .map_err(|_| format!("replicas is `{value}`; expected true or false"))?;
                }
                _ => {
                    return Err(format!(
                        "`{name}` is not known; known are url, method, header and replicas"
                    ));
                }
            }
        }
        let url = url.ok_or("url is missing; expected url=URL")?;
        let (host, path) = normal(&url)?;
        Ok(Self {
            url,
            method,
            host,
            path,
            headers,
            replicas,
        })
    }

    /// The value of a header field.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

fn header(field: &str) -> Result<(String, String), String> {
    let wrong = || format!("header is `{field}`; expected NAME:VALUE");
    let (name, value) = field.split_once(':').ok_or_else(wrong)?;
    let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
    Ok((name.as_str().to_owned(), value.trim().to_owned()))
}

/// Host and path as the table is keyed. The scheme may be left out, and does not count.
fn normal(url: &str) -> Result<(String, String), String> {
    if url.len() > MAX_URL {
        return Err(format!("url is longer than {MAX_URL} bytes"));
    }
    // The query comes first: there may be a URL in it.
    let rest = url.split_once(['?', '#']).map_or(url, |(rest, _)| rest);
    let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest);
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if host.contains('@') {
        return Err(
            "url has user information before its host, which a request does not have; leave it out"
                .to_owned(),
        );
    }
    let host = strip_port(host);
    if host.is_empty() {
        return Err(format!("url is `{url}`, which names no host"));
    }
    // Two closing slashes do not count: one goes when a key is made, one when it is filed.
    let path = path.strip_suffix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    Ok((lowercase(host).into_owned(), lowercase(path).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Result<Asked, String> {
        let pairs = query.iter();
        Asked::read(
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn urls_are_brought_into_the_form_of_keys() {
        for (url, host, path) in [
            (
                "https://App.Example.com:443/A/b/?x=1",
                "app.example.com",
                "/a/b",
            ),
            ("app.example.com", "app.example.com", ""),
            ("http://app.example.com//", "app.example.com", ""),
            ("http://app.example.com/#top", "app.example.com", ""),
            (
                "app.example.com/x?next=http://b.example.com/",
                "app.example.com",
                "/x",
            ),
            ("http://[::1]:80/a//", "[::1]", "/a"),
        ] {
            let asked = read(&[("url", url)]).unwrap();
            assert_eq!((&*asked.host, &*asked.path), (host, path), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_by_name() {
        let long = "x".repeat(MAX_URL + 1);
        for (query, told) in [
            (&[][..], "url is missing"),
            (&[("url", "http:///x")], "names no host"),
            (&[("url", "http://me:secret@a/x")], "user information"),
            (&[("url", "a"), ("url", "b")], "url stands there twice"),
            (&[("url", long.as_str())], "longer than 8192 bytes"),
            (&[("url", "a"), ("method", "a b")], "method is `a b`"),
            (&[("url", "a"), ("header", "a")], "expected NAME:VALUE"),
            (&[("url", "a"), ("header", "a b:c")], "expected NAME:VALUE"),
            (&[("url", "a"), ("replicas", "few")], "true or false"),
            (
                &[("uri", "a")],
                "known are url, method, header and replicas",
            ),
        ] {
            let refused = read(query).unwrap_err();
            assert!(refused.contains(told), "{refused}");
        }
        let asked = read(&[("url", "a"), ("header", "X-Key: v"), ("method", "PUT")]).unwrap();
        assert_eq!(
            (asked.header("x-key"), &asked.method),
            (Some("v"), &Method::PUT)
        );
    }
}
