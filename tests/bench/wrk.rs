//! wrk, and what it says.

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::client::{LOAD, Tally, Target, host};
use crate::machine::CpuTime;

/// Sends requests for the first route as fast as they are answered, after a short run that does not count.
pub(crate) fn run(target: Target, connections: usize, duration: Duration) -> io::Result<Tally> {
    stretch(target, connections, 1)?;
    let before = CpuTime::of(target.pid);
    let own = CpuTime::of_threads(&LOAD);
    let seconds = duration.as_secs().max(1);
    let mut tally = stretch(target, connections, seconds)?;
    tally.used = CpuTime::of(target.pid).since(before);
    // wrk itself is another process: what stands here is the backend alone.
    tally.load = CpuTime::of_threads(&LOAD).since(own);
    Ok(tally)
}

fn stretch(target: Target, connections: usize, seconds: u64) -> io::Result<Tally> {
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s")])
        .args(["-H", &format!("Host: {}", host(0))])
        .arg(format!("http://{}/", target.address))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    read(&text).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        io::Error::other(format!("wrk said: {text}{errors}"))
    })
}

fn read(text: &str) -> Option<Tally> {
    let mut tally = Tally {
        requests: 0,
        errors: 0,
        elapsed: Duration::ZERO,
        used: CpuTime::default(),
        load: CpuTime::default(),
    };
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [requests, "requests", "in", elapsed, ..] => {
                tally.requests = requests.parse().ok()?;
                tally.elapsed = duration_of(elapsed.trim_end_matches(','))?;
            }
            ["Socket", "errors:", ..] | ["Non-2xx", ..] => {
                let numbers = line
                    .split([' ', ','])
                    .filter_map(|word| word.parse::<u64>().ok());
                tally.errors += numbers.sum::<u64>();
            }
            _ => {}
        }
    }
    (tally.requests > 0).then_some(tally)
}

/// `6.10s`, `1.00m`.
fn duration_of(text: &str) -> Option<Duration> {
    let end = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let number: f64 = text[..end].parse().ok()?;
    let unit = match &text[end..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number * unit))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::read;

    #[test]
    fn reads_what_wrk_prints() {
        let tally = read(
            "  31337 requests in 6.10s, 40.10MB read\n  Socket errors: connect 1, read 2, write 0, timeout 3\n  \
             Non-2xx or 3xx responses: 10\nRequests/sec:  5137.21\n",
        )
        .unwrap();
        assert_eq!(tally.requests, 31_337);
        assert_eq!(tally.elapsed, Duration::from_millis(6100));
        assert_eq!(tally.errors, 16);
        assert!(read("unable to connect").is_none());
    }
}
