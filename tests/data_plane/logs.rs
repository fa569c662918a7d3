//! What all data planes of this process have logged.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use pointsman_process::telemetry::{self, Form, Level, Timestamps};
use pointsman_tests::eventually;

use crate::support::BOUND;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is logged from here on, if it is not kept yet.
pub(crate) fn keep() {
    kept();
}

fn kept() -> &'static Lines {
    static KEPT: OnceLock<Lines> = OnceLock::new();
    KEPT.get_or_init(|| {
        let lines = Lines::default();
        let form = Form::Json {
            source: "data-plane".to_owned(),
            timestamps: Timestamps::Rfc3339,
        };
        let level: Level = "info,pointsman_data_plane::proxy=debug"
            .parse()
            .expect("a level");
        let written = lines.clone();
        let (subscriber, _level) = telemetry::build(&form, &level, move || written.clone());
        tracing::subscriber::set_global_default(subscriber).expect("nobody else keeps logs");
        lines
    })
}

/// The first line that has all of these parts, once it is there.
pub(crate) async fn line(parts: &[&str]) -> String {
    eventually("a line of the log", BOUND, async || {
        let text = String::from_utf8_lossy(&kept().0.lock()).into_owned();
        let mut lines = text.lines();
        let found = lines.find(|line| parts.iter().all(|part| line.contains(part)));
        found
            .map(str::to_owned)
            .ok_or_else(|| format!("no line with {parts:?}"))
    })
    .await
}

/// Whether there is a line with all of these parts by now.
pub(crate) fn says(parts: &[&str]) -> bool {
    let text = String::from_utf8_lossy(&kept().0.lock()).into_owned();
    let mut lines = text.lines();
    lines.any(|line| parts.iter().all(|part| line.contains(part)))
}
