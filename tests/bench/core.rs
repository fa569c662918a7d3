//! Pinning processes to cores, and reading their CPU time from the kernel.

use std::process::Command;
use std::time::Duration;

/// CPU time of a process, all of its threads, as the kernel counts it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl CpuTime {
    /// What the process has used since it began.
    pub(crate) fn of(pid: u32) -> Self {
        let path = format!("/proc/{pid}/stat");
        let stat = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // The fields behind the name, which may hold blanks: utime and stime are the 14th and 15th of the line.
        let fields = stat
            .rsplit_once(") ")
            .map(|(_, rest)| rest)
            .unwrap_or_default();
        let mut fields = fields
            .split(' ')
            .skip(11)
            .map(|field| field.parse().unwrap_or(0));
        let mut next = || Duration::from_millis(fields.next().unwrap_or(0) * TICK_MILLISECONDS);
        Self {
            user: next(),
            system: next(),
        }
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            user: self.user - before.user,
            system: self.system - before.system,
        }
    }

    pub(crate) fn total(self) -> Duration {
        self.user + self.system
    }
}

/// The kernel shows CPU time in hundredths of a second on every machine that Linux runs on today (`USER_HZ`).
const TICK_MILLISECONDS: u64 = 10;

/// A command that runs on these cores only.
pub(crate) fn pinned(cores: &str, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores, program]);
    command
}

/// Moves a running process with all of its threads to these cores.
pub(crate) fn pin(pid: u32, cores: &str) {
    let status = Command::new("taskset")
        .args(["-a", "-p", "-c", cores, &pid.to_string()])
        .stdout(std::process::Stdio::null())
        .status()
        .expect("taskset");
    assert!(status.success(), "taskset -p {pid}: {status}");
}
