//! The bound on the memory of the process: new requests are shed before the system ends it.

use std::fs;
use std::path::Path;

use super::Worker;

/// Of a hundred parts of the budget, above how many new requests are shed.
const PERCENT: u64 = 90;

/// How much memory the process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Bytes above which requests are shed.
    shed_above: u64,
}

impl Memory {
    /// The bound that was configured, or else the one of the process's control group; `None` where there is neither.
    pub(super) fn budget(configured: Option<u64>) -> Option<Self> {
        let budget = configured.or_else(of_control_group)?;
        Some(Self {
            shed_above: budget / 100 * PERCENT,
        })
    }
}

impl Worker {
    /// Looks whether there is memory for more requests, where this worker is the one that does.
    pub(super) fn look_at_memory(&self) {
        let Some(memory) = self.memory else { return };
        let Some(used) = used() else { return };
        let short = used > memory.shed_above;
        if !self.admission.places().set_memory_short(short) {
            return;
        }
        let shed_above = memory.shed_above;
        if short {
            tracing::warn!(component = "worker", used, shed_above, "memory-short");
        } else {
            tracing::info!(component = "worker", used, shed_above, "memory-suffices");
        }
    }
}

/// The memory of the process that cannot be taken from it: what files hold can be read again.
fn used() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// The least bound of the process's control group and those that it lies in.
fn of_control_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().filter_map(bound_of).min()
}

/// What a line of the process's control groups bounds its memory to, as cgroup v2 or v1 have it. In a container the folders
/// are those that it sees, of which the upmost is its own.
fn bound_of(line: &str) -> Option<u64> {
    let (root, group, file) = if let Some(group) = line.strip_prefix("0::/") {
        ("/sys/fs/cgroup", group, "memory.max")
    } else {
        let (_, group) = line.split_once(":memory:/")?;
        ("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes")
    };
    let folders = Path::new(group).ancestors();
    let bounds = folders.filter_map(|folder| {
        let file = Path::new(root).join(folder).join(file);
        fs::read_to_string(file).ok()?.trim().parse().ok()
    });
    bounds.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_of_a_budget_may_be_used() {
        let shed_above = 900 * 1024;
        let budget = Memory::budget(Some(1000 * 1024));
        assert_eq!(budget, Some(Memory { shed_above }));
        assert!(used() > Some(100 * 1024));
    }
}
