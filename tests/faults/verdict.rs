//! The verdict over a round: every request at the client beside every request at the instances.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::time::Duration;

use pointsman_tests::Moment;
use pointsman_tests::instance::Received;
use pointsman_tests::load::{Lost, Outcome};

use crate::fault::Round;
use crate::routes::Removed;
use crate::timeline::Timeline;

/// How many requests of one kind of trouble a message shows.
const SHOWN: usize = 8;
/// Fewer requests say nothing about a round.
const ENOUGH: usize = 200;
/// What takes longer was held up: more than the noise of a busy machine, and less than anybody gives up after.
const HELD_UP: Duration = Duration::from_secs(2);

/// What happened in a round.
pub(crate) struct Evidence<'a> {
    pub(crate) outcomes: &'a [Outcome],
    pub(crate) received: &'a [Received],
    pub(crate) removed: &'a [Removed],
    pub(crate) timeline: &'a Timeline,
}

/// A kind of trouble, and the requests that had it.
pub(crate) struct Problem {
    what: String,
    requests: Vec<String>,
}

/// Judges round after round.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    /// Where and when each POST arrived, over all rounds: a late second delivery is one too.
    posts: HashMap<String, Vec<Received>>,
    rounds: usize,
    failures: Vec<String>,
}

impl Judge {
    /// What is wrong with a round; nothing is good. `excused` says which of the lost requests its fault may cost.
    pub(crate) fn judge(
        &mut self,
        evidence: &Evidence<'_>,
        excused: impl Fn(&Outcome) -> bool,
    ) -> Vec<Problem> {
        let lost = evidence
            .outcomes
            .iter()
            .filter(|outcome| outcome.answer.is_err());
        let (unknown, lost): (Vec<_>, Vec<_>) = lost.partition(|outcome| is_not_found(outcome));
        let (excused, lost): (Vec<_>, Vec<_>) = lost.into_iter().partition(|one| excused(one));
        let tell = |outcome: &&Outcome| told(outcome, evidence.timeline);
        let beside = format!("requests were lost, beside {} that may be", excused.len());
        let mut problems = vec![
            Problem::of("live routes were answered 404", unknown.iter().map(tell)),
            Problem::of(&beside, lost.iter().map(tell)),
            Problem::of("POSTs were delivered twice", self.twice(evidence)),
            Problem::of("answers came from nowhere", uncounted(evidence)),
            Problem::of("requests went to what was removed", unwanted(evidence)),
            Problem::of("endpoints were gone before their time", missed(evidence)),
        ];
        problems.retain(|problem| !problem.requests.is_empty());
        let count = evidence.outcomes.len();
        if count < ENOUGH {
            problems.push(Problem {
                what: format!("only {count} requests were made: too few to say"),
                requests: Vec::new(),
            });
        }
        problems
    }

    /// Notes how a round went.
    pub(crate) fn note(
        &mut self,
        name: &str,
        round: &Round,
        timeline: &Timeline,
        problems: &[Problem],
    ) {
        self.rounds += 1;
        if problems.is_empty() {
            return;
        }
        let mut message = format!(
            "{name}: round {}, POINTSMAN_FAULT_SEED={}\n",
            round.number, round.seed
        );
        for Problem { what, requests } in problems {
            // Writing into a string does not fail.
            let _written = writeln!(message, "  {} {what}", requests.len());
            for request in requests.iter().take(SHOWN) {
                let _written = writeln!(message, "    {request}");
            }
        }
        let _written = writeln!(message, "  what was going on:\n{timeline}");
        self.failures.push(message);
    }

    /// Says how many rounds went well.
    ///
    /// # Panics
    ///
    /// When one did not.
    #[expect(clippy::print_stdout, reason = "what the long form is run for")]
    pub(crate) fn finish(&self, name: &str) {
        let green = self.rounds - self.failures.len();
        let summary = format!("{name}: {green} of {} rounds green", self.rounds);
        println!("{summary}");
        assert!(
            self.failures.is_empty(),
            "{summary}\n{}",
            self.failures.concat()
        );
    }

    fn twice(&mut self, evidence: &Evidence<'_>) -> Vec<String> {
        let mut twice = Vec::new();
        for received in evidence.received {
            if received.method == "POST" {
                let deliveries = self.posts.entry(received.id.clone()).or_default();
                deliveries.push(received.clone());
                if deliveries.len() > 1 {
                    let places = deliveries.iter().map(|one| {
                        format!("port {} at {}", one.port, evidence.timeline.at(one.at))
                    });
                    let places: Vec<_> = places.collect();
                    twice.push(format!(
                        "/{} for {}: {}",
                        received.id,
                        received.host,
                        places.join(", ")
                    ));
                }
            }
        }
        twice
    }
}

