//! Logs of a process: JSON lines as Gorouter writes them, or lines for a terminal, with a level that can be changed
//! while the process runs.
//!
//! Conventions for whoever logs, whatever the form:
//!
//! * the message is the *name* of what happened (`route-registered`), the rest are fields;
//! * the field `component` names the part of the process (`nats`, `registry`, `router`). It becomes the end of
//!   `source` and is not repeated in `data`. It may stand on a span instead;
//! * a field whose name ends in `.json` holds JSON text, which is put into `data` as it is, without the ending;
//! * a field whose name has a dot stands in an object: `modification_tag.guid` and `modification_tag.index`;
//! * secrets, header values and query strings are never fields.

mod counts;
mod escape;
mod fields;
mod gorouter;
mod lent;
mod level;
mod lines;
mod panics;
mod pieces;
mod places;
mod stamp;
mod text;

use std::io::{self, IsTerminal};

use prometheus_client::metrics::counter::Counter;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

pub use counts::LogCounts;
pub use gorouter::GorouterJson;
pub use lent::{LONGEST_LOAN, LentLevel, LevelState};
pub use level::{AUDIT, Level, LevelHandle, UnknownLevel};
pub use stamp::Timestamps;

use lines::Lines;

/// The form of the log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line with `log_level`, `timestamp`, `message`, `source`, `data`.
    Json {
        /// The first part of `source`, such as `gorouter.stdout` or `control-plane`.
        source: String,
        /// How the time is written.
        timestamps: Timestamps,
    },
    /// For people; with colours when stdout is a terminal.
    Human,
}

/// Why logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The level was no level.
    #[error(transparent)]
    Level(#[from] UnknownLevel),
    /// Something in this process had set up logs before.
    #[error("logs are set up already in this process")]
    AlreadyInstalled,
    /// The thread that writes them could not be started.
    #[error("the thread that writes the log cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// The logs of this process. Dropping it waits for a moment until what was logged is written: keep it to the end.
#[derive(Debug)]
#[must_use = "what was logged last is lost where it is not kept"]
pub struct Logs {
    /// Changes their level.
    pub level: LevelHandle,
    /// How many lines there were.
    pub counts: LogCounts,
    lines: Lines,
    dropped: Counter,
}

impl Logs {
    /// Shows how many lines were dropped because nobody read them in time.
    pub fn register(&self, metrics: &mut prometheus_client::registry::Registry) {
        metrics.register(
            "pointsman_log_dropped",
            "Lines of the log that were dropped because what was logged before them was not written yet",
            self.dropped.clone(),
        );
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.lines.finish();
    }
}

/// Sets up the logs of this process, to stdout, panics with their stacks among them. A thread writes them: whoever logs waits for nobody, and of a reader
/// that has stopped is told afterwards, how many lines it missed.
///
/// # Errors
///
/// When logs were set up before, or the thread cannot be started.
pub fn install(form: &Form, level: &Level) -> Result<Logs, InstallError> {
    let dropped = Counter::default();
    let lines = Lines::start(io::stdout(), dropped.clone())?;
    let (subscriber, level) = build(form, level, lines.clone());
    let counts = LogCounts::default();
    subscriber
        .with(counts.clone())
        .try_init()
        .map_err(|_| InstallError::AlreadyInstalled)?;
    panics::log();
    Ok(Logs {
        level,
        counts,
        lines,
        dropped,
    })
}

/// The same to a writer of the caller's choice, not yet installed: for tests, and for a log before the configuration
/// is accepted.
pub fn build<W>(
    form: &Form,
    level: &Level,
    writer: W,
) -> (
    impl Subscriber + Send + Sync + for<'a> LookupSpan<'a> + use<W>,
    LevelHandle,
)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, reload): (_, reload::Handle<EnvFilter, Registry>) =
        reload::Layer::new(level.filter());
    let lines: Box<dyn Layer<_> + Send + Sync> = match form {
        Form::Json { source, timestamps } => {
            Box::new(GorouterJson::new(source, *timestamps, writer))
        }
        Form::Human => Box::new(
            tracing_subscriber::fmt::layer()
                .with_writer(writer)
                .with_ansi(io::stdout().is_terminal())
                .with_target(false),
        ),
    };
    (
        tracing_subscriber::registry().with(filter).with(lines),
        LevelHandle::new(reload, level),
    )
}

#[cfg(test)]
mod tests;
