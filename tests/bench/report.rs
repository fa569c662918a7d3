//! What a run found: every measurement, and the tables made of them.

mod spread;
mod table;
mod targets;

pub(crate) use targets::{AGAIN, CLIENT, HEARTBEATS, NEW, OURS, PLAIN, QUIET, UNTOUCHED};

use std::cell::RefCell;
use std::rc::Rc;

use crate::sample::Sample;
use crate::workload::Workload;

/// Where workloads put what they measure. What is in it stays, whatever becomes of the workload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    inside: Rc<RefCell<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    samples: Vec<Sample>,
    notes: Vec<String>,
}

impl Findings {
    /// Adds a measurement, and shows it.
    #[expect(clippy::print_stdout, reason = "the progress of a tool")]
    pub(crate) fn add(&self, sample: Sample) {
        println!("{sample}");
        self.inside.borrow_mut().samples.push(sample);
    }

    /// Adds something that has to be known about the figures, and shows it.
    #[expect(clippy::print_stdout, reason = "the progress of a tool")]
    pub(crate) fn note(&self, note: String) {
        println!("    {note}");
        self.inside.borrow_mut().notes.push(note);
    }

    /// The tables, the targets, and what has to be known about them.
    pub(crate) fn text(&self) -> String {
        let inside = self.inside.borrow();
        let mut text = String::new();
        for workload in Workload::ALL {
            text += &table::of(workload, &inside.samples);
        }
        text += &targets::table(&inside.samples);
        for note in &inside.notes {
            text += &format!("* {note}\n");
        }
        text
    }

    /// The same as JSON, with every measurement.
    pub(crate) fn json(&self) -> String {
        let inside = self.inside.borrow();
        let tables = Workload::ALL.map(|workload| table::rows(workload, &inside.samples));
        let value = serde_json::json!({
            "rows": tables.concat(),
            "targets": targets::judged(&inside.samples),
            "notes": inside.notes,
            "samples": inside.samples,
        });
        serde_json::to_string_pretty(&value).expect("figures are plain values")
    }
}
