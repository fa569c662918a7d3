//! Heads between HTTP/2 and what the journey knows: requests as strictly as those of HTTP/1.1, answers without anything
//! of a connection (RFC 9113, section 8.2; ).

use http::header::{CONTENT_LENGTH, COOKIE, EXPECT, HOST};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use pointsman_http1::{
    BodyLength, Fields, InvalidField, Known, KnownSet, Method, Name, Refused, RequestHead,
    RequestLimits, ResponseHead, Version,
};

use crate::downstream::Outgoing;
use crate::http2::fields::{append, to_map};

/// What a field takes as a line beside its name and value: a colon, a blank, and the line's end.
const AROUND: usize = 4;

/// A request that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Understood {
    /// Whether the client waits to be asked for its body (D-537).
    pub(super) expects: bool,
}

/// Fills `head` from a request. `ended`: it has no body.
///
/// # Errors
/// Why a request of HTTP/1.1 made of it would be refused.
pub(super) fn request(
    parts: &Parts,
    ended: bool,
    limits: &RequestLimits,
    head: &mut RequestHead,
) -> Result<Understood, Refused> {
    let filled = fill(parts, ended, limits, head);
    if filled.is_err() {
        head.clear();
    }
    filled
}

fn fill(
    parts: &Parts,
    ended: bool,
    limits: &RequestLimits,
    head: &mut RequestHead,
) -> Result<Understood, Refused> {
    let method = parts.method.as_str().as_bytes();
    let target = target(parts)?;
    let line = method.len() + target.len() + Version::Http2.as_str().len() + 2;
    if line > limits.request_line as usize {
        return Err(Refused::UriTooLong);
    }
    if let Some(scheme) = parts.uri.scheme_str()
        && !matches!(scheme, "http" | "https")
    {
        return Err(Refused::Target);
    }
    head.assign(Version::Http2, method, target, authority(parts)?)?;
    let length = measure(&parts.headers, limits)? + line;
    if length > limits.head as usize {
        return Err(Refused::HeadTooLong);
    }
    let mut expects = false;
    for (name, value) in &parts.headers {
        match *name {
            // It stands in the authority, and crumbs are put together.
            HOST | COOKIE => continue,
            EXPECT if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
                return Err(Refused::Expectation);
            }
            // The router asks by itself (D-537).
            EXPECT => {
                expects = true;
                continue;
            }
            _ => {}
        }
        push(head.fields_mut(), name.as_str(), value.as_bytes())?;
    }
    join_crumbs(&parts.headers, head.fields_mut())?;
    head.set_body(body(parts, ended, head.method())?);
    head.set_wire_len(length);
    Ok(Understood {
        expects: expects && !ended,
    })
}

/// What is asked for. One that was not said at all, or is a fragment and nothing else, is none: where the host does not
/// stand in `:authority`, neither the protocol nor the type that holds it tells that from `/` (RFC 9113, section 8.3.1).
fn target(parts: &Parts) -> Result<&[u8], Refused> {
    const ROOT: PathAndQuery = PathAndQuery::from_static("/");
    match parts.uri.path_and_query() {
        Some(target) if target.as_str() == "/" && *target != ROOT => Err(Refused::Target),
        target => Ok(target.map_or(b"", |target| target.as_str().as_bytes())),
    }
}

/// Whom the request is for: `:authority`, or `Host` in its place. Two that differ are two hosts.
fn authority(parts: &Parts) -> Result<&[u8], Refused> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next().map(HeaderValue::as_bytes);
    if hosts.next().is_some() {
        return Err(Refused::RepeatedHost);
    }
    let authority = parts.uri.authority();
    match (
        authority.map(|authority| authority.as_str().as_bytes()),
        host,
    ) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            Err(Refused::RepeatedHost)
        }
        (Some(authority), _) => Ok(authority),
        (None, Some(host)) => Ok(host),
        (None, None) => Err(Refused::MissingHost),
    }
}

