//! JSON lines in Gorouter's shape: `log_level`, `timestamp`, `message`, `source`, `data`, in this order.

use std::fmt;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Timestamps;

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

/// The fields of an event or a span, in the order in which they were written.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    component: Option<String>,
    data: Vec<(&'static str, Value)>,
}

impl Fields {
    fn push(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match name {
            "message" => self.message = text(value),
            "component" => self.component = Some(text(value)),
            // `tracing-log` adds these to lines of the `log` facade.
            _ if name.starts_with("log.") => {}
            _ => match (name.strip_suffix(".json"), &value) {
                (Some(name), Value::String(json)) => {
                    // Text that is no JSON after all is shown as the text that it is.
                    let parsed = serde_json::from_str(json);
                    self.put(name, parsed.unwrap_or(value));
                }
                _ => self.put(name, value),
            },
        }
    }

    /// Puts a value under its name, or, where the name has a dot, into the object before the dot.
    fn put(&mut self, name: &'static str, value: Value) {
        let Some((outer, inner)) = name.split_once('.') else {
            self.data.push((name, value));
            return;
        };
        let known = self.data.iter_mut().find(|(name, _)| *name == outer);
        match known {
            Some((_, Value::Object(object))) => {
                object.insert(inner.to_owned(), value);
            }
            _ => self.data.push((outer, serde_json::json!({ inner: value }))),
        }
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.push(field, value.to_string().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, format!("{value:?}").into());
    }
}

/// One line, borrowed from what was gathered.
#[derive(Serialize)]
struct Line<'a> {
    log_level: u8,
    timestamp: Value,
    message: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    source: String,
    #[serde(skip_serializing_if = "Data::is_empty")]
    data: Data<'a>,
}

/// Fields in their order; `serde_json::Map` would sort them.
struct Data<'a>(&'a [(&'static str, Value)]);

impl Data<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

fn number(level: tracing::Level) -> u8 {
    match level {
        tracing::Level::TRACE | tracing::Level::DEBUG => 0,
        tracing::Level::INFO => 1,
        tracing::Level::WARN => 2,
        tracing::Level::ERROR => 3,
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
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .iter()
            .rev()
        {
            let extensions = span.extensions();
            if let Some(outer) = extensions.get::<Fields>() {
                fields.component = outer.component.clone().or(fields.component);
                fields.data.extend(outer.data.iter().cloned());
            }
        }
        event.record(&mut fields);
        let source = match (&self.source, &fields.component) {
            (prefix, Some(component)) if !prefix.is_empty() => format!("{prefix}.{component}"),
            (prefix, _) => prefix.clone(),
        };
        let line = Line {
            log_level: number(*event.metadata().level()),
            timestamp: self.timestamps.json(Timestamp::now()),
            message: &fields.message,
            source,
            data: Data(&fields.data),
        };
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            // A log that cannot be written has nowhere to say so.
            let _ = self
                .writer
                .make_writer_for(event.metadata())
                .write_all(&text);
        }
    }
}
