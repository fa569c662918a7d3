//! The plain form, in which platforms write nearly all of their messages: known keys as they are spelt, texts without
//! escapes, whole numbers, nothing that is null. It is read in one pass, at a third of what the library takes.
//!
//! It decides about nothing but the pace: whatever is of another form, or wrong in any way, is left to the library, and
//! what is read here is what the library would have read.

mod quotes;

use std::borrow::Cow;

use pointsman_registry::{MAX_TAGS, Tags};

use super::object::Known as _;
use super::value::USUAL_TAGS;
use super::{Fields, MessageKey};
use crate::sources::message::limits::Limits;
use quotes::Quotes;

/// Reads a message of the plain form into empty fields; `None` where it is of another one, and they may hold anything.
pub(super) fn read_into<'a>(fields: &mut Fields<'a>, text: &'a str, limits: &Limits) -> Option<()> {
    let mut rest = Rest {
        text,
        at: 0,
        quotes: Quotes::of(text),
    };
    rest.members(|rest, key| rest.field(fields, MessageKey::exact(key)?, limits))?;
    rest.skip_blanks();
    (rest.at == text.len()).then_some(())
}

/// What is still to be read of a text.
struct Rest<'a> {
    text: &'a str,
    at: usize,
    /// Those from here on: whoever passes one takes it from here.
    quotes: Quotes<'a>,
}

impl<'a> Rest<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// Whether this byte, of ASCII, is next; then it is taken.
    #[inline]
    fn takes(&mut self, byte: u8) -> bool {
        if self.peek() != Some(byte) {
            // Hardly anybody writes blanks.
            self.skip_blanks();
            if self.peek() != Some(byte) {
                return false;
            }
        }
        self.at += 1;
        true
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        self.takes(byte).then_some(())
    }

    /// Reads an object, each value by what its key says.
    fn members(&mut self, mut value: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.takes(b'}') {
            return Some(());
        }
        loop {
            let key = self.text()?;
            self.take(b':')?;
            value(self, key)?;
            if !self.takes(b',') {
                return self.take(b'}');
            }
        }
    }

    #[expect(
        clippy::inline_always,
        reason = "a message has many texts, of which half take no longer than a call"
    )]
    #[inline(always)]
    fn text(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let end = self.quotes.closing()?;
        let text = self.text.get(self.at..end)?;
        self.at = end + 1;
        Some(text)
    }

    /// A whole number that needs no second look.
    fn number<T: TryFrom<i64>>(&mut self) -> Option<T> {
        /// So many digits cannot overflow.
        const DIGITS: usize = 19;
        self.skip_blanks();
        let rest = self.text.as_bytes().get(self.at..)?;
        let (is_negative, rest) = match rest {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, rest),
        };
        let (mut amount, mut length) = (0_u64, 0);
        for byte in rest.iter().take(DIGITS + 1) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            amount = amount.wrapping_mul(10).wrapping_add(digit.into());
            length += 1;
        }
        // JSON has no leading zeros, and takes a zero with a sign for a fraction.
        let is_odd = rest.first() == Some(&b'0') && (length > 1 || is_negative);
        if !(1..=DIGITS).contains(&length) || is_odd {
            return None;
        }
        self.at += usize::from(is_negative) + length;
        let amount = i64::try_from(amount).ok()?;
        T::try_from(if is_negative { -amount } else { amount }).ok()
    }

    fn field(&mut self, fields: &mut Fields<'a>, key: MessageKey, limits: &Limits) -> Option<()> {
        let text = match key {
            MessageKey::Host => &mut fields.host,
            MessageKey::Protocol => &mut fields.protocol,
            MessageKey::App => &mut fields.app,
            MessageKey::PrivateInstanceId => &mut fields.private_instance_id,
            MessageKey::PrivateInstanceIndex => &mut fields.private_instance_index,
            MessageKey::IsolationSegment => &mut fields.isolation_segment,
            MessageKey::RouteServiceUrl => &mut fields.route_service_url,
            MessageKey::ServerCertDomainSan => &mut fields.server_cert_domain_san,
            MessageKey::AvailabilityZone => &mut fields.availability_zone,
            MessageKey::Uris => return self.uris(&mut fields.uris, limits),
            MessageKey::Tags => return self.tags(fields.tags.get_or_insert_with(room_for_tags)),
            MessageKey::Port => return self.number().map(|port| fields.port = port),
            MessageKey::TlsPort => return self.number().map(|port| fields.tls_port = port),
            MessageKey::StaleThresholdInSeconds => {
                let seconds = self.number()?;
                fields.stale_threshold_in_seconds = seconds;
                return Some(());
            }
            MessageKey::EndpointUpdatedAtNs => {
                fields.endpoint_updated_at_ns = self.number()?;
                return Some(());
            }
            MessageKey::Options => return None,
        };
        *text = Cow::Borrowed(self.text()?);
        Some(())
    }

    fn uris(&mut self, uris: &mut Vec<Cow<'a, str>>, limits: &Limits) -> Option<()> {
        uris.clear();
        self.take(b'[')?;
        if self.takes(b']') {
            return Some(());
        }
        loop {
            if uris.len() == limits.uris {
                return None;
            }
            uris.push(Cow::Borrowed(self.text()?));
            if !self.takes(b',') {
                return self.take(b']');
            }
        }
    }

    fn tags(&mut self, tags: &mut Tags<'a>) -> Option<()> {
        self.members(|rest, name| {
            tags.put(Cow::Borrowed(name), Cow::Borrowed(rest.text()?));
            (tags.len() <= MAX_TAGS).then_some(())
        })
    }
}

