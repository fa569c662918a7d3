//! The request as an endpoint gets it over HTTP/2 (RFC 9113, section 8.3.1).

use std::borrow::Cow;

use http::header::CONTENT_LENGTH;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri, Version};
use pointsman_http1::{BodyLength, InvalidField, RequestHead};

use super::{Addressed, Prepared, Said};
use crate::http2::fields;

impl Prepared {
    /// The head for one endpoint: what [`Prepared::write`] writes, said as HTTP/2 says it.
    ///
    /// # Errors
    /// A registered value that cannot stand in a field, or a host that cannot stand in `:authority`.
    pub(in crate::proxy) fn http2(
        &self,
        head: &RequestHead,
        to: &Addressed<'_>,
    ) -> Result<Request<()>, InvalidField> {
        let mut headers = fields::to_map(head.fields(), self.without)?;
        let mut with = Said::new();
        self.say(to, &mut with);
        for (name, value) in with {
            fields::append(&mut headers, name.as_bytes(), value)?;
        }
        if let BodyLength::Exact(length) = head.body() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let authority = self.other_authority().unwrap_or_else(|| head.authority());
        let mut request = Request::new(());
        *request.method_mut() =
            Method::from_bytes(head.method_bytes()).map_err(|_| InvalidField::Value)?;
        *request.uri_mut() = uri(authority, target(head))?;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// The path with its query.
fn target(head: &RequestHead) -> &[u8] {
    match head.target() {
        origin @ [b'/', ..] => origin,
        _ => head.path_and_query(),
    }
}

fn uri(authority: &[u8], target: &[u8]) -> Result<Uri, InvalidField> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(Authority::try_from(authority).map_err(|_| InvalidField::Value)?);
    let path = PathAndQuery::try_from(&*escaped(target));
    parts.path_and_query = Some(path.map_err(|_| InvalidField::Value)?);
    Uri::from_parts(parts).map_err(|_| InvalidField::Value)
}

/// The target with a path, and with escapes for what may not stand in one (RFC 3986, section 3.3): over HTTP/1.1
/// endpoints are told it as the client said it.
fn escaped(target: &[u8]) -> Cow<'_, [u8]> {
    let is_whole = target.first() == Some(&b'/') && target.iter().all(|&byte| may_stand(byte));
    if is_whole {
        return Cow::Borrowed(target);
    }
    let mut escaped = Vec::with_capacity(target.len() + 16);
    if target.first() != Some(&b'/') {
        escaped.push(b'/');
    }
    for &byte in target {
        if may_stand(byte) {
            escaped.push(byte);
        } else {
            escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    Cow::Owned(escaped)
}

/// Whether a byte may stand in a path or a query as it is. Escapes have been checked with the request line; brackets and
/// the like are no part of the grammar, and common.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]|".contains(&byte)
}

#[cfg(test)]
mod tests {
    use pointsman_http1::{RequestLimits, RequestParser};

    use super::*;

    #[test]
    fn targets_are_paths_without_what_may_not_stand_in_them() {
        for (line, expected) in [
            ("GET / HTTP/1.1", "/"),
            ("GET /a?b=[1]|%20 HTTP/1.1", "/a?b=[1]|%20"),
            (
                "GET /a\"{b}<c>`^\\?d=\"e HTTP/1.1",
                "/a%22%7Bb%7D%3Cc%3E%60%5E%5C?d=%22e",
            ),
            ("GET //a//b?c?d HTTP/1.1", "//a//b?c?d"),
            ("GET http://app.test/a?b HTTP/1.1", "/a?b"),
            ("GET http://app.test HTTP/1.1", "/"),
            ("GET http://app.test?b HTTP/1.1", "/?b"),
        ] {
            let text = format!("{line}\r\nHost: app.test:81\r\n\r\n");
            let mut head = RequestHead::new();
            let parsed =
                RequestParser::new(RequestLimits::DEFAULT).parse(text.as_bytes(), &mut head);
            assert_eq!(parsed, Ok(Some(text.len())), "{line}");
            let uri = uri(b"app.test:81", target(&head)).expect("a target");
            assert_eq!(
                uri,
                format!("https://app.test:81{expected}").as_str(),
                "{line}"
            );
        }
    }

    #[test]
    fn nothing_of_a_target_is_taken_for_a_fragment() {
        assert_eq!(*escaped(b"/a#b?c"), *b"/a%23b?c");
        assert_eq!(*escaped("/é".as_bytes()), *b"/%C3%A9");
    }

    #[test]
    fn a_host_that_is_none_is_told() {
        assert!(uri(b"a b", b"/").is_err());
        assert!(uri(b"", b"/").is_err());
    }
}
