//! What a route does with its requests and responses: their header fields, and where a request seems to go.
//!
//! Nothing is decoded: a rewritten path is made of bytes that the client sent, so `%2F` stays `%2F` (F-009, F-010). What is
//! cut off is counted in segments, since the route was found without regard to case.

use pointsman_http1::{Fields, InvalidField, RequestHead};
use pointsman_route_key::Path;
use pointsman_routing::{HeaderEdit, PathRewrite, Route, Rules};

use super::Journey;
use super::choose::Chosen;
use super::reason::Reason;

impl Journey<'_, '_> {
    /// Does with the request what its route says, once it is prepared otherwise.
    ///
    /// # Errors
    /// What the route says cannot be written, which is nobody's fault but that of whoever registered it.
    #[inline]
    pub(super) fn filter(&mut self, chosen: &Chosen) -> Result<(), Reason> {
        match chosen.route.rules() {
            None => Ok(()),
            Some(rules) => self.filter_request(&chosen.route, rules),
        }
    }

    #[cold]
    fn filter_request(&mut self, route: &Route, rules: &Rules) -> Result<(), Reason> {
        let head = &mut *self.exchange.request;
        let prepared = &mut self.desk.prepared;
        prepared.idempotent |= rules.repeatable;
        edit(head.fields_mut(), &rules.request).map_err(|_| Reason::Unwritable)?;
        let Some(rewrite) = &rules.rewrite else {
            return Ok(());
        };
        if let Some(host) = &rewrite.host {
            prepared.authority.extend_from_slice(host.as_bytes());
        }
        let target = &mut self.desk.text;
        target.clear();
        let rewritten = write_target(target, head, &route.key().path, &rewrite.path);
        if rewritten && head.set_target(target).is_err() {
            return Err(Reason::Unwritable);
        }
        target.clear();
        Ok(())
    }

    /// Does with the head of the answer what the route says.
    ///
    /// # Errors
    /// There is no room for another field.
    #[inline]
    pub(super) fn filter_response(&mut self, chosen: &Chosen) -> Result<(), InvalidField> {
        match chosen.route.rules() {
            None => Ok(()),
            Some(rules) => edit(self.desk.response.fields_mut(), &rules.response),
        }
    }
}

fn edit(fields: &mut Fields, edits: &[HeaderEdit]) -> Result<(), InvalidField> {
    for edit in edits {
        match edit {
            HeaderEdit::Remove(name) => {
                fields.remove(&**name);
            }
            HeaderEdit::Set(name, value) => fields.set(&**name, value)?,
            HeaderEdit::Add(name, value) => fields.push(&**name, value)?,
        }
    }
    Ok(())
}

/// Writes the target that takes the place of the client's; `false` where that one stays.
fn write_target(
    out: &mut Vec<u8>,
    head: &RequestHead,
    route: &Path,
    rewrite: &PathRewrite,
) -> bool {
    let path = head.path();
    match rewrite {
        PathRewrite::Keep => return false,
        PathRewrite::Full(full) => out.extend_from_slice(full.as_bytes()),
        PathRewrite::Prefix(prefix) => {
            let (Path::Prefix(own) | Path::Exact(own) | Path::Template(own)) = route;
            let rest = below(path, own);
            out.extend_from_slice(prefix.as_bytes());
            if out.is_empty() && rest.is_empty() {
                out.push(b'/');
            }
            push_visible(out, rest);
        }
    }
    if let Some(query) = head.query() {
        out.push(b'?');
        push_visible(out, query);
    }
    true
}

/// What is left of a path behind as many segments as the path of the route has; from a slash on, or nothing.
fn below<'p>(path: &'p [u8], route: &str) -> &'p [u8] {
    let segments = route.bytes().filter(|byte| *byte == b'/').count();
    let mut slashes = memchr::memchr_iter(b'/', path);
    let start = slashes.nth(segments).unwrap_or(path.len());
    path.get(start..).unwrap_or_default()
}

