//! A pool under traffic, millisecond by millisecond, with endpoints that behave as a test says.

use std::collections::BTreeMap;

use super::*;
use crate::testing::{at, key, writer};
use crate::{Context, Cursors, Lease, Selection, Settings, Table};

/// What an endpoint does with a request.
#[derive(Clone, Copy)]
enum Does {
    /// It answers after so many milliseconds.
    Answers(u64),
    /// It answers at once, and its body or its tunnel takes so many milliseconds.
    Streams(u64),
    /// It fails at once.
    Fails,
    /// It never says anything.
    Hangs,
    /// The client goes away after so many milliseconds, long before the answer.
    Abandoned(u64),
}

struct Pool {
    table: Arc<Table>,
    cursors: Cursors,
    /// Requests that an endpoint may have at a time; 0 for any number.
    max_connections: u32,
    now: u64,
    requests: u64,
    /// What ends when: the endpoint, its attempt, and how.
    ends: BTreeMap<(u64, u64), (Lease, Attempt, Does)>,
    /// Who has the head of its answer, and until when it takes the rest.
    streams: Vec<(u64, Lease)>,
    ejections: Vec<(u64, String, Cause)>,
    /// Requests by endpoint.
    sent: BTreeMap<String, u64>,
}

impl Pool {
    fn of(endpoints: usize) -> Self {
        Self {
            table: writer(&[("app", endpoints)]).publish(),
            cursors: Cursors::new(),
            max_connections: 0,
            now: 1,
            requests: 0,
            ends: BTreeMap::new(),
            streams: Vec::new(),
            ejections: Vec::new(),
            sent: BTreeMap::new(),
        }
    }

    fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.table.get(&key("app")).unwrap().endpoints().to_vec()
    }

    /// Runs for so many milliseconds with one request every `every`; `does` says what endpoint
    /// `n` does with request `m`.
    fn run(&mut self, millis: u64, every: u64, does: impl Fn(usize, u64) -> Does) {
        for _ in 0..millis {
            self.now += 1;
            if self.now.is_multiple_of(every) {
                self.request(&does);
            }
            self.age();
            while let Some(entry) = self.ends.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let (lease, attempt, does) = entry.remove();
                let conduct = lease.endpoint().state().conduct();
                match does {
                    Does::Answers(_) => conduct.answered(attempt, self.coarse()),
                    Does::Streams(takes) => {
                        conduct.answered(attempt, self.coarse());
                        self.streams.push((self.now + takes, lease));
                    }
                    Does::Fails => conduct.failed(attempt, self.coarse()),
                    Does::Abandoned(_) => conduct.left(attempt, self.coarse()),
                    Does::Hangs => {}
                }
            }
            self.streams.retain(|(until, _)| *until > self.now);
        }
    }

    fn request(&mut self, does: &impl Fn(usize, u64) -> Does) {
        let route = Arc::clone(self.table.get(&key("app")).unwrap());
        let mut selection = Selection::new();
        let mut context = Context {
            settings: &Settings::default(),
            cursors: &mut self.cursors,
            now: at(self.now),
            random: 0,
            max_connections: self.max_connections,
            near: None,
            slow_start: Duration::ZERO,
        };
        let lease = selection.next(&route, &mut context).unwrap();
        if let Some(ejection) = selection.take_ejection() {
            let address = ejection.endpoint.address().to_string();
            self.ejections.push((self.now, address, ejection.cause));
        }
        let endpoint = Arc::clone(lease.endpoint());
        let n = self
            .endpoints()
            .iter()
            .position(|other| Arc::ptr_eq(other, &endpoint));
        self.requests += 1;
        *self.sent.entry(endpoint.address().to_string()).or_default() += 1;
        let does = does(n.unwrap(), self.requests);
        let attempt = endpoint.state().conduct().begin(self.coarse());
        let ends = match does {
            Does::Answers(after) | Does::Abandoned(after) => self.now + after,
            Does::Fails | Does::Streams(_) => self.now,
            Does::Hangs => u64::MAX,
        };
        self.ends
            .insert((ends, self.requests), (lease, attempt, does));
    }

    /// Lets the attempts that are old enough tell so.
    fn age(&mut self) {
        let now = self.coarse();
        for (lease, attempt, _) in self.ends.values_mut() {
            if now.since(attempt.since) >= attempt.next_age() {
                lease.endpoint().state().conduct().aged(attempt, now);
            }
        }
    }

    /// The time as a worker tells it of attempts: that of its last sweep.
    fn coarse(&self) -> Time {
        at(self.now - self.now % 50)
    }

    fn out(&self) -> Vec<usize> {
        let endpoints = self.endpoints();
        let out = endpoints
            .iter()
            .enumerate()
            .filter(|(_, endpoint)| endpoint.state().is_ejected());
        out.map(|(n, _)| n).collect()
    }
}

