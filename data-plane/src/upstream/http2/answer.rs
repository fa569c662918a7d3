//! Heads of answers that come over HTTP/2: as strict as those of HTTP/1.1, and in the same form.

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, response};
use pointsman_http1::{BodyLength, Malformed, Method, ResponseHead, ResponseLimits};

use crate::http2::fields;

/// Fills `head`. `ends` says whether nothing follows it.
///
/// # Errors
/// Why it is no answer; `head` is not to be used then.
pub(super) fn read(
    parts: &response::Parts,
    (method, ends): (Method, bool),
    limits: &ResponseLimits,
    head: &mut ResponseHead,
) -> Result<(), Malformed> {
    let status = parts.status.as_u16();
    if !(100..600).contains(&status) {
        return Err(Malformed::Status);
    }
    if parts.headers.len() > limits.fields as usize {
        return Err(Malformed::TooManyFields);
    }
    head.reset(status);
    let length = fields::read(&parts.headers, head.fields_mut());
    if length.map_err(|_| Malformed::ControlByte)? > limits.head as usize {
        return Err(Malformed::HeadTooLong);
    }
    let body = match content_length(&parts.headers)? {
        Some(length) => BodyLength::Exact(length),
        None if ends && method != Method::Head => BodyLength::Exact(0),
        None => BodyLength::Chunked,
    };
    head.set_body(body);
    Ok(())
}

/// What the head says of the length of its body: once, or several times the same.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, Malformed> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        let value = value.as_bytes();
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return Err(Malformed::ContentLength);
        }
        let text = std::str::from_utf8(value).map_err(|_| Malformed::ContentLength)?;
        let said = text
            .parse::<u64>()
            .ok()
            .filter(|said| *said < 1 << 63)
            .ok_or(Malformed::ContentLength)?;
        if length.is_some_and(|before| before != said) {
            return Err(Malformed::ConflictingContentLength);
        }
        length = Some(said);
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn understand(
        status: u16,
        fields: &[(&str, &str)],
        end: (Method, bool),
    ) -> Result<ResponseHead, Malformed> {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        let (parts, ()) = response.body(()).expect("a response").into_parts();
        let limits = ResponseLimits {
            head: 64,
            fields: 2,
            interim: 8,
        };
        let mut head = ResponseHead::new();
        read(&parts, end, &limits, &mut head).map(|()| head)
    }

    fn body(status: u16, fields: &[(&str, &str)], end: (Method, bool)) -> BodyLength {
        let head = understand(status, fields, end).expect("an answer");
        head.body(end.0)
    }

    #[test]
    fn the_length_of_a_body_is_what_was_said_or_what_is_known() {
        use BodyLength::{Chunked, Exact, None};

        let said = [("content-length", "5")];
        assert_eq!(body(200, &said, (Method::Get, false)), Exact(5));
        assert_eq!(body(200, &[], (Method::Get, false)), Chunked);
        assert_eq!(body(200, &[], (Method::Get, true)), Exact(0));
        assert_eq!(body(200, &said, (Method::Head, true)), None);
        assert_eq!(body(304, &said, (Method::Get, true)), None);
        let head = understand(200, &said, (Method::Head, true)).expect("an answer");
        assert_eq!(head.content_length(), Some(5));
        let head = understand(200, &[], (Method::Head, true)).expect("an answer");
        assert_eq!(head.content_length(), Option::None);
    }

    /// a status beyond 599 is none.
    #[test]
    fn what_is_no_answer_is_told() {
        let long = "0123456789012345678901234567890123456789012345678901234567890123";
        for (status, fields, expected) in [
            (600, &[][..], Malformed::Status),
            (999, &[], Malformed::Status),
            (
                200,
                &[("a", ""), ("b", ""), ("c", "")],
                Malformed::TooManyFields,
            ),
            (200, &[("a", long)], Malformed::HeadTooLong),
            (200, &[("content-length", "+5")], Malformed::ContentLength),
            (200, &[("content-length", "")], Malformed::ContentLength),
            (
                200,
                &[("content-length", "9223372036854775808")],
                Malformed::ContentLength,
            ),
            (
                200,
                &[("content-length", "5"), ("content-length", "6")],
                Malformed::ConflictingContentLength,
            ),
        ] {
            let found = understand(status, fields, (Method::Get, false));
            assert_eq!(found.err(), Some(expected), "{status} {fields:?}");
        }
    }
}
