//! The machine: pinning processes and threads to cores, and reading CPU time and memory from the kernel.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::thread::{CpuSet, gettid, sched_setaffinity};

/// CPU time of a process, all of its threads, as the kernel counts it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl CpuTime {
    /// What the process has used since it began; nothing, once it has ended.
    pub(crate) fn of(pid: u32) -> Self {
        Self::read(&format!("/proc/{pid}/stat"))
    }

    /// What the threads of this process have used whose names are among these, and which still run.
    pub(crate) fn of_threads(names: &[&str]) -> Self {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
        let mut sum = Self::default();
        for task in tasks.filter_map(Result::ok) {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            if names.contains(&name.trim_end()) {
                let used = Self::read(&task.path().join("stat").to_string_lossy());
                sum.user += used.user;
                sum.system += used.system;
            }
        }
        sum
    }

    fn read(path: &str) -> Self {
        let stat = std::fs::read_to_string(path).unwrap_or_default();
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
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }

    pub(crate) fn total(self) -> Duration {
        self.user + self.system
    }
}

/// The kernel shows CPU time in hundredths of a second on every machine that Linux runs on today (`USER_HZ`).
const TICK_MILLISECONDS: u64 = 10;

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// What it holds now.
    pub(crate) resident: u64,
    /// The most that it held since it began.
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number
                .and_then(|number| number.parse::<u64>().ok())
                .unwrap_or(0)
                * 1024
        };
        Self {
            resident: kibibytes("VmRSS:"),
            peak: kibibytes("VmHWM:"),
        }
    }
}

/// Two or more cores, shared out: the first is the measured proxy's alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    count: usize,
}

impl Cores {
    /// The cores of this machine; none, when there is but one.
    pub(crate) fn find() -> Option<Self> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        (count >= 2).then_some(Self { count })
    }

    /// The core of the measured proxy, as `taskset -c` reads it.
    pub(crate) fn proxy(self) -> &'static str {
        "0"
    }

    /// Whether load and backend have to share a core.
    pub(crate) fn are_few(self) -> bool {
        self.count == 2
    }

    /// Moves this thread to the proxy's core.
    pub(crate) fn join_the_proxy(self) {
        set_affinity(0..1);
    }

    /// Keeps this thread, and what it starts from now on, away from the proxy's core.
    pub(crate) fn leave_the_proxy_alone(self) {
        set_affinity(1..self.count);
    }

    /// Lets this thread, and what it starts from now on, run everywhere.
    pub(crate) fn use_all(self) {
        set_affinity(0..self.count);
    }
}

fn set_affinity(cores: std::ops::Range<usize>) {
    let mut set = CpuSet::new();
    cores.for_each(|core| set.set(core));
    sched_setaffinity(None, &set).expect("cores that the machine has");
}

/// A command that runs on these cores only.
pub(crate) fn pinned(cores: &str, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores, program]);
    command
}

/// Puts this thread before every ordinary one of its core; whether that was allowed.
///
/// For what measures latency: else a broker that shares the core with it is measured too.
pub(crate) fn take_precedence() -> bool {
    let thread = gettid().as_raw_nonzero().to_string();
    let status = Command::new("chrt")
        .args(["--fifo", "--pid", "10", &thread])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Where a program of the system is: in the folder of administrators' programs, which is not in every `$PATH`, or by
/// its name.
pub(crate) fn program(name: &str) -> String {
    let in_sbin = format!("/usr/sbin/{name}");
    if std::path::Path::new(&in_sbin).is_file() {
        in_sbin
    } else {
        name.to_owned()
    }
}