fn well(_: usize, _: u64) -> Does {
    Does::Answers(5)
}

/// an endpoint that hangs is out within a second, at 300 and at 3,000 requests a second, and
/// costs less than two in a hundred requests of fifteen seconds.
#[test]
fn an_endpoint_that_hangs_is_out_within_a_second() {
    // One request a millisecond stands for 3,000 a second: nothing here counts below one.
    for every in [1, 3] {
        let mut pool = Pool::of(3);
        pool.run(2_000, every, well);
        let (start, before) = (pool.now, pool.sent["10.0.0.1:80"]);
        pool.run(15_000, every, |n, _| {
            if n == 1 {
                Does::Hangs
            } else {
                Does::Answers(5)
            }
        });
        let (when, _, cause) = &pool.ejections[0];
        assert_eq!(*cause, Cause::Silence);
        assert!(when - start < 700, "{} ms", when - start);
        let affected = pool.sent["10.0.0.1:80"] - before;
        assert!(affected * 50 < 15_000 / every, "{affected} requests");
        assert_eq!(pool.out(), [1]);
    }
}

/// so is one that is full before it was silent for long enough, and is not chosen any more.
#[test]
fn an_endpoint_that_hangs_is_out_though_it_is_full() {
    let mut pool = Pool::of(3);
    pool.max_connections = 50;
    pool.run(2_000, 1, well);
    let (start, before) = (pool.now, pool.sent["10.0.0.1:80"]);
    pool.run(1_500, 1, |n, _| match n {
        1 => Does::Hangs,
        _ => Does::Answers(5),
    });
    assert_eq!(pool.sent["10.0.0.1:80"] - before, 50);
    let (when, _, cause) = &pool.ejections[0];
    assert_eq!(*cause, Cause::Silence);
    assert!(when - start < 700, "{} ms", when - start);
    assert_eq!((pool.ejections.len(), pool.out()), (1, vec![1]));
}

/// one that is full of what has got its answer, as tunnels and streams have, is not out for the few that wait: nobody
/// asks it anything else meanwhile, so that it cannot show that it is well. Nor is it when it has room again.
#[test]
fn an_endpoint_that_is_full_of_streams_is_no_outlier() {
    for (streams, out) in [(50, None), (40, None), (10, Some(Cause::Silence))] {
        let mut pool = Pool::of(3);
        pool.max_connections = 50;
        pool.run(2_000, 1, well);
        let begun = std::cell::Cell::new(0);
        pool.run(3_500, 1, |n, _| {
            let turn = begun.get();
            begun.set(turn + usize::from(n == 1));
            match n {
                1 if turn < streams => Does::Streams(2_500),
                1 if turn < 50 => Does::Answers(5_000),
                _ => Does::Answers(5),
            }
        });
        let causes: Vec<_> = pool.ejections.iter().map(|(.., cause)| *cause).collect();
        assert_eq!(causes, Vec::from_iter(out), "{streams} streams");
    }
}

/// one that hangs though it is full of streams is out soon after it has room again, or when most of what it has waits.
#[test]
fn an_endpoint_that_hangs_behind_streams_is_out() {
    for (lasting, within) in [(2_500, 3_300), (60_000, 60_000)] {
        let mut pool = Pool::of(3);
        pool.max_connections = 50;
        pool.run(2_000, 1, well);
        let (start, begun) = (pool.now, std::cell::Cell::new(0));
        pool.run(60_000, 1, |n, _| {
            let turn = begun.get();
            begun.set(turn + u64::from(n == 1));
            match n {
                // They end one after the other.
                1 if turn < 40 => Does::Streams(lasting / 40 * (turn + 1)),
                1 => Does::Hangs,
                _ => Does::Answers(5),
            }
        });
        let (when, _, cause) = &pool.ejections[0];
        assert_eq!(*cause, Cause::Silence);
        assert!(when - start < within, "{} ms", when - start);
    }
}

