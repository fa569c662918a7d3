//! What was counted, and what it is compared with.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// By how much the instructions of small keep-alive exchanges may grow, which repeat within half a percent.
const INSTRUCTIONS: f64 = 1.02;
/// By how much those of large bodies and new connections may, which depend on the pieces that bytes arrive in.
const PIECEWISE: f64 = 1.10;
/// By how many system calls a request may grow, which is noise of timers.
const SYSTEM_CALLS: f64 = 0.1;

/// What one request costs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Cost {
    /// Instructions of the worker in user mode.
    pub(super) instructions: f64,
    /// Its system calls.
    pub(super) system_calls: f64,
}

/// The costs of all exchanges, by name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Figures {
    costs: BTreeMap<String, Cost>,
}

impl Figures {
    pub(super) fn add(&mut self, name: &str, cost: Cost) {
        self.costs.insert(name.to_owned(), cost);
    }

    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let told = |error: &dyn fmt::Display| {
            format!(
                "{}: {error}; write it with --yardstick renew",
                file.display()
            )
        };
        let text = std::fs::read_to_string(file).map_err(|error| told(&error))?;
        serde_json::from_str(&text).map_err(|error| told(&error))
    }

    pub(super) fn write(&self, file: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))
    }

    /// A table of these figures and those that were kept.
    pub(super) fn beside(&self, kept: &Self) -> String {
        let mut text = "| exchange | instructions | kept | ratio | system calls | kept |\n\
                        | --- | --: | --: | --: | --: | --: |\n"
            .to_owned();
        for (name, now) in &self.costs {
            let Cost {
                instructions,
                system_calls,
            } = now;
            text += &format!("| {name} | {instructions:.0} |");
            text += &match kept.costs.get(name) {
                Some(then) => format!(
                    " {:.0} | {:.3} | {system_calls:.2} | {:.2} |\n",
                    then.instructions,
                    instructions / then.instructions,
                    then.system_calls
                ),
                None => format!("  |  | {system_calls:.2} |  |\n"),
            };
        }
        text
    }

    /// Whether nothing grew.
    pub(super) fn check(&self, kept: &Self) -> Result<(), String> {
        let mut grown = Vec::new();
        for (name, now) in &self.costs {
            let Some(then) = kept.costs.get(name) else {
                grown.push(format!("{name} is not kept yet"));
                continue;
            };
            let bound = if name.starts_with("keep-alive") {
                INSTRUCTIONS
            } else {
                PIECEWISE
            };
            if now.instructions > then.instructions * bound {
                grown.push(format!("{name} takes more than {bound} x the instructions"));
            }
            if now.system_calls > then.system_calls + SYSTEM_CALLS {
                grown.push(format!("{name} takes more system calls"));
            }
        }
        if grown.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{}; if it is worth it: --yardstick renew",
                grown.join("; ")
            ))
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "| exchange | instructions | system calls |\n| --- | --: | --: |"
        )?;
        for (name, cost) in &self.costs {
            let Cost {
                instructions,
                system_calls,
            } = cost;
            writeln!(
                formatter,
                "| {name} | {instructions:.0} | {system_calls:.2} |"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cost, Figures};

    fn figures(instructions: f64, system_calls: f64) -> Figures {
        let mut figures = Figures::default();
        figures.add(
            "keep-alive",
            Cost {
                instructions,
                system_calls,
            },
        );
        figures
    }

    #[test]
    fn a_growth_is_told_and_noise_is_not() {
        let kept = figures(10_000.0, 4.0);
        assert_eq!(figures(10_190.0, 4.05).check(&kept), Ok(()));
        let more = figures(10_210.0, 4.0).check(&kept).unwrap_err();
        assert!(more.contains("instructions"), "{more}");
        let calls = figures(10_000.0, 4.2).check(&kept).unwrap_err();
        assert!(calls.contains("system calls"), "{calls}");
        figures(1.0, 1.0).check(&Figures::default()).unwrap_err();
    }
}
