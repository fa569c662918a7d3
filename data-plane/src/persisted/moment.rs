//! Moments that outlive the process, and how long they are ago.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A moment, by the wall clock and, within one boot of the machine, by a clock that nobody sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    /// Milliseconds of the Unix epoch.
    pub(crate) unix_ms: u64,
    /// The machine's own time, where the system tells it.
    pub(crate) boot: Option<Boot>,
}

/// The time since the machine was booted, times of rest included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Boot {
    /// Names this boot among all of all machines.
    pub(crate) id: String,
    /// Milliseconds since.
    pub(crate) ms: u64,
}

/// How long a moment is ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// This long.
    Known(Duration),
    /// At least this long: the wall clock was set back, and nothing else tells.
    AtLeast(Duration),
}

impl Age {
    /// The least that it can be.
    pub(crate) const fn least(self) -> Duration {
        match self {
            Self::Known(age) | Self::AtLeast(age) => age,
        }
    }
}

impl Moment {
    /// This moment.
    pub(crate) fn now() -> Self {
        let unix_ms = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let boot = id.ok().map(|id| {
            let since = clock_gettime(ClockId::Boottime);
            let seconds = u64::try_from(since.tv_sec).unwrap_or_default();
            let millis = u64::try_from(since.tv_nsec / 1_000_000).unwrap_or_default();
            Boot {
                id: id.trim().to_owned(),
                ms: seconds.saturating_mul(1000).saturating_add(millis),
            }
        });
        Self { unix_ms, boot }
    }

    /// The moment that lies `ago` before this one.
    pub(crate) fn before(&self, ago: Duration) -> Self {
        let ms = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        Self {
            unix_ms: self.unix_ms.saturating_sub(ms),
            boot: self.boot.as_ref().and_then(|boot| {
                let ms = boot.ms.checked_sub(ms)?;
                let id = boot.id.clone();
                Some(Boot { id, ms })
            }),
        }
    }

    /// How long `earlier` is ago, never less than what is known.
    ///
    /// Within one boot the machine's own time decides, so that setting the wall clock changes
    /// nothing. Across boots it is the wall clock, and at least as long as this boot has lasted; a
    /// wall clock that now shows less than that only tells that it was set.
    pub(crate) fn since(&self, earlier: &Self) -> Age {
        let mut least = Duration::ZERO;
        if let (Some(now), Some(then)) = (&self.boot, &earlier.boot) {
            if now.id == then.id && now.ms >= then.ms {
                return Age::Known(Duration::from_millis(now.ms - then.ms));
            }
            if now.id != then.id {
                least = Duration::from_millis(now.ms);
            }
        }
        match self.unix_ms.checked_sub(earlier.unix_ms) {
            Some(ms) if Duration::from_millis(ms) >= least => Age::Known(Duration::from_millis(ms)),
            Some(_) | None => Age::AtLeast(least),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(unix_ms: u64, boot: Option<(&str, u64)>) -> Moment {
        Moment {
            unix_ms,
            boot: boot.map(|(id, ms)| Boot {
                id: id.to_owned(),
                ms,
            }),
        }
    }

    #[test]
    fn an_age_is_never_less_than_what_is_known() {
        let then = moment(100_000, Some(("a", 50_000)));
        let known = |ms| Age::Known(Duration::from_millis(ms));
        let at_least = |ms| Age::AtLeast(Duration::from_millis(ms));
        for (now, expected, what) in [
            (
                moment(107_000, Some(("a", 57_000))),
                known(7000),
                "both agree",
            ),
            (
                moment(20_000, Some(("a", 57_000))),
                known(7000),
                "the clock went back",
            ),
            (
                moment(900_000, Some(("a", 57_000))),
                known(7000),
                "it jumped ahead",
            ),
            (
                moment(107_000, Some(("b", 3000))),
                known(7000),
                "another boot",
            ),
            (
                moment(107_000, Some(("b", 9000))),
                at_least(9000),
                "a clock that lags",
            ),
            (
                moment(90_000, Some(("b", 3000))),
                at_least(3000),
                "back, in another boot",
            ),
            (moment(107_000, None), known(7000), "no machine time"),
            (
                moment(90_000, None),
                at_least(0),
                "back, without machine time",
            ),
            (
                moment(107_000, Some(("a", 1))),
                known(7000),
                "a boot that lies",
            ),
        ] {
            assert_eq!(now.since(&then), expected, "{what}");
        }
    }

    #[test]
    fn a_moment_before_this_one_is_that_old() {
        let now = Moment::now();
        let hour = Duration::from_secs(3600);
        let earlier = Moment::now().before(hour);
        let age = now.since(&earlier);
        assert!(matches!(age, Age::Known(_)), "{age:?}");
        assert!(age.least() + Duration::from_secs(60) > hour, "{age:?}");
        let ancient = moment(5, Some(("a", 5))).before(hour);
        assert_eq!(ancient, moment(0, None));
    }
}
