//! Requests, responses and latencies, in all and by component.

use std::collections::{BTreeMap, HashMap};

use pointsman_process::varz::Http;

use super::{Counted, Sample, Top};

/// How many components are counted by themselves (L-39); requests to further ones are counted together.
const COMPONENTS: usize = 1000;

/// What requests to further components are counted as.
const OTHERS: &str = "other";

/// One worker's account of requests.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    latency: Sample,
    components: HashMap<Box<str>, (Http, Sample)>,
    top: Top,
}

impl Ledger {
    /// Enters a request.
    pub(super) fn enter(&mut self, counted: &Counted<'_>) {
        if !counted.app.is_empty() {
            self.top.mark(counted.app, counted.second);
        }
        if let Some(time) = counted.time {
            self.latency.add(time, counted.now, counted.draw);
        }
        if counted.component.is_empty() {
            return;
        }
        let known = self.components.contains_key(counted.component);
        let name = if known || self.components.len() < COMPONENTS {
            counted.component
        } else {
            OTHERS
        };
        if !self.components.contains_key(name) {
            self.components.insert(name.into(), Default::default());
        }
        let Some((http, latency)) = self.components.get_mut(name) else {
            return;
        };
        http.requests += u64::from(counted.attempts);
        let class = match counted.status / 100 {
            class @ 2..=5 => usize::from(class) - 2,
            _ => 4,
        };
        if let Some(count) = http.responses.get_mut(class) {
            *count += 1;
        }
        if let Some(time) = counted.time {
            latency.add(time, counted.now, counted.draw);
        }
    }

    /// Adds it to the accounts of others.
    pub(super) fn add_to(
        &self,
        latency: &mut Sample,
        components: &mut BTreeMap<Box<str>, (Http, Sample)>,
    ) {
        latency.add_all(&self.latency);
        for (name, (http, sample)) in &self.components {
            let (sum, samples) = components.entry(name.clone()).or_default();
            sum.requests += http.requests;
            for (sum, count) in sum.responses.iter_mut().zip(http.responses) {
                *sum += count;
            }
            samples.add_all(sample);
        }
    }

    /// How many requests each app had lately.
    pub(super) fn top(&mut self) -> &mut Top {
        &mut self.top
    }
}
