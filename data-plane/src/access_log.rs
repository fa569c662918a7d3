//! The access log: one line for each request, in Gorouter's format, written off the request path.
//!
//! A worker formats lines into a buffer of its own ([`Lines`]) and hands whole buffers to one
//! writer thread ([`Writer`]). A writer that falls behind costs lines, which are counted, and
//! never a request's time.

mod extra;
pub(crate) mod line;
mod lines;
mod quote;
mod time;
mod writer;

use crate::settings::Tracing;

pub(crate) use lines::Lines;
pub use writer::Sink;
pub(crate) use writer::Writer;

/// What the access log shows and where it goes.
#[derive(Debug)]
pub struct AccessLog {
    /// Where the lines go.
    pub sink: Sink,
    /// Shows `"-"` for the client's address (`logging.disable_log_source_ip`).
    pub hide_source_ip: bool,
    /// Shows `"-"` for `X-Forwarded-For` (`logging.disable_log_forwarded_for`).
    pub hide_forwarded_for: bool,
    /// Fields of requests that are shown behind the line's own, in this order; [`extra_fields`] makes the list.
    pub extra_fields: Vec<String>,
}

/// The fields that are shown behind a line's own: those that were asked for (`extra_headers_to_log`), then those of the
/// traces that are kept going, each once.
#[must_use]
pub fn extra_fields(asked_for: &[String], tracing: Option<&Tracing>) -> Vec<String> {
    let traces = tracing.map(Tracing::fields).unwrap_or_default();
    let names = asked_for.iter().map(String::as_str).chain(traces);
    let mut fields: Vec<String> = Vec::new();
    for name in names {
        if !fields.iter().any(|field| field == name) {
            fields.push(name.to_owned());
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::VendorKey;

    /// OB-016: fields that were asked for, Zipkin's, W3C's, in this order.
    /// OB-017: a name in several of them stands where it is first.
    #[test]
    fn extra_fields_are_in_order_and_each_there_once() {
        let tracing = Tracing {
            b3: true,
            w3c: VendorKey::of_tenant(""),
        };
        let asked_for = ["X-Mine", "b3", "X-Mine"].map(str::to_owned);
        assert_eq!(
            extra_fields(&asked_for, Some(&tracing)),
            [
                "X-Mine",
                "b3",
                "X-B3-TraceId",
                "X-B3-SpanId",
                "X-B3-ParentSpanId",
                "traceparent",
                "tracestate"
            ]
        );
        assert!(extra_fields(&[], None).is_empty());
    }
}
