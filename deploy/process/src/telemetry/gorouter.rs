//! JSON lines in Gorouter's shape: `log_level`, `timestamp`, `message`, `source`, `data`, in this order.

use std::cell::Cell;
use std::io::Write;

use tracing::field::Visit;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Timestamps;
use super::fields::{Fields, Gather};
use super::places::Callsites;
use super::stamp::Latest;
use super::text::Text;
use crate::wall_clock;

/// The layer that writes the lines.
#[derive(Debug)]
pub struct GorouterJson<W> {
    /// `,"source":"name`, or nothing.
    source: Text,
    timestamps: Timestamps,
    writer: W,
}

impl<W> GorouterJson<W> {
    /// Lines whose `source` begins with `source`; empty leaves the key out, as before a configuration is accepted.
    pub fn new(source: &str, timestamps: Timestamps, writer: W) -> Self {
        let mut key = Text::default();
        if !source.is_empty() {
            key.extend(br#","source":""#);
            key.extend_escaped(source);
        }
        Self {
            source: key,
            timestamps,
            writer,
        }
    }
}

/// What a thread writes its lines with, again and again.
#[derive(Debug, Default)]
struct Scratch {
    callsites: Callsites,
    fields: Fields,
    line: Text,
    latest: Latest,
}

thread_local! {
    /// It is away while a line is written. A value that logs while it is shown finds an empty one.
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// What is kept of a line that was longer than most.
const KEPT: usize = 16 * 1024;

impl Scratch {
    fn take() -> Box<Self> {
        // A thread that ends may log where its own room is gone already.
        let kept = SCRATCH.try_with(Cell::take);
        kept.ok().flatten().unwrap_or_default()
    }

    fn keep(mut self: Box<Self>) {
        if self.line.len() > KEPT {
            self.fields = Fields::default();
            self.line = Text::default();
        }
        let _gone_already = SCRATCH.try_with(|kept| kept.set(Some(self)));
    }
}

/// Adds to the fields of a span.
fn gather(
    metadata: &'static Metadata<'static>,
    fields: &mut Fields,
    record: impl FnOnce(&mut dyn Visit),
) {
    let mut scratch = Scratch::take();
    let places = scratch.callsites.places(metadata);
    record(&mut Gather { places, fields });
    scratch.keep();
}

/// Where the level stands in a line.
const LEVEL: usize = r#"{"log_level":"#.len();

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
    fn line(&self, level: tracing::Level, scratch: &mut Scratch) {
        let Scratch {
            fields,
            line,
            latest,
            ..
        } = scratch;
        let mut head = *br#"{"log_level":0,"timestamp":"#;
        head[LEVEL] += number(level);
        line.clear();
        line.extend_all(&head);
        self.timestamps.push(wall_clock::now(), latest, line);
        line.extend_all(br#","message":""#);
        line.extend(fields.message.as_bytes());
        line.push(b'"');
        if !self.source.is_empty() {
            line.extend(self.source.as_bytes());
            if !fields.component.is_empty() {
                line.push(b'.');
                line.extend(fields.component.as_bytes());
            }
            line.push(b'"');
        }
        if let Some((_, data)) = fields.data.as_bytes().split_first() {
            line.extend_all(br#","data":{"#);
            line.extend(data);
            line.push(b'}');
        }
        line.extend_all(b"}\n");
    }
}

impl<S, W> Layer<S> for GorouterJson<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        gather(attributes.metadata(), &mut fields, |visit| {
            attributes.record(visit);
        });
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            gather(span.metadata(), fields, |visit| values.record(visit));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut scratch = Scratch::take();
        let Scratch {
            callsites, fields, ..
        } = &mut *scratch;
        fields.clear();
        if let Some(scope) = context.event_scope(event) {
            for span in scope.from_root() {
                if let Some(outer) = span.extensions().get::<Fields>() {
                    fields.extend(outer);
                }
            }
        }
        let places = callsites.places(event.metadata());
        event.record(&mut Gather { places, fields });
        self.line(*event.metadata().level(), &mut scratch);
        let mut writer = self.writer.make_writer_for(event.metadata());
        // A log that cannot be written has nowhere to say so.
        let _ = writer.write_all(scratch.line.as_bytes());
        scratch.keep();
    }
}
