//! The table of one workload.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::spread::Spread;
use super::targets::PLAIN;
use crate::sample::{Figure, Sample};
use crate::workload::Workload;

/// All rounds of one subject.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) workload: Workload,
    pub(super) subject: String,
    pub(super) figures: BTreeMap<Figure, Spread>,
    /// CPU time per request over that of the subject that others are compared with, round by round.
    pub(super) cpu_ratio: Option<Spread>,
    /// Requests per second over those of the same.
    pub(super) rate_ratio: Option<Spread>,
    /// Rounds that count, of all.
    pub(super) counting: [usize; 2],
}

/// The rows of a workload, in the order in which their subjects were first measured.
pub(super) fn rows(workload: Workload, samples: &[Sample]) -> Vec<Row> {
    let mut subjects: Vec<&str> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.workload == workload) {
        if !subjects.contains(&sample.subject.as_str()) {
            subjects.push(&sample.subject);
        }
    }
    subjects.sort_by_key(|subject| !subject.starts_with("pointsman"));
    let base = base(workload, &subjects, samples);
    let row = |subject: &&str| {
        let of: Vec<_> = series(workload, subject, samples).collect();
        let ratio = |figure| {
            let peer = series(workload, base?, samples);
            Spread::of(ratios(figure, &of, peer))
        };
        Row {
            workload,
            subject: (*subject).to_owned(),
            figures: figures(&of),
            cpu_ratio: ratio(Figure::Cpu),
            rate_ratio: ratio(Figure::Rate),
            counting: [of.iter().filter(|one| one.counts()).count(), of.len()],
        }
    };
    subjects.iter().map(row).collect()
}

pub(super) fn series<'a>(
    workload: Workload,
    subject: &'a str,
    samples: &'a [Sample],
) -> impl Iterator<Item = &'a Sample> {
    samples
        .iter()
        .filter(move |sample| sample.workload == workload && sample.subject == subject)
}

/// One figure of a subject over that of another, within each round that both took part in.
pub(super) fn ratios<'a>(
    figure: Figure,
    of: &[&Sample],
    over: impl Iterator<Item = &'a Sample>,
) -> Vec<f64> {
    let by_round: BTreeMap<usize, f64> = over
        .filter_map(|sample| Some((sample.round, sample.get(figure)?)))
        .collect();
    of.iter()
        .filter_map(|sample| Some(sample.get(figure)? / by_round.get(&sample.round)?))
        .collect()
}

/// The subject that the others are compared with.
fn base<'a>(workload: Workload, subjects: &[&'a str], samples: &[Sample]) -> Option<&'a str> {
    if workload == Workload::Features {
        return subjects.iter().copied().find(|subject| *subject == PLAIN);
    }
    best_nginx(workload, subjects, samples)
}

/// The better setting of nginx is chosen once, by its median: choosing in every round would favour the peer's luck.
fn best_nginx<'a>(workload: Workload, subjects: &[&'a str], samples: &[Sample]) -> Option<&'a str> {
    let median = |subject: &str| {
        let values = series(workload, subject, samples).filter_map(|one| one.get(Figure::Cpu));
        Spread::of(values).map(|spread| spread.median)
    };
    subjects
        .iter()
        .copied()
        .filter(|subject| subject.starts_with("nginx"))
        .filter_map(|subject| Some((median(subject)?, subject)))
        .min_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, subject)| subject)
}

fn figures(series: &[&Sample]) -> BTreeMap<Figure, Spread> {
    let mut names: Vec<Figure> = series
        .iter()
        .flat_map(|one| one.figures.keys().copied())
        .collect();
    names.sort();
    names.dedup();
    let spread = |figure: Figure| {
        let values = series.iter().filter_map(|one| one.get(figure));
        Some((figure, Spread::of(values)?))
    };
    names.into_iter().filter_map(spread).collect()
}

/// The table as text; nothing, when the workload was not measured.
pub(super) fn of(workload: Workload, samples: &[Sample]) -> String {
    let rows = rows(workload, samples);
    if rows.is_empty() {
        return String::new();
    }
    let mut columns: Vec<Figure> = rows
        .iter()
        .flat_map(|row| row.figures.keys().copied())
        .collect();
    columns.sort();
    columns.dedup();
    let has_ratios = rows.iter().any(|row| row.cpu_ratio.is_some());
    let mut text = format!("\n{}: {}\n\n|  |", workload.name(), workload.title());
    if has_ratios {
        let base = if workload == Workload::Features {
            "plain"
        } else {
            "nginx"
        };
        text += &format!(" CPU x {base} | requests/s x {base} |");
    }
    for column in &columns {
        text += &format!(" {} |", column.name());
    }
    let count = columns.len() + if has_ratios { 2 } else { 0 };
    text += &format!(" counts |\n| --- |{} --- |\n", " --: |".repeat(count));
    for row in &rows {
        // Writing to a string does not fail.
        let _written = line(row, &columns, has_ratios, &mut text);
    }
    text
}

fn line(row: &Row, columns: &[Figure], has_ratios: bool, text: &mut String) -> std::fmt::Result {
    write!(text, "| {} |", row.subject)?;
    let mut cell = |spread: Option<&Spread>, digits: usize| match spread {
        Some(spread) => write!(text, " {spread:.digits$} |"),
        None => write!(text, "  |"),
    };
    if has_ratios {
        cell(row.cpu_ratio.as_ref(), 2)?;
        cell(row.rate_ratio.as_ref(), 2)?;
    }
    for column in columns {
        cell(row.figures.get(column), column.digits())?;
    }
    let [counting, all] = row.counting;
    if counting == all {
        writeln!(text, " yes |")
    } else {
        writeln!(text, " {counting} of {all} rounds |")
    }
}

#[cfg(test)]
mod tests {
    use super::rows;
    use crate::sample::{Figure, Sample};
    use crate::workload::Workload;

    fn sample(round: usize, subject: &str, cpu: f64) -> Sample {
        Sample::new(Workload::KeepAlive, subject, round)
            .with(Figure::Cpu, cpu)
            .with(Figure::Busy, 0.9)
            .saturated(1.0)
    }

    #[test]
    fn a_ratio_is_taken_within_its_round_against_the_better_nginx() {
        let samples = [
            sample(1, "nginx", 100.0),
            sample(1, "nginx, tuned", 20.0),
            sample(1, "pointsman", 10.0),
            sample(2, "nginx", 100.0),
            sample(2, "nginx, tuned", 60.0),
            sample(2, "pointsman", 30.0),
        ];
        let rows = rows(Workload::KeepAlive, &samples);
        assert_eq!(rows[0].subject, "pointsman");
        let ratio = rows[0].cpu_ratio.unwrap();
        assert_eq!((ratio.min, ratio.max), (0.5, 0.5));
        assert_eq!(rows[0].counting, [0, 2], "an idle core does not count");
    }
}
