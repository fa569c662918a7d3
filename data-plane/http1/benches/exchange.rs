//! How long one proxied exchange takes in the codec, and how fast a chunked body is read.
//! Instructions are the finer measure; see `examples/exchange.rs`.

#[path = "../examples/exchange/workload.rs"]
mod workload;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pointsman_http1::{BodyLength, BodyLimits, Decoder, Step};
use workload::{Exchange, LARGE, SMALL};

fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange");
    for (name, messages) in [("small", &SMALL), ("large", &LARGE)] {
        let mut exchange = Exchange::new();
        group.bench_function(name, |bencher| {
            bencher.iter(|| exchange.run(black_box(messages)));
        });
    }
    group.finish();
}

fn chunked(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chunked");
    for size in [64, 4096] {
        let chunk = [
            format!("{size:x}\r\n").into_bytes(),
            vec![b'x'; size],
            b"\r\n".to_vec(),
        ];
        let mut body = chunk.concat().repeat(65536 / size);
        body.extend_from_slice(b"0\r\n\r\n");
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(size.to_string(), |bencher| {
            bencher.iter(|| read(black_box(&body)));
        });
    }
    group.finish();
}

/// Reads a whole body; the number of its data bytes.
fn read(body: &[u8]) -> usize {
    let mut decoder = Decoder::new(BodyLength::Chunked, BodyLimits::REQUEST);
    let (mut at, mut data) = (0, 0);
    while let Ok(Step::Data(range)) = decoder.step(&body[at..]) {
        data += range.len();
        at += range.end;
    }
    data
}

criterion_group!(benches, exchange, chunked);
criterion_main!(benches);
