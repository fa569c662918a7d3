//! Runs proxied exchanges through the codec, nothing else, so that their instructions can be
//! counted:
//!
//! ```text
//! cargo build --release -p pointsman-http1 --example exchange
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/examples/exchange 1000
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/examples/exchange 2000
//! ```
//!
//! The difference of the two totals, divided by 1,000, is the cost of one exchange. A second
//! argument `large` takes a browser's request instead of a small one.

#[path = "exchange/workload.rs"]
mod workload;

use workload::{Exchange, LARGE, SMALL};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: u64 = arguments
        .next()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(1000);
    let messages = if arguments.next().as_deref() == Some("large") {
        &LARGE
    } else {
        &SMALL
    };
    let mut exchange = Exchange::new();
    for _ in 0..rounds {
        std::hint::black_box(exchange.run(std::hint::black_box(messages)));
    }
}