/// nor is one that is full of long polls, where the others get as many of them and are full a little later.
#[test]
fn long_polls_that_fill_a_pool_make_no_outlier() {
    let mut pool = Pool::of(3);
    pool.max_connections = 36;
    pool.run(2_000, 1, well);
    let full = std::cell::Cell::new(0);
    for _ in 0..20 {
        pool.run(1_000, 1, |_, m| match m % 50 {
            17 => Does::Answers(5_000),
            _ => Does::Answers(5),
        });
        let states = pool.endpoints();
        let busy = states.iter().filter(|one| one.state().in_flight() >= 34);
        full.set(full.get() + busy.count());
    }
    assert!(full.get() > 0, "none was full");
    assert_eq!(pool.ejections, []);
}

/// a long poll that a client left, before nobody asked anything for a while, is no silence: an endpoint is not out
/// because it answers a little later than its siblings after that, where all of them are slow.
#[test]
fn a_long_poll_before_a_quiet_time_is_no_silence() {
    let mut pool = Pool::of(3);
    pool.run(2_000, 3, well);
    pool.run(9, 3, |n, _| match n {
        0 => Does::Abandoned(2_000),
        _ => Does::Answers(5),
    });
    pool.run(2_500, u64::MAX, well);
    pool.run(4_000, 30, |n, _| match n {
        0 => Does::Answers(1_000),
        _ => Does::Answers(900),
    });
    assert_eq!(pool.ejections, []);
}

/// An endpoint that came back is readmitted by its first answer after its time, with a full share.
#[test]
fn an_endpoint_that_came_back_is_readmitted_by_a_probe() {
    let mut pool = Pool::of(3);
    let hangs = |n, _| {
        if n == 1 {
            Does::Hangs
        } else {
            Does::Answers(5)
        }
    };
    pool.run(2_000, 3, well);
    pool.run(3_000, 3, hangs);
    assert_eq!(pool.out(), [1]);
    let before = pool.sent["10.0.0.1:80"];
    pool.run(2_000, 3, well);
    assert_eq!(pool.sent["10.0.0.1:80"], before, "its time is not over");
    pool.run(2_000, 3, well);
    assert_eq!(pool.out(), [] as [usize; 0]);
    assert!(pool.sent["10.0.0.1:80"] > before + 100);
    assert_eq!(pool.ejections.len(), 1);
}

/// Each absence that follows closely is longer than the one before, up to the longest, and costs one
/// request.
#[test]
fn an_endpoint_that_stays_away_is_probed_less_and_less() {
    let mut pool = Pool::of(2);
    let hangs = |n, _| {
        if n == 1 {
            Does::Hangs
        } else {
            Does::Answers(5)
        }
    };
    pool.run(2_000, 5, well);
    pool.run(1_000, 5, hangs);
    let before = pool.sent["10.0.0.1:80"];
    // 5, 10, 20, 40, 80 s and the time of each probe.
    pool.run(170_000, 5, hangs);
    let probes = pool.sent["10.0.0.1:80"] - before;
    assert!((4..=6).contains(&probes), "{probes} probes");
    assert_eq!(pool.out(), [1]);
}

/// Attempts that fail one after the other take an endpoint out, where others do not.
/// F-029: successes count as failures do
#[test]
fn an_endpoint_that_fails_is_out_and_one_that_fails_now_and_then_is_not() {
    let mut pool = Pool::of(3);
    pool.run(1_000, 3, well);
    pool.run(1_000, 3, |n, m| match (n, m / 3 % 4) {
        (1, 1..) => Does::Fails,
        _ => Does::Answers(5),
    });
    assert!(pool.out().is_empty(), "it answers now and then");
    pool.run(1_000, 3, |n, _| {
        if n == 1 {
            Does::Fails
        } else {
            Does::Answers(5)
        }
    });
    assert_eq!(pool.out(), [1]);
    assert_eq!(pool.ejections[0].2, Cause::Failures);
}

