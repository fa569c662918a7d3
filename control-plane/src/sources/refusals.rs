//! Telling what was refused: counted always, logged once per cause and publisher (R-119), and never as fast as it
//! comes (L-38).

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tokio::time::Instant;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::message::{Cause, Refusal, excerpt};

/// Pairs of cause and publisher that are remembered; when there are more, all of them may be told again.
const REMEMBERED: usize = 4096;

/// After this long a refusal that goes on is told again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// Lines of one cause within one second (L-38).
const LINES_PER_SECOND: u32 = 10;

/// Counts refusals, and logs the ones that say something new.
#[derive(Debug)]
pub struct Refusals {
    counts: Family<Labels, Counter>,
    told: Mutex<Told>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    cause: &'static str,
}

/// Where what is refused came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// Which part of the process tells it.
    pub(crate) component: &'static str,
    /// The subject, or what else it came by.
    pub(crate) subject: &'static str,
    /// The host that was to be registered; empty where it could not be read.
    pub(crate) publisher: &'a str,
    /// The whole payload.
    pub(crate) payload: &'a [u8],
}

#[derive(Debug)]
struct Told {
    since: Instant,
    /// Nobody else knows it, so that nobody can name publishers that collide.
    seed: u64,
    pairs: HashSet<Pair>,
    seconds: HashMap<Cause, Second>,
}

/// A cause, and the number of a publisher, who may have a name of any length.
type Pair = (Cause, u64);

/// The lines of one cause within one second, and those that were kept back since the last one.
#[derive(Debug)]
struct Second {
    began: Instant,
    lines: u32,
    kept_back: u64,
}

impl Refusals {
    /// Counts in the metrics of the process. There is one of it.
    pub fn new(registry: &mut Registry) -> Self {
        let counts = Family::default();
        for cause in Cause::ALL {
            // So that a scraper sees every cause from the start, at 0.
            drop(counts.get_or_create(&Labels {
                cause: cause.label(),
            }));
        }
        registry.register(
            "pointsman_refused_registrations",
            "What publishers sent and was refused: whole messages, single URIs and single options, by cause",
            counts.clone(),
        );
        Self {
            counts,
            told: Mutex::new(Told::nothing()),
        }
    }

    /// Counts a refusal, and tells it if it is news.
    pub(crate) fn report(&self, refusal: &Refusal, origin: Origin<'_>) {
        let cause = refusal.cause;
        self.counts
            .get_or_create(&Labels {
                cause: cause.label(),
            })
            .inc();
        let news = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.is_news(cause, origin.publisher, Instant::now())
        };
        let Some(kept_back) = news else { return };
        tracing::error!(
            component = origin.component,
            error = shown(refusal),
            payload = excerpt(origin.payload),
            subject = origin.subject,
            publisher = excerpt(origin.publisher.as_bytes()),
            kept_back,
            "validation-error"
        );
    }
}

/// A refusal for the log. Its cause is ours; the rest is made of foreign text.
fn shown(refusal: &Refusal) -> String {
    let Refusal { cause, detail } = refusal;
    if detail.is_empty() {
        return cause.to_string();
    }
    format!("{cause}: {}", excerpt(detail.as_bytes()))
}

impl Told {
    fn nothing() -> Self {
        Self {
            since: Instant::now(),
            seed: fastrand::u64(..),
            pairs: HashSet::new(),
            seconds: HashMap::new(),
        }
    }

    /// Whether a line may be written, and then how many of its cause were kept back since the last one.
    fn is_news(&mut self, cause: Cause, publisher: &str, now: Instant) -> Option<u64> {
        if now.duration_since(self.since) >= FORGOTTEN_AFTER || self.pairs.len() >= REMEMBERED {
            self.pairs.clear();
            self.since = now;
        }
        let second = self.seconds.entry(cause).or_insert(Second {
            began: now,
            lines: 0,
            kept_back: 0,
        });
        if now.duration_since(second.began) >= Duration::from_secs(1) {
            second.began = now;
            second.lines = 0;
        }
        let pair = (cause, xxh3_64_with_seed(publisher.as_bytes(), self.seed));
        if second.lines >= LINES_PER_SECOND || self.pairs.contains(&pair) {
            second.kept_back += 1;
            return None;
        }
        second.lines += 1;
        self.pairs.insert(pair);
        Some(std::mem::take(&mut second.kept_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R-119: a refusal is told once per cause and publisher
    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_told_once_per_cause_and_publisher() {
        let mut told = Told::nothing();
        let now = Instant::now();
        assert_eq!(told.is_news(Cause::NotJson, "a", now), Some(0));
        assert_eq!(told.is_news(Cause::NotJson, "a", now), None);
        assert_eq!(
            told.is_news(Cause::NotJson, "b", now),
            Some(1),
            "one was kept back"
        );
        assert_eq!(told.is_news(Cause::TooDeep, "a", now), Some(0));
        assert_eq!(
            told.is_news(Cause::NotJson, "a", now + Duration::from_secs(60)),
            None
        );
        assert!(
            told.is_news(Cause::NotJson, "a", now + FORGOTTEN_AFTER)
                .is_some()
        );
    }

    /// L-38: one cause is told at most 10 times a second
    #[tokio::test(start_paused = true)]
    async fn lines_of_one_cause_are_rationed() {
        let mut told = Told::nothing();
        let now = Instant::now();
        let lines = |told: &mut Told, from: u32, now| {
            let publishers = (from..from + 100).map(|number| number.to_string());
            publishers
                .filter(|name| told.is_news(Cause::NotJson, name, now).is_some())
                .count()
        };
        assert_eq!(lines(&mut told, 0, now), 10);
        assert_eq!(lines(&mut told, 100, now + Duration::from_millis(900)), 0);
        assert_eq!(lines(&mut told, 200, now + Duration::from_secs(1)), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded() {
        let mut told = Told::nothing();
        let mut now = Instant::now();
        for number in 0..10_000 {
            now += Duration::from_millis(200);
            told.is_news(Cause::NotJson, &number.to_string(), now);
            assert!(told.pairs.len() <= REMEMBERED);
        }
        assert!(
            !std::mem::needs_drop::<Pair>(),
            "a pair holds nothing that a publisher could make larger"
        );
    }

    /// R-172: credentials that were refused are not told, and the cause is
    #[test]
    fn what_is_shown_of_a_refusal_has_no_credentials() {
        let refusal = Refusal::with(Cause::UriUserinfo, "user:secret@a.example.com");
        assert_eq!(
            shown(&refusal),
            format!("{}: ***@a.example.com", Cause::UriUserinfo)
        );
        let whole = Refusal::of(Cause::NoHost);
        assert_eq!(shown(&whole), Cause::NoHost.to_string());
    }

    #[tokio::test]
    async fn every_refusal_is_counted() {
        let mut registry = Registry::default();
        let refusals = Refusals::new(&mut registry);
        let origin = Origin {
            component: "subscriber",
            subject: "router.register",
            publisher: "10.0.0.1",
            payload: b"{",
        };
        for _ in 0..3 {
            refusals.report(&Refusal::of(Cause::Truncated), origin);
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(
            text.contains(r#"pointsman_refused_registrations_total{cause="truncated"} 3"#),
            "{text}"
        );
        assert!(text.contains(r#"{cause="uri_port"} 0"#), "{text}");
    }
}
