//! Whether a request's head is larger than its operator wants it (D-229 to D-238). What is not even
//! held in memory is refused by the codec.

use std::sync::Arc;

use pointsman_http1::{Known, RequestHead};

use super::choose::Chosen;
use super::{Journey, Refusal};
use crate::settings::RequestSize;

impl Journey<'_, '_> {
    /// Refuses a head that is too large. The log shows whom it was for.
    pub(super) fn measure(&mut self, chosen: &Chosen) -> Result<(), Refusal> {
        if self.is_too_large() {
            self.record.endpoint = Some(Arc::clone(chosen.lease.endpoint()));
            return Err(Refusal::TooLarge);
        }
        Ok(())
    }

    /// Whether the head is too large.
    #[inline]
    pub(super) fn is_too_large(&self) -> bool {
        let bound = self.worker.settings.checks.request_size;
        bound.is_some_and(|bound| !fits(self.exchange.request, bound))
    }
}

fn fits(head: &RequestHead, bound: RequestSize) -> bool {
    let fields = head.fields();
    let hosts = usize::from(fields.contains(Known::Host));
    if bound.fields.is_some_and(|most| fields.len() - hosts > most) {
        return false;
    }
    // On the wire a line may lack the one byte that is counted between its colon and its value.
    head.wire_len() + fields.len() < bound.bytes || size(head) < bound.bytes
}

/// What Gorouter counts: every part of the head as it would be written with single blanks, and its lines' ends.
fn size(head: &RequestHead) -> usize {
    let line = [
        head.method_bytes().len(),
        head.path_and_query().len(),
        head.version().as_str().len(),
        4,
        head.authority().len(),
        8,
    ];
    let others = head.fields().iter();
    let others = others.filter(|field| field.name.known() != Known::Host);
    let lines = others.map(|field| field.name.as_bytes().len() + field.value.len() + 4);
    line.iter().sum::<usize>() + lines.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use pointsman_http1::{RequestLimits, RequestParser};

    use super::*;

    fn allows(bytes: usize, fields: Option<usize>, text: &str) -> bool {
        let mut head = RequestHead::new();
        let parsed = RequestParser::new(RequestLimits::CEILING).parse(text.as_bytes(), &mut head);
        assert_eq!(parsed, Ok(Some(text.len())));
        fits(&head, RequestSize { bytes, fields })
    }

    /// D-229: a head below the bound passes.
    /// D-230: a path or a query that reaches it does not.
    /// D-231: nor does one name or value.
    /// D-232: nor do fields of one name that reach it together.
    /// D-234: nor does what reaches it in all.
    #[test]
    fn a_head_is_below_its_bound() {
        // 3 + 1 + 8 + 4, 1 + 8: without another field.
        for (text, size) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 25),
            ("GET / HTTP/1.1\r\nHost:a\r\n\r\n", 25),
            ("GET /?123456789 HTTP/1.1\r\nHost: a\r\n\r\n", 35),
            ("GET /123456789a HTTP/1.1\r\nHost: a\r\n\r\n", 35),
            ("GET http://ab/ HTTP/1.1\r\nHost: other\r\n\r\n", 26),
            ("GET / HTTP/1.1\r\nHost: a\r\nX:12345\r\n\r\n", 35),
            ("GET / HTTP/1.1\r\nX-12345:\r\nHost: a\r\n\r\n", 36),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: 1 \r\nx:   2\r\n\r\n", 37),
        ] {
            assert!(allows(size + 1, None, text), "{text}");
            assert!(!allows(size, None, text), "{text}");
        }
    }

    /// D-233: more fields than there may be are too many; `Host` does not count.
    #[test]
    fn fields_are_counted_without_the_host() {
        let text = "GET / HTTP/1.1\r\nA: 1\r\nHost: a\r\na: 2\r\n\r\n";
        assert!(allows(1000, Some(2), text));
        assert!(!allows(1000, Some(1), text));
    }
}
