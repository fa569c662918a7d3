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

mod gorouter;
mod level;
mod stamp;

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

pub use gorouter::GorouterJson;
pub use level::{Level, LevelHandle, UnknownLevel};
pub use stamp::Timestamps;

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
}

/// Sets up the logs of this process, to stdout, and returns the handle that changes their level.
///
/// # Errors
///
/// When logs were set up before.
pub fn install(form: &Form, level: &Level) -> Result<LevelHandle, InstallError> {
    let (subscriber, handle) = build(form, level, io::stdout);
    subscriber
        .try_init()
        .map_err(|_| InstallError::AlreadyInstalled)?;
    Ok(handle)
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
            Box::new(GorouterJson::new(source.clone(), *timestamps, writer))
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
