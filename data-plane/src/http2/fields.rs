//! Fields between the lists that the journey knows and the maps that the `h2` crate takes and gives.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use pointsman_http1::{BadBody, BodyLimits, Fields, InvalidField, Known, KnownSet, may_be_trailer};

/// What no message over HTTP/2 has: the fields of a connection (RFC 9113, section 8.2.2), the host, which stands before
/// them, and lengths, which are written from what is known.
const NEVER_SENT: KnownSet =
    KnownSet::HOP_BY_HOP.union(KnownSet::of(&[Known::ContentLength, Known::Host]));

/// What a field takes as a line beside its name and value: a colon, a blank, and the line's end.
const AROUND: usize = 4;

/// Fields as they are sent, but those in `without`.
///
/// # Errors
/// One cannot be.
pub(crate) fn to_map(sent: &Fields, without: KnownSet) -> Result<HeaderMap, InvalidField> {
    let without = without.union(NEVER_SENT);
    let mut map = HeaderMap::with_capacity(sent.len() + 12);
    for field in sent.iter() {
        if !without.contains(field.name.known()) {
            append(&mut map, field.name.as_bytes(), field.value)?;
        }
    }
    Ok(map)
}

/// Appends one field, whatever it is.
///
/// # Errors
/// It cannot be sent; the map is as before.
pub(crate) fn append(map: &mut HeaderMap, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
    let name = HeaderName::from_bytes(name).map_err(|_| InvalidField::Name)?;
    let value = HeaderValue::from_bytes(value).map_err(|_| InvalidField::Value)?;
    let appended = map.try_append(name, value);
    appended.map(drop).map_err(|_| InvalidField::TooLong)
}

/// Appends the fields of `map` to a list, without blanks around their values, and answers how many bytes they would
/// take as lines.
///
/// # Errors
/// A field that no list may hold; the list has those before it.
pub(crate) fn read(map: &HeaderMap, fields: &mut Fields) -> Result<usize, InvalidField> {
    let mut length = 0;
    for (name, value) in map {
        let (name, value) = (name.as_str(), value.as_bytes().trim_ascii());
        fields.push(name, value)?;
        length += name.len() + value.len() + AROUND;
    }
    Ok(length)
}

/// Takes over trailers, without those that may not pass.
///
/// # Errors
/// There are too many, or one is no field (L-13).
pub(crate) fn trailers(
    sent: &HeaderMap,
    limits: &BodyLimits,
    fields: &mut Fields,
) -> Result<(), BadBody> {
    fields.clear();
    if sent.len() > limits.trailer_fields as usize {
        return Err(BadBody::TrailersTooLong);
    }
    let length = read(sent, fields).map_err(|_| BadBody::TrailerField)?;
    if length > limits.trailer as usize {
        return Err(BadBody::TrailersTooLong);
    }
    fields.retain(may_be_trailer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(fields: &[(&str, &str)]) -> Fields {
        let mut list = Fields::new();
        for (name, value) in fields {
            list.push(*name, value.as_bytes()).expect("a field");
        }
        list
    }

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            append(&mut map, name.as_bytes(), value.as_bytes()).expect("a field");
        }
        map
    }

    #[test]
    fn fields_of_a_connection_stay_behind() {
        let fields = list(&[
            ("Host", "app.test"),
            ("Connection", "keep-alive"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "close"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "5"),
            ("Upgrade", "h2c"),
            ("X-Mine", "1"),
            ("X-Ours", "2"),
            ("Cookie", "a=1"),
            ("x-mine", "3"),
        ]);
        let found = to_map(&fields, KnownSet::of(&[Known::Cookie])).expect("fields");
        assert_eq!(
            found,
            map(&[("x-mine", "1"), ("x-ours", "2"), ("x-mine", "3")])
        );
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        let mut found = HeaderMap::new();
        for (name, value) in [
            ("", "1"),
            ("a b", "1"),
            ("X-Mine", "a\nb"),
            ("X-Mine", "\0"),
        ] {
            assert!(append(&mut found, name.as_bytes(), value.as_bytes()).is_err());
        }
        assert!(found.is_empty());
    }

    #[test]
    fn values_are_read_without_the_blanks_around_them() {
        let mut fields = Fields::new();
        let given = map(&[("X-Mine", " 1 "), ("x-other", "\u{e9}"), ("x-mine", "")]);
        let length = read(&given, &mut fields).expect("fields");
        assert_eq!(
            fields,
            list(&[("x-mine", "1"), ("x-mine", ""), ("x-other", "\u{e9}")])
        );
        assert_eq!(length, 6 + 1 + 4 + 6 + 4 + 7 + 2 + 4);
    }

    /// what decides about a message or its way is no trailer.
    #[test]
    fn trailers_are_bounded_and_harmless() {
        let mut fields = list(&[("x-before", "1")]);
        let limits = BodyLimits {
            trailer: 60,
            trailer_fields: 3,
            ..BodyLimits::REQUEST
        };
        let given = map(&[
            ("grpc-status", "0"),
            ("x-forwarded-for", "a"),
            ("host", "b"),
        ]);
        assert_eq!(trailers(&given, &limits, &mut fields), Ok(()));
        assert_eq!(fields, list(&[("grpc-status", "0")]));
        let many = map(&[("a", ""), ("b", ""), ("c", ""), ("d", "")]);
        let long = map(&[(
            "a",
            "0123456789012345678901234567890123456789012345678901234567",
        )]);
        for given in [many, long] {
            let bad = trailers(&given, &limits, &mut fields);
            assert_eq!(bad, Err(BadBody::TrailersTooLong));
        }
    }
}
