//! JSON lines in Gorouter's shape: `log_level`, `timestamp`, `message`, `source`, `data`, in this order.

use std::cell::Cell;
use std::io::Write;

use jiff::Timestamp;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Timestamps;
use super::escape::push_quoted;
use super::fields::Fields;

/// The layer that writes the lines.
#[derive(Debug)]
pub struct GorouterJson<W> {
    source: String,
    timestamps: Timestamps,
    writer: W,
}

impl<W> GorouterJson<W> {
    /// Lines whose `source` begins with `source`; empty leaves the key out, as before a configuration is accepted.
    pub fn new(source: String, timestamps: Timestamps, writer: W) -> Self {
        Self {
            source,
            timestamps,
            writer,
        }
    }
}

/// What a thread writes its lines with, again and again.
#[derive(Debug, Default)]
struct Scratch {
    fields: Fields,
    line: String,
}

thread_local! {
    /// It is away while a line is written. A value that logs while it is shown finds an empty one.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// What is kept of a line that was longer than most.
const KEPT: usize = 16 * 1024;

/// The number of a level in Gorouter's log.
pub(super) fn number(level: tracing::Level) -> u8 {
    match level {
        tracing::Level::TRACE | tracing::Level::DEBUG => 0,
        tracing::Level::INFO => 1,
        tracing::Level::WARN => 2,
        tracing::Level::ERROR => 3,
    }
}

impl<W> GorouterJson<W> {
    /// One line, from what was gathered.
    fn line(&self, level: tracing::Level, fields: &Fields, line: &mut String) {
        line.push_str(r#"{"log_level":"#);
        line.push(char::from(b'0' + number(level)));
        line.push_str(r#","timestamp":"#);
        self.timestamps.push(Timestamp::now(), line);
        line.push_str(r#","message":""#);
        line.push_str(&fields.message);
        line.push('"');
        if !self.source.is_empty() {
            line.push_str(r#","source":"#);
            push_quoted(line, &self.source);
            if !fields.component.is_empty() {
                line.pop();
                line.push('.');
                line.push_str(&fields.component);
                line.push('"');
            }
        }
        if !fields.data.is_empty() {
            line.push_str(r#","data":{"#);
            line.push_str(&fields.data);
            line.push('}');
        }
        line.push_str("}\n");
    }
}

impl<S, W> Layer<S> for GorouterJson<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut scratch = SCRATCH.take().unwrap_or_default();
        let Scratch { fields, line } = &mut *scratch;
        fields.clear();
        line.clear();
        if let Some(scope) = context.event_scope(event) {
            for span in scope.from_root() {
                if let Some(outer) = span.extensions().get::<Fields>() {
                    fields.extend(outer);
                }
            }
        }
        event.record(fields);
        self.line(*event.metadata().level(), fields, line);
        // A log that cannot be written has nowhere to say so.
        let _ = self
            .writer
            .make_writer_for(event.metadata())
            .write_all(line.as_bytes());
        if line.len() <= KEPT {
            SCRATCH.set(Some(scratch));
        }
    }
}
