//! Which text a scraper asked for, and that text.

use std::fmt;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::classic;

/// A text format for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
    /// The classic Prometheus text, 0.0.4: what `curl` and `promtool check metrics` expect.
    Classic,
}

impl Format {
    /// The format that an `Accept` header asks for (RFC 9110 section 12.5.1); the classic one when it does not say,
    /// or asks for neither.
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Self {
        let weight = |wanted: &str| {
            let ranges = accept.unwrap_or_default().split(',').map(parse_range);
            ranges
                .filter(|(media, _)| *media == wanted)
                .map(|(_, q)| q)
                .fold(0.0, f32::max)
        };
        let classic = weight("text/plain")
            .max(weight("text/*"))
            .max(weight("*/*"));
        let open = weight("application/openmetrics-text");
        if open > 0.0 && open >= classic {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// One media range of an `Accept` header: its type without parameters, and its weight.
fn parse_range(range: &str) -> (&str, f32) {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let q = parts.find_map(|parameter| parameter.strip_prefix("q="));
    (media, q.map_or(1.0, |q| q.parse().unwrap_or(0.0)))
}

/// An answer to a scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposition {
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Exposition {
    /// All metrics of the registry in the format that the scraper asked for.
    ///
    /// # Errors
    ///
    /// When a metric refuses to be written, which is a fault of that metric.
    pub fn of(registry: &Registry, accept: Option<&str>) -> Result<Self, fmt::Error> {
        let format = Format::negotiate(accept);
        let mut body = String::new();
        text::encode(&mut body, registry)?;
        let body = match format {
            Format::OpenMetrics => body,
            Format::Classic => classic::from_openmetrics(&body),
        };
        Ok(Self {
            content_type: format.content_type(),
            body,
        })
    }
}
