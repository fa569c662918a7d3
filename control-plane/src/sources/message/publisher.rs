//! Who sent a message, found without decoding it.

/// The host that a payload names: the value of the first key `host` of the message itself, and not of an object in it, as
/// it was written; empty where there is none. A payload may hide its host, and then counts among those without one; but
/// what one publisher sends has one form.
pub(in crate::sources) fn publisher(payload: &[u8]) -> &[u8] {
    let mut nesting = Nesting::default();
    memchr::memchr_iter(b'"', payload)
        .find_map(|at| {
            let value = value_of_host(payload, at)?;
            nesting.is_in_message(payload, at).then_some(value)
        })
        .unwrap_or_default()
}

/// The value behind a quote, if that begins a key `host`; empty where it is no text.
fn value_of_host(payload: &[u8], quote: usize) -> Option<&[u8]> {
    let (name, rest) = payload.get(quote + 1..)?.split_at_checked(5)?;
    let is_escaped = quote > 0 && payload[quote - 1] == b'\\';
    if is_escaped || !name.eq_ignore_ascii_case(b"host\"") {
        return None;
    }
    let value = rest.trim_ascii_start().strip_prefix(b":")?;
    let text = value.trim_ascii_start().strip_prefix(b"\"");
    text.unwrap_or_default().split(|byte| *byte == b'"').next()
}

/// How deep a payload is nested at a place, which only grows.
#[derive(Default)]
struct Nesting {
    read: usize,
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Nesting {
    /// Whether a key at this place is one of the message.
    fn is_in_message(&mut self, payload: &[u8], place: usize) -> bool {
        // Mostly nothing else was opened before.
        let mut opened = memchr::memchr_iter(b'{', &payload[..place]);
        if self.read == 0 && opened.nth(1).is_none() {
            return true;
        }
        for byte in &payload[self.read..place] {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                b'[' | b'{' if !self.quoted => self.depth += 1,
                b']' | b'}' if !self.quoted => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.read = place;
        self.depth == 1 && !self.quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_the_message_itself_is_found() {
        for text in [
            r#"{"host":"10.0.0.1"}"#,
            r#"{ "tags" : {}, "HOST" : "10.0.0.1", "port": 1 }"#,
            r#"{"tags":{"host":"vm-1"},"uris":["a"],"host":"10.0.0.1"}"#,
            r#"{"a":{"b":[{"host":"x"},{"Host":"y"}]},"host":"10.0.0.1"}"#,
            r#"{"a":"}","tags":{"}\"}":"{","host":"x"},"host":"10.0.0.1"}"#,
            r#"{"app":"host","host":"10.0.0.1"}"#,
            r#"{"a\"host":"x","host":"10.0.0.1"}"#,
            r#"{"uris":["host"],"host":"10.0.0.1","tags":{"host":"x"}}"#,
            r#"{"port":"x","host":"10.0.0.1""#,
        ] {
            let found = String::from_utf8_lossy(publisher(text.as_bytes()));
            assert_eq!(found, "10.0.0.1", "{text}");
        }
    }

    #[test]
    fn without_a_host_of_its_own_a_message_has_none() {
        for text in [
            "",
            "\"",
            r#"{"port":1}"#,
            r#"{"host":7}"#,
            r#"{"host""#,
            r#"{"host":"#,
            r#"{"host":""#,
            r#"{"tags":{"host":"vm-1"},"uris":["a"]}"#,
            r#"{"a":{"host":"vm-1"#,
        ] {
            assert_eq!(publisher(text.as_bytes()), b"", "{text}");
        }
    }
}