impl Problem {
    fn of(what: &str, requests: impl IntoIterator<Item = String>) -> Self {
        Self {
            what: what.to_owned(),
            requests: requests.into_iter().collect(),
        }
    }
}

/// Of all requests that were sent from a moment until another: those that were lost or held up, if they are `most` in a
/// thousand or more.
pub(crate) fn held_up(
    evidence: &Evidence<'_>,
    (from, until): (Moment, Moment),
    most: usize,
) -> Option<Problem> {
    let sent = |outcome: &&Outcome| from <= outcome.sent && outcome.sent < until;
    let sent: Vec<_> = evidence.outcomes.iter().filter(sent).collect();
    let is_held_up = |outcome: &Outcome| {
        let took = outcome.ended.since(outcome.sent);
        outcome.answer.is_err() || took > HELD_UP || outcome.ended > until
    };
    let held_up: Vec<_> = sent.iter().filter(|one| is_held_up(one)).collect();
    if held_up.len() * 1000 < sent.len() * most {
        return None;
    }
    let what = format!("of {} requests were held up", sent.len());
    let requests = held_up.into_iter().map(|one| told(one, evidence.timeline));
    Some(Problem::of(&what, requests))
}

fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome.answer, Err(Lost::Refused(404, _)))
}

fn told(outcome: &Outcome, timeline: &Timeline) -> String {
    let Outcome {
        id,
        host,
        router,
        answer,
        ..
    } = outcome;
    let method = if outcome.post { "POST" } else { "GET" };
    let connection = if outcome.reused { "kept" } else { "fresh" };
    let (sent, ended) = (timeline.at(outcome.sent), timeline.at(outcome.ended));
    let became = match answer {
        Ok(port) => format!("answered by port {port}"),
        Err(lost) => lost.to_string(),
    };
    format!(
        "{method} /{id} for {host}, data plane {router}, {connection} connection, sent at {sent}, at {ended} {became}"
    )
}

/// Answers that no instance has counted as its own.
fn uncounted(evidence: &Evidence<'_>) -> Vec<String> {
    let counted: HashSet<(&str, u16)> = evidence
        .received
        .iter()
        .map(|received| (&*received.id, received.port))
        .collect();
    let nowhere = |outcome: &&Outcome| {
        let answered = outcome.answer.as_ref().ok();
        answered.is_some_and(|port| !counted.contains(&(&*outcome.id.to_string(), *port)))
    };
    let outcomes = evidence.outcomes.iter().filter(nowhere);
    outcomes
        .map(|outcome| told(outcome, evidence.timeline))
        .collect()
}

/// Requests at endpoints that had to be without any by then.
fn unwanted(evidence: &Evidence<'_>) -> Vec<String> {
    let removed: HashMap<(&str, u16), &Removed> = evidence
        .removed
        .iter()
        .map(|removed| ((&*removed.host, removed.port), removed))
        .collect();
    let late = evidence.received.iter().filter_map(|received| {
        let removed = removed.get(&(&*received.host, received.port))?;
        (received.at > removed.since?).then_some((received, removed))
    });
    let tell = |(received, removed): (&Received, &&Removed)| {
        let Received {
            method,
            id,
            host,
            port,
            at,
        } = received;
        let (at, since) = (
            evidence.timeline.at(*at),
            evidence.timeline.at(removed.unregistered),
        );
        format!("{method} /{id} for {host} at port {port} at {at}, unregistered at {since}")
    };
    late.map(tell).collect()
}

/// Endpoints that got nothing any more though they had to be there.
fn missed(evidence: &Evidence<'_>) -> Vec<String> {
    let has_got = |removed: &Removed, until: Moment| {
        let mut received = evidence.received.iter();
        received
            .any(|one| (&*one.host, one.port) == (&*removed.host, removed.port) && one.at >= until)
    };
    let missed = evidence.removed.iter().filter_map(|removed| {
        // What is older than the round was judged in its own.
        let until = removed
            .until
            .filter(|_| evidence.timeline.covers(removed.unregistered))?;
        (!has_got(removed, until)).then(|| {
            let Removed { host, port, .. } = removed;
            let until = evidence.timeline.at(until);
            format!("{host} at port {port}: nothing came at {until} or later")
        })
    });
    missed.collect()
}

