//! System calls of a data plane's worker.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use pointsman_tests::Process;
use rustix::process::{Pid, Signal, kill_process};

/// How long strace may take until it has attached itself, or has written what it counted.
const BOUND: Duration = Duration::from_secs(20);

/// How many system calls the worker makes during `exchange`.
pub(super) fn count(
    process: &Process,
    exchange: impl FnOnce() -> Result<(), String>,
) -> Result<u64, String> {
    let worker = worker_of(process.id()).ok_or("the data plane has no worker's thread")?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let out = folder.path().join("calls");
    let mut strace = Command::new("strace")
        .args(["-c", "-o"])
        .arg(&out)
        .args(["-p", &worker.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("strace: {error}"))?;
    let traced = wait_for(|| is_traced(process.id(), worker));
    let done = if traced {
        exchange()
    } else {
        Err("strace did not attach itself".to_owned())
    };
    let id = i32::try_from(strace.id()).ok().and_then(Pid::from_raw);
    if let Some(id) = id {
        // An strace that has ended already is seen by what it did not write.
        let _ended = kill_process(id, Signal::INT);
    }
    strace.wait().map_err(|error| error.to_string())?;
    done?;
    total(&out)
}

/// The thread of the one worker.
fn worker_of(pid: u32) -> Option<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    tasks
        .filter_map(Result::ok)
        .find(|task| {
            let name = std::fs::read_to_string(task.path().join("comm"));
            name.is_ok_and(|name| name.starts_with("worker"))
        })
        .and_then(|task| task.file_name().to_str()?.parse().ok())
}

fn is_traced(pid: u32, thread: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/task/{thread}/status"));
    let status = status.unwrap_or_default();
    let tracer = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}

/// Waits for a state of another process that nothing announces.
fn wait_for(mut state: impl FnMut() -> bool) -> bool {
    let end = tokio::time::Instant::now() + BOUND;
    while tokio::time::Instant::now() < end {
        if state() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// The number of calls in the line `total` of what strace writes.
fn total(file: &Path) -> Result<u64, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("strace wrote nothing: {error}"))?;
    of_text(&text).ok_or_else(|| format!("strace wrote something new:\n{text}"))
}

fn of_text(text: &str) -> Option<u64> {
    let line = text.lines().rev().find(|line| line.ends_with("total"))?;
    // Percent, seconds, microseconds per call, calls, perhaps errors, and the word.
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::of_text;

    #[test]
    fn the_calls_are_the_fourth_number() {
        let text = "% time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ----------------\n \
                    60.00    0.000300           1       200         3 recvfrom\n\
                    ------ ----------- ----------- --------- --------- ----------------\n\
                    100.00    0.000500           1       420         3 total\n";
        assert_eq!(of_text(text), Some(420));
    }
}
