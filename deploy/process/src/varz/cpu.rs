//! What the process takes of the machine, as the kernel tells it.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

/// What the kernel counts the time of processes in, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Where user time stands behind the name of the program, and behind it system time.
const USER_TIME: usize = 11;

/// The share of a processor that was used between the last two looks.
#[derive(Debug, Default)]
pub(super) struct Cpu {
    last: Option<(Instant, Duration)>,
    share: f64,
}

impl Cpu {
    pub(super) fn look(&mut self, now: Instant) {
        let Some(used) = used() else { return };
        if let Some((then, before)) = self.last.replace((now, used)) {
            let passed = now.saturating_duration_since(then).as_secs_f64();
            if passed > 0.0 {
                self.share = used.saturating_sub(before).as_secs_f64() / passed;
            }
        }
    }

    /// Seconds of a processor per second; above 1 with several of them.
    pub(super) fn share(&self) -> f64 {
        self.share
    }
}

/// The time that all threads of the process had; `None` where the kernel does not say so.
fn used() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name stands in parentheses, and may hold any.
    let (_, rest) = text.rsplit_once(')')?;
    let mut times = rest
        .split_ascii_whitespace()
        .skip(USER_TIME)
        .map(str::parse);
    let (user, system): (u32, u32) = (times.next()?.ok()?, times.next()?.ok()?);
    Some(TICK * user.saturating_add(system))
}

/// The most memory that the process has had at a time, in KiB; 0 where the kernel does not say so.
pub(super) fn peak_resident_kib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmHWM:"));
    let figure = line.and_then(|line| line.split_ascii_whitespace().next());
    figure
        .and_then(|figure| figure.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_the_process_takes() {
        assert!(peak_resident_kib() > 100);
        let begun = Instant::now();
        let mut cpu = Cpu::default();
        cpu.look(begun);
        assert!(cpu.share().abs() < f64::EPSILON, "one look tells nothing");
        let before = used().expect("the kernel says so");
        let mut spun = 0_u64;
        while used().expect("it still does") < before + 3 * TICK {
            spun = spun.wrapping_add(1);
        }
        cpu.look(Instant::now().max(begun + TICK));
        assert!(cpu.share() > 0.0, "{cpu:?} after {spun} rounds");
    }
}