/// What the verdicts say of made-up rounds: a judge that finds nothing proves nothing.
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pointsman_tests::Moment;

    use super::*;

    struct Case {
        outcomes: Vec<Outcome>,
        received: Vec<Received>,
        removed: Vec<Removed>,
    }

    /// A round in which all is well: a POST and many GETs, each answered by the port that counted it.
    fn well() -> Case {
        let start = Moment::now();
        let outcome = |id: u64| Outcome {
            id,
            post: id == 0,
            host: "app".into(),
            router: 0,
            reused: true,
            sent: start,
            ended: start,
            answer: Ok(80),
        };
        let outcomes: Vec<_> = (0..400).map(outcome).collect();
        let received = outcomes.iter().map(|outcome| Received {
            at: start,
            port: 80,
            method: if outcome.post { "POST" } else { "GET" }.to_owned(),
            id: outcome.id.to_string(),
            host: "app".to_owned(),
        });
        Case {
            received: received.collect(),
            outcomes,
            removed: Vec::new(),
        }
    }

    fn judged(case: &Case, excused: impl Fn(&Outcome) -> bool) -> Vec<String> {
        let evidence = Evidence {
            outcomes: &case.outcomes,
            received: &case.received,
            removed: &case.removed,
            timeline: &Timeline::new(),
        };
        let problems = Judge::default().judge(&evidence, excused);
        problems.into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn nothing_is_wrong_with_a_good_round() {
        assert!(judged(&well(), |_| false).is_empty());
    }

    #[test]
    fn a_lost_request_is_told_unless_it_is_excused() {
        let mut case = well();
        case.outcomes[7].answer = Err(Lost::Late);
        assert_eq!(judged(&case, |_| false).len(), 1);
        assert!(judged(&case, |outcome| outcome.id == 7).is_empty());
    }

    #[test]
    fn a_404_is_never_excused() {
        let mut case = well();
        case.outcomes[7].answer = Err(Lost::Refused(404, "unknown_route".to_owned()));
        assert_eq!(
            judged(&case, |_| true),
            ["live routes were answered 404".to_owned()]
        );
    }

    #[test]
    fn a_second_delivery_of_a_post_is_told_and_one_of_a_get_is_not() {
        let mut case = well();
        case.received.push(case.received[1].clone());
        assert!(judged(&case, |_| false).is_empty());
        case.received.push(case.received[0].clone());
        assert_eq!(
            judged(&case, |_| true),
            ["POSTs were delivered twice".to_owned()]
        );
    }

    #[test]
    fn an_answer_that_no_instance_counted_is_told() {
        let mut case = well();
        case.received.remove(5);
        assert_eq!(
            judged(&case, |_| true),
            ["answers came from nowhere".to_owned()]
        );
    }

    #[test]
    fn a_request_at_a_removed_endpoint_is_told_from_the_bound_on() {
        let mut case = well();
        let at = case.received[0].at;
        let removed = |since| Removed {
            host: "app".into(),
            port: 80,
            unregistered: at,
            until: None,
            since,
        };
        case.removed = vec![removed(None)];
        assert!(judged(&case, |_| false).is_empty());
        case.removed = vec![removed(Some(at.after(Duration::from_secs(1))))];
        assert!(judged(&case, |_| false).is_empty());
        case.removed = vec![removed(Some(Moment::from_nanoseconds(0)))];
        assert_eq!(
            judged(&case, |_| false),
            ["requests went to what was removed".to_owned()]
        );
    }

    #[test]
    fn an_endpoint_that_is_gone_before_its_time_is_told() {
        let timeline = Timeline::new();
        let mut case = well();
        let at = case.received[0].at;
        let removed = |until| Removed {
            host: "app".into(),
            port: 80,
            unregistered: Moment::now(),
            until: Some(until),
            since: None,
        };
        for (until, problems) in [(at, 0), (at.after(Duration::from_millis(1)), 1)] {
            case.removed = vec![removed(until)];
            let evidence = Evidence {
                outcomes: &case.outcomes,
                received: &case.received,
                removed: &case.removed,
                timeline: &timeline,
            };
            let found = Judge::default().judge(&evidence, |_| false);
            assert_eq!(found.len(), problems);
        }
    }

    #[test]
    fn what_is_held_up_is_told_where_it_is_a_fiftieth() {
        let mut case = well();
        let start = case.outcomes[0].sent;
        let until = start.after(Duration::from_secs(15));
        let found = |case: &Case| {
            let evidence = Evidence {
                outcomes: &case.outcomes,
                received: &case.received,
                removed: &case.removed,
                timeline: &Timeline::new(),
            };
            held_up(&evidence, (start, until), 20).map(|problem| problem.requests.len())
        };
        for outcome in &mut case.outcomes[..7] {
            outcome.ended = start.after(HELD_UP * 2);
        }
        assert_eq!(found(&case), None);
        case.outcomes[7].answer = Err(Lost::Late);
        assert_eq!(found(&case), Some(8));
        case.outcomes[8].ended = until.after(HELD_UP);
        case.outcomes[9].sent = until;
        case.outcomes[9].answer = Err(Lost::Late);
        assert_eq!(found(&case), Some(9));
    }

    #[test]
    fn a_round_without_requests_proves_nothing() {
        let mut case = well();
        case.outcomes.truncate(10);
        assert_eq!(judged(&case, |_| false).len(), 1);
    }
}