/// Appends bytes as a target may hold them: those that are not ASCII, which only lenient parsing lets in, are escaped.
fn push_visible(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_graphic() {
            out.push(byte);
        } else {
            let digit = |at: u8| DIGITS.get(usize::from(at)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_http1::{Method, Version};
    use pointsman_route_key::RouteKey;

    /// The target of a request below a route.
    fn rewritten(route: &str, target: &str, rewrite: &PathRewrite) -> String {
        let mut head = RequestHead::new();
        let method = if target == "*" { "OPTIONS" } else { "GET" };
        head.assign(Version::Http11, method.as_bytes(), target.as_bytes(), b"a")
            .expect("a request");
        assert!(matches!(head.method(), Method::Get | Method::Options));
        let key = RouteKey::from_uri(&format!("a{route}")).expect("a route");
        let mut out = Vec::new();
        if !write_target(&mut out, &head, &key.path, rewrite) {
            return target.to_owned();
        }
        String::from_utf8(out).expect("a target is ASCII")
    }

    /// F-001: what stands behind service and version is forwarded
    /// F-002: of a path that ends with the version, a slash
    /// F-003: a slash at the end survives
    /// F-009: an escaped slash stays escaped
    /// F-010: an escaped blank stays escaped
    /// F-011: the query is not touched
    #[test]
    fn a_prefix_is_cut_off_by_segments_and_nothing_else_changes() {
        for (target, forwarded) in [
            ("/svc/v1/x", "/x"),
            ("/svc/v1", "/"),
            ("/svc/v1/", "/"),
            ("/svc/v1//", "//"),
            ("/svc/v1/x/y/", "/x/y/"),
            ("/SVC/V1/X", "/X"),
            ("/svc/v1/a%2Fb", "/a%2Fb"),
            ("/svc/v1/a%2fb%20c", "/a%2fb%20c"),
            ("/svc/v1/./../x", "/./../x"),
            ("/svc/v1/x?a=/svc/v1/&b=%2F", "/x?a=/svc/v1/&b=%2F"),
            ("/svc/v1?a=b", "/?a=b"),
            ("/svc/v1?", "/?"),
        ] {
            let strip = PathRewrite::Prefix("".into());
            assert_eq!(rewritten("/svc/v1", target, &strip), forwarded, "{target}");
        }
    }

    #[test]
    fn a_prefix_is_replaced_by_another_and_a_path_by_one() {
        let prefix = PathRewrite::Prefix("/v2/api".into());
        for (route, target, forwarded) in [
            ("/api", "/api", "/v2/api"),
            ("/api", "/api/", "/v2/api/"),
            ("/api", "/api/x?y", "/v2/api/x?y"),
            ("", "/x", "/v2/api/x"),
            ("", "/", "/v2/api/"),
        ] {
            assert_eq!(rewritten(route, target, &prefix), forwarded, "{target}");
        }
        let full = PathRewrite::Full("/only/this".into());
        assert_eq!(rewritten("/api", "/api/x?y=1", &full), "/only/this?y=1");
        assert_eq!(rewritten("/api", "/api/x", &PathRewrite::Keep), "/api/x");
    }

    #[test]
    fn what_no_target_may_hold_is_escaped() {
        let mut out = Vec::new();
        push_visible(&mut out, "a/\u{fc} %41".as_bytes());
        assert_eq!(out, b"a/%C3%BC%20%41");
    }

    #[test]
    fn fields_are_changed_in_order() {
        let mut fields = Fields::new();
        for (name, value) in [("X-A", "1"), ("X-B", "2"), ("x-a", "3")] {
            fields.push(name, value.as_bytes()).expect("a field");
        }
        let edits = [
            HeaderEdit::Add("X-A".into(), b"4".as_slice().into()),
            HeaderEdit::Set("X-B".into(), b"5".as_slice().into()),
            HeaderEdit::Remove("X-A".into()),
            HeaderEdit::Add("X-A".into(), b"6".as_slice().into()),
            HeaderEdit::Add("X-B".into(), b"7".as_slice().into()),
        ];
        edit(&mut fields, &edits).expect("there is room");
        let lines: Vec<_> = fields
            .iter()
            .map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec()))
            .collect();
        let wanted = [("X-B", "5"), ("X-A", "6"), ("X-B", "7")];
        assert_eq!(
            lines,
            wanted.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        );
    }
}
