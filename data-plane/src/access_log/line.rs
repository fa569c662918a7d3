//! The line: fields in Gorouter's order and form.

use std::time::Duration;

use pointsman_http1::Fields;

use super::extra::Extra;
use super::quote::{push_escaped, push_quoted};
use super::time::StartTime;
use crate::decimal;

/// What one line says. Absent texts become `"-"`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line<'a> {
    /// The host as sent, with its port; written bare.
    pub(crate) host: &'a [u8],
    /// When the request began, in nanoseconds of the Unix epoch.
    pub(crate) started: u64,
    /// The method.
    pub(crate) method: &'a [u8],
    /// Path and query.
    pub(crate) uri: &'a [u8],
    /// The version that the client spoke.
    pub(crate) protocol: &'a str,
    /// The status that the client got, or would have got; 0 where there was none.
    pub(crate) status: u16,
    /// Bytes of body that were read from the client.
    pub(crate) received: u64,
    /// Bytes of body that were written to the client.
    pub(crate) sent: u64,
    /// `Referer`
    pub(crate) referer: Option<&'a [u8]>,
    /// `User-Agent`
    pub(crate) user_agent: Option<&'a [u8]>,
    /// The client's address and port.
    pub(crate) remote: Option<&'a [u8]>,
    /// The endpoint that was chosen last.
    pub(crate) backend: Option<&'a [u8]>,
    /// `X-Forwarded-For`, as sent to the endpoint if one was tried.
    pub(crate) forwarded_for: Option<&'a [u8]>,
    /// `X-Forwarded-Proto`, likewise.
    pub(crate) forwarded_proto: Option<&'a [u8]>,
    /// `X-Vcap-Request-Id`
    pub(crate) request_id: &'a [u8],
    /// From the request's head to the last byte of its answer.
    pub(crate) response_time: Duration,
    /// The part of it that was the router's own; zero if no endpoint was tried.
    pub(crate) gorouter_time: Duration,
    /// The app's id.
    pub(crate) app_id: Option<&'a [u8]>,
    /// The instance's index.
    pub(crate) app_index: Option<&'a [u8]>,
    /// The instance's id.
    pub(crate) instance_id: Option<&'a [u8]>,
    /// `X-Cf-RouterError`
    pub(crate) router_error: Option<&'a [u8]>,
    /// The fields of the request.
    pub(crate) fields: Option<&'a Fields>,
}

impl Line<'_> {
    /// Appends the line, with these fields of the request behind its own, and its line end.
    pub(super) fn write(&self, out: &mut Vec<u8>, time: &mut StartTime, extra: &[Extra]) {
        out.extend_from_slice(self.host);
        out.extend_from_slice(b" - ");
        time.push(out, self.started);
        self.write_exchange(out);
        labelled(out, b" x_forwarded_for:", self.forwarded_for);
        labelled(out, b" x_forwarded_proto:", self.forwarded_proto);
        labelled(out, b" vcap_request_id:", Some(self.request_id));
        out.extend_from_slice(b" response_time:");
        push_seconds(out, self.response_time);
        out.extend_from_slice(b" gorouter_time:");
        push_seconds(out, self.gorouter_time);
        labelled(out, b" app_id:", self.app_id);
        labelled(out, b" app_index:", self.app_index);
        labelled(out, b" instance_id:", self.instance_id);
        labelled(out, b" x_cf_routererror:", self.router_error);
        for extra in extra {
            labelled(out, extra.label.as_bytes(), extra.value(self));
        }
        out.push(b'\n');
    }

    /// What was asked and answered, and by whom.
    fn write_exchange(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b" \"");
        push_escaped(out, self.method);
        out.push(b' ');
        push_escaped(out, self.uri);
        out.push(b' ');
        out.extend_from_slice(self.protocol.as_bytes());
        out.extend_from_slice(b"\" ");
        match self.status {
            0 => out.extend_from_slice(b"\"-\""),
            status => decimal::push(out, status.into()),
        }
        out.push(b' ');
        decimal::push(out, self.received);
        out.push(b' ');
        decimal::push(out, self.sent);
        for value in [self.referer, self.user_agent, self.remote, self.backend] {
            out.push(b' ');
            push_quoted(out, value);
        }
    }
}

#[inline]
fn labelled(out: &mut Vec<u8>, label: &[u8], value: Option<&[u8]>) {
    out.extend_from_slice(label);
    push_quoted(out, value);
}

