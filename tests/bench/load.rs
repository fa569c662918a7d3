//! The load: wrk, and what it says.

use std::net::SocketAddr;
use std::time::Duration;

use crate::core::pinned;
use crate::options::Options;

/// What wrk measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    /// How long it really took.
    pub(crate) elapsed: Duration,
    pub(crate) p99: Duration,
    /// Socket errors, time-outs and statuses other than 2xx and 3xx.
    pub(crate) errors: u64,
}

/// Sends requests for `host` as fast as they are answered.
pub(crate) fn run(to: SocketAddr, host: &str, seconds: u64, options: &Options) -> Load {
    let output = pinned(&options.other_cores, "wrk")
        .args([
            "-t1",
            &format!("-c{}", options.connections),
            &format!("-d{seconds}s"),
        ])
        .args(["--latency", "-H", &format!("Host: {host}")])
        .arg(format!("http://{to}/"))
        .output()
        .expect("wrk");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "wrk: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    read(&text).unwrap_or_else(|| panic!("wrk said something new:\n{text}"))
}

fn read(text: &str) -> Option<Load> {
    let mut load = Load {
        requests: 0,
        elapsed: Duration::ZERO,
        p99: Duration::ZERO,
        errors: 0,
    };
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [requests, "requests", "in", elapsed, ..] => {
                load.requests = requests.parse().ok()?;
                load.elapsed = duration(elapsed.trim_end_matches(','))?;
            }
            ["99%", latency] => load.p99 = duration(latency)?,
            ["Socket", "errors:", ..] | ["Non-2xx", ..] => {
                let numbers = line
                    .split([' ', ','])
                    .filter_map(|word| word.parse::<u64>().ok());
                load.errors += numbers.sum::<u64>();
            }
            _ => {}
        }
    }
    (load.requests > 0).then_some(load)
}

/// `6.10s`, `4.47ms`, `801.00us`.
fn duration(text: &str) -> Option<Duration> {
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
        let load = read(
            "  Latency Distribution\n     50%  801.00us\n     99%    4.47ms\n  \
             31337 requests in 6.10s, 40.10MB read\n  Socket errors: connect 1, read 2, write 0, timeout 3\n  \
             Non-2xx or 3xx responses: 10\nRequests/sec:  5137.21\n",
        )
        .unwrap();
        assert_eq!(load.requests, 31_337);
        assert_eq!(load.elapsed, Duration::from_millis(6100));
        assert_eq!(load.p99, Duration::from_micros(4470));
        assert_eq!(load.errors, 16);
        assert!(read("unable to connect").is_none());
    }
}