/// Counts and measures fields, each crumb of a cookie as one (L-03, L-04, R-046), and answers what they would take as
/// lines.
fn measure(fields: &HeaderMap, limits: &RequestLimits) -> Result<usize, Refused> {
    if fields.len() > limits.fields as usize {
        return Err(Refused::TooManyFields);
    }
    let mut length = 0;
    for (name, value) in fields {
        if name.as_str().len() > limits.field_name as usize {
            return Err(Refused::FieldNameTooLong);
        }
        if value.len() > limits.field_value as usize {
            return Err(Refused::FieldValueTooLong);
        }
        length += name.as_str().len() + value.len() + AROUND;
    }
    Ok(length)
}

/// The crumbs of a cookie as one field (RFC 9113, section 8.2.3; D-316).
fn join_crumbs(sent: &HeaderMap, fields: &mut Fields) -> Result<(), Refused> {
    let mut crumbs = sent.get_all(COOKIE).iter();
    let (Some(first), second) = (crumbs.next(), crumbs.next()) else {
        return Ok(());
    };
    let Some(second) = second else {
        return push(fields, Known::Cookie, first.as_bytes());
    };
    let mut whole = first.as_bytes().to_vec();
    for crumb in std::iter::once(second).chain(crumbs) {
        whole.extend_from_slice(b"; ");
        whole.extend_from_slice(crumb.as_bytes());
    }
    push(fields, Known::Cookie, &whole)
}

fn push<'n>(fields: &mut Fields, name: impl Into<Name<'n>>, value: &[u8]) -> Result<(), Refused> {
    fields.push(name, value).map_err(|invalid| match invalid {
        InvalidField::Name => Refused::FieldName,
        InvalidField::Value => Refused::ControlByte,
        InvalidField::TooLong => Refused::FieldValueTooLong,
    })
}

/// How long the body is. Its data is compared with that as it comes.
fn body(parts: &Parts, ended: bool, method: Method) -> Result<BodyLength, Refused> {
    let length = match parts.headers.get(CONTENT_LENGTH) {
        Some(length) => {
            let text = length.to_str().unwrap_or_default();
            // A sign is none of its digits.
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let length: Option<u64> = text.parse().ok().filter(|_| digits);
            Some(length.ok_or(Refused::ContentLength)?)
        }
        None => None,
    };
    Ok(match length {
        Some(1..) if ended => return Err(Refused::ContentLength),
        Some(length) if length >= 1 << 63 => return Err(Refused::ContentTooLarge),
        Some(length) => BodyLength::Exact(length),
        // A recipient of HTTP/1.1 may want to be told (RFC 9110, section 8.6).
        None if ended && matches!(method, Method::Post | Method::Put | Method::Patch) => {
            BodyLength::Exact(0)
        }
        None if ended => BodyLength::None,
        None => BodyLength::Chunked,
    })
}

/// The head of an answer, and how its body is sent: with a length, or without.
///
/// # Errors
/// A field that cannot be sent.
pub(super) fn answer(
    method: Method,
    head: &ResponseHead,
    how: &Outgoing<'_>,
) -> Result<(Response<()>, BodyLength), InvalidField> {
    let body = match how.body {
        _ if method == Method::Head || !head.may_have_body() => BodyLength::None,
        BodyLength::None => BodyLength::Exact(0),
        BodyLength::UntilClose => BodyLength::Chunked,
        known => known,
    };
    let mut response = interim(head, how.without)?;
    let fields = response.headers_mut();
    for (name, value) in how.with {
        append(fields, name.as_bytes(), value)?;
    }
    if !head.fields().contains(Known::Date) {
        append(fields, b"date", how.date)?;
    }
    let declared = match body {
        BodyLength::Exact(length) => Some(length),
        BodyLength::None if method == Method::Head && head.may_have_body() => head.content_length(),
        _ => None,
    };
    if let Some(length) = declared {
        fields.append(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok((response, body))
}

/// A head with all of its fields that may be sent, but those in `without`.
///
/// # Errors
/// A field that cannot be sent.
pub(super) fn interim(
    head: &ResponseHead,
    without: KnownSet,
) -> Result<Response<()>, InvalidField> {
    let mut response = Response::new(());
    *response.status_mut() =
        StatusCode::from_u16(head.status()).map_err(|_| InvalidField::Value)?;
    *response.headers_mut() = to_map(head.fields(), without)?;
    Ok(response)
}

#[cfg(test)]
mod tests;
