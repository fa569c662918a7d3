//! How many requests there are per second, as averages that forget: over one, five and fifteen minutes, renewed every five
//! seconds as those of Unix loads are.

use std::collections::BTreeMap;
use std::time::Duration;

use super::figures::Figures;

/// How often they are renewed.
pub(super) const TICK: Duration = Duration::from_secs(5);

/// Over how many minutes.
const MINUTES: [f64; 3] = [1.0, 5.0, 15.0];

/// The rates of everything.
#[derive(Debug, Default)]
pub(super) struct Rates {
    all: Meter,
    components: BTreeMap<Box<str>, Meter>,
}

/// The rates of one thing.
#[derive(Debug, Default)]
struct Meter {
    counted: u64,
    rates: Option<[f64; 3]>,
}

impl Rates {
    /// One more [`TICK`] has passed.
    pub(super) fn tick(&mut self, figures: &Figures) {
        self.all.tick(figures.all.requests);
        for (name, http) in &figures.components {
            let meter = self.components.entry(name.clone()).or_default();
            meter.tick(http.requests);
        }
    }

    /// Those of all requests.
    pub(super) fn all(&self) -> [f64; 3] {
        self.all.rates.unwrap_or_default()
    }

    /// Those of a component.
    pub(super) fn component(&self, name: &str) -> [f64; 3] {
        let meter = self.components.get(name);
        meter.and_then(|meter| meter.rates).unwrap_or_default()
    }
}

impl Meter {
    #[expect(clippy::cast_precision_loss, reason = "no count comes near 2^53")]
    fn tick(&mut self, counted: u64) {
        // The figures of a fleet get smaller when one of it goes.
        let more = counted.saturating_sub(self.counted);
        self.counted = counted;
        let now = more as f64 / TICK.as_secs_f64();
        self.rates = Some(match self.rates {
            None => [now; 3],
            Some(mut rates) => {
                for (rate, minutes) in rates.iter_mut().zip(MINUTES) {
                    let weight = 1.0 - (-TICK.as_secs_f64() / 60.0 / minutes).exp();
                    *rate += weight * (now - *rate);
                }
                rates
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::varz::Http;

    fn figures(all: u64, component: u64) -> Figures {
        let http = |requests| Http {
            requests,
            ..Http::default()
        };
        Figures {
            all: http(all),
            components: [("cc".into(), http(component))].into(),
            ..Figures::default()
        }
    }

    #[test]
    fn rates_begin_with_the_first_tick_and_forget_at_their_pace() {
        let mut rates = Rates::default();
        assert_eq!(rates.all(), [0.0; 3]);
        rates.tick(&figures(50, 5));
        assert_eq!(rates.all(), [10.0; 3]);
        assert_eq!(rates.component("cc"), [1.0; 3]);
        assert_eq!(rates.component("other"), [0.0; 3]);
        // A minute of nothing: what is left of each is e to the minus first, fifth and fifteenth.
        for _ in 0..12 {
            rates.tick(&figures(50, 5));
        }
        for (rate, minutes) in rates.all().into_iter().zip(MINUTES) {
            let expected = 10.0 * (-1.0 / minutes).exp();
            assert!(
                (rate - expected).abs() < 1e-9,
                "{rate} of {minutes} minutes"
            );
        }
        let before = rates.all();
        rates.tick(&figures(0, 0));
        assert!(rates.all()[0] < before[0] && rates.all()[0] > 0.0);
    }
}