/// Seconds with six decimals.
#[inline]
fn push_seconds(out: &mut Vec<u8>, time: Duration) {
    decimal::push(out, time.as_secs());
    out.push(b'.');
    decimal::push_padded::<6>(out, time.subsec_micros().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: &Line<'_>) -> String {
        let mut out = Vec::new();
        line.write(&mut out, &mut StartTime::default(), &[]);
        String::from_utf8(out).expect("the log is UTF-8")
    }

    /// OB-008: what is not plain text is escaped within the quotes.
    /// OB-014: fields that were asked for are appended, their names in small letters with `_` for `-`.
    /// OB-015: without any, nothing is.
    #[test]
    fn fields_of_the_request_behind_the_lines_own() {
        let mut fields = Fields::new();
        for (name, value) in [
            ("x-foo", "a\"b"),
            ("X-Foo", "2"),
            ("X-Vcap-Request-Id", "fake"),
        ] {
            fields.push(name, value.as_bytes()).expect("a field");
        }
        let line = Line {
            request_id: b"id",
            fields: Some(&fields),
            ..Line::default()
        };
        let extra = ["X-Foo", "X-Bar", "X-Vcap-Request-Id"].map(Extra::new);
        let mut out = Vec::new();
        line.write(&mut out, &mut StartTime::default(), &extra);
        let text = String::from_utf8(out).expect("the log is UTF-8");
        let end = " x_cf_routererror:\"-\" x_foo:\"a\\\"b\" x_bar:\"-\" x_vcap_request_id:\"id\"\n";
        assert!(text.ends_with(end), "{text}");
        assert!(written(&line).ends_with(" x_cf_routererror:\"-\"\n"));
    }

    const STARTED: u64 = 1_795_316_053_080_788_938;

    /// OB-001: a proxied request's line has Gorouter's fields in Gorouter's order.
    #[test]
    fn a_proxied_request() {
        let line = Line {
            host: b"app.example.com",
            started: STARTED,
            method: b"GET",
            uri: b"/a?b=c&d=%22q%22",
            protocol: "HTTP/1.1",
            status: 200,
            received: 0,
            sent: 5,
            referer: Some(b"http://r/"),
            user_agent: Some(b"curl/8"),
            remote: Some(b"127.0.0.1:53068"),
            backend: Some(b"127.0.0.1:39301"),
            forwarded_for: Some(b"1.2.3.4, 127.0.0.1"),
            forwarded_proto: Some(b"https"),
            request_id: b"a5c5df54-c2eb-4afd-7b48-4e1afc0e8966",
            response_time: Duration::from_micros(2666),
            gorouter_time: Duration::from_nanos(525_999),
            app_id: Some(b"11111111-1111-1111-1111-111111111111"),
            app_index: Some(b"0"),
            instance_id: Some(b"inst-1"),
            router_error: None,
            fields: None,
        };
        assert_eq!(
            written(&line),
            "app.example.com - [2026-11-22T02:54:13.080788938Z] \"GET /a?b=c&d=%22q%22 HTTP/1.1\" \
             200 0 5 \"http://r/\" \"curl/8\" \"127.0.0.1:53068\" \"127.0.0.1:39301\" \
             x_forwarded_for:\"1.2.3.4, 127.0.0.1\" x_forwarded_proto:\"https\" \
             vcap_request_id:\"a5c5df54-c2eb-4afd-7b48-4e1afc0e8966\" response_time:0.002666 \
             gorouter_time:0.000525 app_id:\"11111111-1111-1111-1111-111111111111\" app_index:\"0\" \
             instance_id:\"inst-1\" x_cf_routererror:\"-\"\n"
        );
    }

    #[test]
    fn what_is_absent_is_a_quoted_dash_and_a_status_of_zero_too() {
        let line = Line {
            started: STARTED,
            method: b"GET",
            uri: b"/\"",
            protocol: "HTTP/1.0",
            request_id: b"id",
            router_error: Some(b"empty_host"),
            ..Line::default()
        };
        assert_eq!(
            written(&line),
            " - [2026-11-22T02:54:13.080788938Z] \"GET /\\\" HTTP/1.0\" \"-\" 0 0 \"-\" \"-\" \"-\" \
             \"-\" x_forwarded_for:\"-\" x_forwarded_proto:\"-\" vcap_request_id:\"id\" \
             response_time:0.000000 gorouter_time:0.000000 app_id:\"-\" app_index:\"-\" \
             instance_id:\"-\" x_cf_routererror:\"empty_host\"\n"
        );
    }
}