/// An endpoint that takes far longer than its siblings for most of its requests is out.
#[test]
fn an_endpoint_that_is_slow_with_everything_is_out() {
    let mut pool = Pool::of(3);
    pool.run(2_000, 5, well);
    pool.run(10_000, 5, |n, _| {
        if n == 1 {
            Does::Answers(3_000)
        } else {
            Does::Answers(5)
        }
    });
    assert_eq!(pool.out(), [1]);
}

/// What is slow everywhere makes nobody an outlier, and neither does a slow path that one of them
/// happens to serve.
#[test]
fn slow_requests_among_others_make_no_outlier() {
    let cases: [fn(usize, u64) -> Does; 6] = [
        // All are slow.
        |_, _| Does::Answers(2_000),
        // All become slow at the same moment, and one is the first to answer again.
        |_, _| Does::Answers(700),
        // One in ten is a long poll, wherever.
        |_, m| {
            if m % 10 == 3 {
                Does::Answers(30_000)
            } else {
                Does::Answers(5)
            }
        },
        // One endpoint alone serves long polls, a third of its requests.
        |n, m| {
            if n == 1 && m % 9 == 1 {
                Does::Answers(30_000)
            } else {
                Does::Answers(5)
            }
        },
        // One is twice as slow as the others.
        |n, _| Does::Answers(if n == 1 { 400 } else { 200 }),
        // Half of all hang, wherever.
        |_, m| {
            if m / 3 % 2 == 0 {
                Does::Hangs
            } else {
                Does::Answers(5)
            }
        },
    ];
    for (at, does) in cases.iter().enumerate() {
        let mut pool = Pool::of(3);
        pool.run(2_000, 4, well);
        pool.run(20_000, 4, does);
        assert!(pool.ejections.is_empty(), "case {at}: {:?}", pool.ejections);
    }
}

/// What all of them wait for is nobody's fault: nobody is out while nobody answers.
#[test]
fn nobody_is_out_while_nobody_answers() {
    let mut pool = Pool::of(3);
    pool.run(2_000, 3, well);
    pool.run(5_000, 3, |_, _| Does::Hangs);
    assert!(pool.ejections.is_empty(), "{:?}", pool.ejections);
    pool.run(5_000, 3, |_, _| Does::Fails);
    assert!(pool.ejections.is_empty(), "{:?}", pool.ejections);
}

/// clients that go away before an outlier would be one are not held against an endpoint.
#[test]
fn clients_that_go_away_blame_nobody() {
    let mut pool = Pool::of(3);
    pool.run(2_000, 3, well);
    pool.run(10_000, 3, |n, _| {
        if n == 1 {
            Does::Abandoned(100)
        } else {
            Does::Answers(5)
        }
    });
    assert!(pool.ejections.is_empty(), "{:?}", pool.ejections);
}

/// At most half of a pool is out, and an endpoint without siblings never is.
#[test]
fn never_more_than_half_of_a_pool_is_out() {
    for (endpoints, most) in [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)] {
        let mut pool = Pool::of(endpoints);
        pool.run(2_000, 2, well);
        pool.run(4_000, 2, |n, _| {
            if n == 0 {
                Does::Answers(5)
            } else {
                Does::Hangs
            }
        });
        assert_eq!(pool.out().len(), most, "of {endpoints}");
    }
}

/// While an endpoint is out, it still is the last resort.
#[test]
fn an_endpoint_that_is_out_is_the_last_resort() {
    let mut pool = Pool::of(2);
    pool.run(2_000, 2, well);
    pool.run(1_000, 2, |n, _| {
        if n == 1 {
            Does::Hangs
        } else {
            Does::Answers(5)
        }
    });
    assert_eq!(pool.out(), [1]);
    let route = Arc::clone(pool.table.get(&key("app")).unwrap());
    let mut selection = Selection::new();
    let mut context = Context {
        settings: &Settings::default(),
        cursors: &mut pool.cursors,
        now: at(pool.now),
        random: 0,
        max_connections: 0,
        near: None,
        slow_start: Duration::ZERO,
    };
    let first = selection.next(&route, &mut context).unwrap();
    let second = selection.next(&route, &mut context).unwrap();
    assert!(first.endpoint().address() < second.endpoint().address());
    selection.forget(second.endpoint().state().index());
    let third = selection.next(&route, &mut context).unwrap();
    assert!(Arc::ptr_eq(second.endpoint(), third.endpoint()));
}
