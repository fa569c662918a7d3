//! What Gorouter shows as `/varz`: who a process is, how it fares, and what it has counted, as one flat object of JSON
//! for collectors of metrics (section 18.1 of the control-plane reference).
//!
//! Who counts requests, and who knows how many routes there are, hands its figures in; what changes by itself, rates
//! and the use of the processor, is kept here.

mod component;
mod cpu;
mod document;
mod figures;
mod rates;
mod text;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use component::Component;
pub use figures::{Figures, Http, Table};

use crate::telemetry::LogCounts;
use cpu::Cpu;
use rates::{Rates, TICK};

/// How often the use of the processor is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The document of a process.
#[derive(Debug)]
pub struct Varz {
    component: Component,
    logged: LogCounts,
    moving: Mutex<Moving>,
}

/// What changes by itself.
#[derive(Debug, Default)]
struct Moving {
    cpu: Cpu,
    rates: Rates,
}

impl Varz {
    /// The document of this process, whose lines are counted by `logged`.
    #[must_use]
    pub fn new(component: Component, logged: LogCounts) -> Self {
        Self {
            component,
            logged,
            moving: Mutex::default(),
        }
    }

    /// Keeps rates and the use of the processor up to date, for ever.
    pub async fn keep(&self, figures: impl Fn() -> Figures) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tick = Instant::now() + TICK;
        loop {
            looks.tick().await;
            self.moving().cpu.look(Instant::now());
            if Instant::now() >= tick {
                tick += TICK;
                let figures = figures();
                self.moving().rates.tick(&figures);
            }
        }
    }

    /// The document now, on one line with its end.
    #[must_use]
    pub fn document(&self, figures: &Figures, table: &Table) -> String {
        let mut document = self.component.document(Instant::now());
        document.insert("log_counts".to_owned(), self.logged.to_json());
        let moving = self.moving();
        document.insert("cpu".to_owned(), moving.cpu.share().into());
        document::add(&mut document, (figures, &moving.rates), table);
        drop(moving);
        let mut text = Value::Object(document).to_string();
        text.push('\n');
        text
    }

    fn moving(&self) -> MutexGuard<'_, Moving> {
        // Nothing leaves it half changed.
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