fn room_for_tags<'a>() -> Tags<'a> {
    Tags::with_capacity(USUAL_TAGS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::decode_any;
    use super::*;

    const LIMITS: Limits = Limits {
        message_bytes: 4096,
        uris: 3,
    };

    fn read<'a>(text: &'a str, limits: &Limits) -> Option<Fields<'a>> {
        let mut fields = Fields::default();
        read_into(&mut fields, text, limits).map(|()| fields)
    }

    /// What a platform sends is of this form.
    #[test]
    fn what_platforms_send_is_plain() {
        let message = r#"{"uris":["a.example.com","b.example.com/x"],"host":"10.0.0.1","port":8080,"tls_port":61001,
            "app":"1-2","tags":{"app_id":"1-2","component":"route-emitter"},"private_instance_index":"0",
            "endpoint_updated_at_ns":1700000000000000001,"stale_threshold_in_seconds":-120}"#;
        let message: String = message.lines().map(str::trim).collect();
        let fields = read(&message, &LIMITS).unwrap();
        assert_eq!((&*fields.host, fields.tls_port), ("10.0.0.1", 61001));
        assert_eq!(fields.uris, ["a.example.com", "b.example.com/x"]);
        assert_eq!(fields.endpoint_updated_at_ns, 1_700_000_000_000_000_001);
        assert_eq!(fields.stale_threshold_in_seconds, -120);
        let tags = Tags::from([("app_id", "1-2"), ("component", "route-emitter")]);
        assert_eq!(fields.tags, Some(tags));
        assert_eq!(decode_any(&message, &LIMITS), Ok(fields));
    }

    #[test]
    fn everything_else_is_left_to_the_library() {
        let tags: Vec<_> = (0..=MAX_TAGS).map(|tag| format!(r#""{tag}":"""#)).collect();
        let many_tags = format!(r#"{{"tags":{{{}}}}}"#, tags.join(","));
        for other in [
            "",
            " ",
            "null",
            "{",
            "{}x",
            "{} {}",
            "[]",
            r#"{"host":null}"#,
            r#"{"HOST":"a"}"#,
            r#"{"other":"a"}"#,
            r#"{"host":"a\u0062"}"#,
            "{\"host\":\"a\tb\"}",
            "{\n}",
            r#"{"host":"a",}"#,
            r#"{"host":"a""port":1}"#,
            r#"{"host" "a"}"#,
            r#"{"host":"a}"#,
            r#"{"port":65536}"#,
            r#"{"port":-1}"#,
            r#"{"port":-0}"#,
            r#"{"port":01}"#,
            r#"{"port":1.0}"#,
            r#"{"port":1e1}"#,
            r#"{"port":"1"}"#,
            r#"{"port":}"#,
            r#"{"endpoint_updated_at_ns":9223372036854775808}"#,
            r#"{"endpoint_updated_at_ns":18446744073709551617}"#,
            r#"{"endpoint_updated_at_ns":00000000000000000001}"#,
            r#"{"uris":["a","b","c","d"]}"#,
            r#"{"uris":["a",]}"#,
            r#"{"uris":[null]}"#,
            r#"{"tags":{"a":1}}"#,
            r#"{"options":{}}"#,
            &many_tags,
        ] {
            assert_eq!(read(other, &LIMITS), None, "{other}");
        }
    }

    /// Pieces of messages, most of which fit together.
    fn member() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            4 => "[a-zé¢!#{}\\[\\]:, .-]{0,20}".prop_map(|text| format!("\"{text}\"")),
            1 => ".{0,4}".prop_map(|text| format!("\"{text}\"")),
        ];
        let number = prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            (0..70_000_u32).prop_map(|number| number.to_string()),
            "-?[0-9]{0,3}[.e]?[0-9]{0,2}",
        ];
        let uris = prop::collection::vec(text.clone(), 0..5);
        let tags = prop::collection::vec(("[abc]", text.clone()), 0..4);
        let tags = tags.prop_map(|tags| {
            let tags = tags
                .iter()
                .map(|(name, value)| format!("\"{name}\" :{value}"));
            format!("{{{}}}", tags.collect::<Vec<_>>().join(" , "))
        });
        let texts = [
            "host",
            "app",
            "protocol",
            "isolation_segment",
            "private_instance_index",
        ];
        let numbers = ["port", "tls_port", "endpoint_updated_at_ns"];
        prop_oneof![
            6 => (prop::sample::select(texts.to_vec()), text.clone())
                .prop_map(|(key, value)| format!("\"{key}\":{value}")),
            3 => (prop::sample::select(numbers.to_vec()), number)
                .prop_map(|(key, value)| format!("\"{key}\": {value} ")),
            2 => uris.prop_map(|uris| format!("\"uris\":[{}]", uris.join(","))),
            2 => tags.prop_map(|tags| format!("\"tags\":{tags}")),
        ]
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_the_library_reads(
            members in prop::collection::vec(member(), 0..6),
            damage in prop::option::weighted(0.3, (any::<prop::sample::Index>(), "[\"{},:0a]")),
        ) {
            let mut message = format!("{{{}}}", members.join(","));
            if let Some((at, byte)) = damage {
                let at = at.index(message.len());
                if message.is_char_boundary(at) && message.is_char_boundary(at + 1) {
                    message.replace_range(at..=at, &byte);
                }
            }
            if let Some(fields) = read(&message, &LIMITS) {
                prop_assert_eq!(Ok(fields), decode_any(&message, &LIMITS), "{}", message);
            }
        }
    }
}
