//! The medians of a run, and the ratios within its rounds.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::options::Options;
use crate::round::{BUSY, Round};
use crate::stage::Proxy;

/// Median, least and greatest of a series.
#[derive(Clone, Copy, Debug, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

/// One proxy with or without access log.
#[derive(Debug, Serialize)]
struct Row {
    proxy: Proxy,
    access_log: bool,
    cpu_us_per_request: Spread,
    requests_per_second: Spread,
    p99_ms: Spread,
    errors: u64,
    busy: Spread,
}

/// Our CPU time per request over that of nginx at its better of both settings, round by round.
#[derive(Debug, Serialize)]
struct Ratio {
    access_log: bool,
    against: Proxy,
    cpu: Spread,
    requests_per_second: Spread,
}

/// What a run says.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    rounds: usize,
    seconds: u64,
    connections: usize,
    rows: Vec<Row>,
    ratios: Vec<Ratio>,
    /// Rounds in which a proxy's core was idle.
    idle_rounds: usize,
}

impl Report {
    pub(crate) fn of(rounds: &[Round], options: &Options) -> Self {
        let mut rows = Vec::new();
        let mut ratios = Vec::new();
        for access_log in [false, true] {
            let series = |proxy| {
                let of =
                    move |round: &&Round| round.proxy == proxy && round.access_log == access_log;
                rounds.iter().filter(of).collect::<Vec<_>>()
            };
            for proxy in [Proxy::Pointsman, Proxy::NginxDefault, Proxy::NginxTuned] {
                rows.extend(row(proxy, access_log, &series(proxy)));
            }
            let peers = [Proxy::NginxDefault, Proxy::NginxTuned];
            ratios.extend(ratio(
                access_log,
                &series(Proxy::Pointsman),
                peers.map(|peer| (peer, series(peer))),
            ));
        }
        let idle_rounds = rounds.iter().filter(|round| round.busy < BUSY).count();
        let (seconds, connections) = (options.seconds, options.connections);
        Self {
            rounds: options.rounds,
            seconds,
            connections,
            rows,
            ratios,
            idle_rounds,
        }
    }

    /// Whether the figures may be quoted: every core was busy, and no request failed.
    pub(crate) fn counts(&self) -> bool {
        self.idle_rounds == 0 && self.rows.iter().all(|row| row.errors == 0)
    }

    /// The report with every round, as JSON.
    pub(crate) fn to_json(&self, rounds: &[Round]) -> String {
        let value = serde_json::json!({ "report": self, "rounds": rounds });
        serde_json::to_string_pretty(&value).expect("figures are plain values")
    }
}

fn row(proxy: Proxy, access_log: bool, series: &[&Round]) -> Option<Row> {
    let of = |value: fn(&Round) -> f64| spread(series.iter().map(|round| value(round)));
    Some(Row {
        proxy,
        access_log,
        cpu_us_per_request: of(|round| round.cpu_us_per_request)?,
        requests_per_second: of(|round| round.requests_per_second)?,
        p99_ms: of(|round| round.p99_ms)?,
        errors: series.iter().map(|round| round.errors).sum(),
        busy: of(|round| round.busy)?,
    })
}

fn ratio(access_log: bool, ours: &[&Round], peers: [(Proxy, Vec<&Round>); 2]) -> Option<Ratio> {
    let cpu = |round: &Round| round.cpu_us_per_request;
    let median = |series: &[&Round]| spread(series.iter().map(|round| cpu(round)));
    // The better setting is chosen once, by its median: choosing in every round would favour the peer's luck.
    let [first, second] = peers;
    let is_first_better = median(&first.1)?.median <= median(&second.1)?.median;
    let (against, theirs) = if is_first_better { first } else { second };
    let by_round: BTreeMap<usize, &Round> =
        theirs.iter().map(|round| (round.round, *round)).collect();
    let over = |value: fn(&Round) -> f64| {
        spread(
            ours.iter()
                .filter_map(|ours| Some(value(ours) / value(by_round.get(&ours.round)?))),
        )
    };
    let requests_per_second = over(|round| round.requests_per_second)?;
    Some(Ratio {
        access_log,
        against,
        cpu: over(cpu)?,
        requests_per_second,
    })
}

fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 {
        *values.get(middle)?
    } else {
        (values.get(middle.checked_sub(1)?)? + values[middle]) / 2.0
    };
    Some(Spread {
        median,
        min: *values.first()?,
        max: *values.last()?,
    })
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rounds, seconds, connections) = (self.rounds, self.seconds, self.connections);
        writeln!(
            formatter,
            "{rounds} rounds of {seconds} s, {connections} keep-alive connections, 1 KiB; median (least to greatest)\n"
        )?;
        writeln!(
            formatter,
            "| proxy | access log | CPU us/request | requests/s | p99 ms | errors | core busy |\n\
             | --- | --- | --: | --: | --: | --: | --: |"
        )?;
        for row in &self.rows {
            let log = if row.access_log { "yes" } else { "no" };
            writeln!(
                formatter,
                "| {} | {log} | {:.2} | {:.0} | {:.2} | {} | {:.0} % |",
                row.proxy.name(),
                row.cpu_us_per_request,
                row.requests_per_second,
                row.p99_ms,
                row.errors,
                Spread {
                    median: row.busy.median * 100.0,
                    min: row.busy.min * 100.0,
                    max: row.busy.max * 100.0
                },
            )?;
        }
        writeln!(formatter)?;
        for ratio in &self.ratios {
            let log = if ratio.access_log {
                "with access log"
            } else {
                "without access log"
            };
            let peer = ratio.against.name();
            writeln!(
                formatter,
                "CPU per request {log}: {:.2} x {peer}; requests/s: {:.2} x",
                ratio.cpu, ratio.requests_per_second
            )?;
        }
        if self.idle_rounds > 0 {
            writeln!(
                formatter,
                "NOT COUNTING: in {} rounds a proxy's core was not busy",
                self.idle_rounds
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = formatter.precision().unwrap_or(2);
        let Self { median, min, max } = self;
        write!(
            formatter,
            "{median:.digits$} ({min:.digits$} to {max:.digits$})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{ratio, spread};
    use crate::round::Round;
    use crate::stage::Proxy;

    fn round(round: usize, proxy: Proxy, cpu: f64) -> Round {
        Round {
            round,
            proxy,
            access_log: false,
            requests: 1,
            requests_per_second: 1.0,
            cpu_us_per_request: cpu,
            user_us_per_request: 0.0,
            system_us_per_request: 0.0,
            p99_ms: 1.0,
            errors: 0,
            busy: 1.0,
        }
    }

    #[test]
    fn the_median_of_an_even_series_lies_between() {
        let spread = spread([4.0, 1.0, 2.0, 8.0].into_iter()).unwrap();
        assert_eq!((spread.median, spread.min, spread.max), (3.0, 1.0, 8.0));
        assert!(super::spread(std::iter::empty()).is_none());
    }

    #[test]
    fn a_ratio_is_taken_within_its_round_against_the_better_peer() {
        let ours = [
            round(1, Proxy::Pointsman, 10.0),
            round(2, Proxy::Pointsman, 30.0),
        ];
        let plain = [
            round(1, Proxy::NginxDefault, 100.0),
            round(2, Proxy::NginxDefault, 100.0),
        ];
        let tuned = [
            round(1, Proxy::NginxTuned, 20.0),
            round(2, Proxy::NginxTuned, 60.0),
        ];
        let peers = [
            (Proxy::NginxDefault, plain.iter().collect()),
            (Proxy::NginxTuned, tuned.iter().collect()),
        ];
        let ratio = ratio(false, &ours.iter().collect::<Vec<_>>(), peers).unwrap();
        assert_eq!(ratio.against, Proxy::NginxTuned);
        assert_eq!((ratio.cpu.min, ratio.cpu.max), (0.5, 0.5));
    }
}
