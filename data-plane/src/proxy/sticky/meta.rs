//! The cookie that remembers the attributes of another one, as Gorouter writes it: words and
//! `name=value` between `&`, ends in seconds of the Unix epoch.

use super::cookie::{Attributes, SameSite};
use super::date;

/// The value for these attributes, given out at `now`.
pub(super) fn encode(attributes: &Attributes, now: i64) -> String {
    let mut parts = Vec::new();
    if attributes.secure {
        parts.push("secure".to_owned());
    }
    if attributes.partitioned {
        parts.push("partitioned".to_owned());
    }
    if let Some(expires) = attributes.expires {
        parts.push(format!("expires={expires}"));
    }
    match attributes.max_age {
        None => {}
        Some(0) => parts.push("maxage=-1".to_owned()),
        Some(age) => {
            let age = i64::try_from(age).unwrap_or(i64::MAX);
            parts.push(format!("maxage={}", now.saturating_add(age)));
        }
    }
    if let Some(same_site) = attributes.same_site {
        parts.push(format!(
            "samesite={}",
            same_site.as_str().to_ascii_lowercase()
        ));
    }
    parts.join("&")
}

/// The attributes that a value stands for at `now`, as far as it is understood: a client may send
/// anything.
pub(super) fn decode(value: &[u8], now: i64) -> Attributes {
    let mut attributes = Attributes::default();
    for part in value.split(|byte| *byte == b'&') {
        let mut halves = part.splitn(2, |byte| *byte == b'=');
        let (name, value) = (halves.next(), halves.next().unwrap_or_default());
        match name {
            Some(b"secure") => attributes.secure = true,
            Some(b"partitioned") => attributes.partitioned = true,
            Some(b"samesite") => attributes.same_site = SameSite::of(value),
            Some(b"expires") => {
                attributes.expires = number(value).filter(|at| date::SECONDS.contains(at));
            }
            Some(b"maxage") => {
                let end = number(value).filter(|end| *end != 0);
                let left = |end: i64| u64::try_from(end.saturating_sub(now)).unwrap_or(0);
                attributes.max_age = end.map(left);
            }
            _ => {}
        }
    }
    attributes
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn attributes_come_back_as_they_were_but_for_the_time_that_passed() {
        let all = Attributes {
            secure: true,
            partitioned: true,
            same_site: Some(SameSite::None),
            expires: Some(NOW + 500),
            max_age: Some(3_600),
        };
        let value = encode(&all, NOW);
        assert_eq!(
            value,
            "secure&partitioned&expires=1700000500&maxage=1700003600&samesite=none"
        );
        let later = Attributes {
            max_age: Some(3_500),
            ..all
        };
        assert_eq!(decode(value.as_bytes(), NOW + 100), later);
        let over = decode(value.as_bytes(), NOW + 4_000);
        assert_eq!(over.max_age, Some(0), "what is over is deleted");
        assert_eq!(encode(&Attributes::default(), NOW), "");
        assert_eq!(decode(b"", NOW), Attributes::default());
    }

    #[test]
    fn deletion_stays_deletion() {
        let deleted = Attributes {
            max_age: Some(0),
            ..Attributes::default()
        };
        assert_eq!(encode(&deleted, NOW), "maxage=-1");
        assert_eq!(decode(b"maxage=-1", NOW), deleted);
    }

    #[test]
    fn nonsense_is_nothing() {
        for value in [
            &b"samesite=odd&maxage=x&expires=99999999999999&&=&secured"[..],
            b"maxage=99999999999999999999",
            b"\xff=\xfe&maxage=0",
        ] {
            assert_eq!(decode(value, NOW), Attributes::default());
        }
        let far = decode(b"maxage=9223372036854775807", -1);
        assert_eq!(far.max_age, Some(u64::try_from(i64::MAX).unwrap()));
    }
}
