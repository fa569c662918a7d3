//! What a look-up costs, and what one change costs, in tables of 1, 10,000 and 100,000 routes.

#[path = "../testing/things.rs"]
mod things;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pointsman_routing::{Context, Cursors, Scratch, Selection, Thing, Time, Writer};

use things::{endpoint, route, uri};

const SIZES: [usize; 3] = [1, 10_000, 100_000];

fn writer(routes: usize) -> Writer {
    let mut writer = Writer::new(7);
    writer.begin(1);
    for number in 0..routes {
        writer.upsert(route(number));
        writer.upsert(endpoint(number, 1));
    }
    writer
}

fn lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lookup");
    for size in SIZES {
        let table = writer(size).publish();
        // So many hosts that they do not stay in the nearest cache, in no order of the table.
        let hosts: Vec<String> = (0..1_021)
            .map(|n| format!("{}:8080", uri(n * 7_919 % size)))
            .collect();
        let mut scratch = Scratch::default();
        let mut at = 0;
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                at = (at + 1) % hosts.len();
                black_box(table.lookup(&hosts[at], "/some/path", &mut scratch)).is_some()
            });
        });
    }
    group.finish();
}

fn choose(criterion: &mut Criterion) {
    let table = writer(1).publish();
    let route = table
        .lookup(&uri(0), "/", &mut Scratch::default())
        .expect("a route");
    let mut cursors = Cursors::new();
    criterion.bench_function("choose", |bencher| {
        bencher.iter(|| {
            let mut context = Context {
                settings: table.settings(),
                cursors: &mut cursors,
                now: Time::since_origin(Duration::from_secs(1)),
                random: 7,
                max_connections: 500,
                near: None,
                slow_start: Duration::ZERO,
            };
            black_box(Selection::new().next(route, &mut context)).is_ok()
        });
    });
}

fn apply_one_change(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply one change");
    for size in SIZES {
        let mut writer = writer(size);
        let mut published = writer.publish();
        let mut generation = 1;
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_batched(
                || {
                    generation += 1;
                    endpoint(
                        usize::try_from(generation).expect("small") * 7_919 % size,
                        generation,
                    )
                },
                |thing| {
                    writer.upsert(thing);
                    // The last table is freed here, as the control thread does.
                    published = writer.publish();
                },
                BatchSize::SmallInput,
            );
        });
        drop(published);
    }
    group.finish();
}

/// What a snapshot costs the control thread, without the wire.
fn fill(criterion: &mut Criterion) {
    let things: Vec<Thing> = (0..10_000)
        .flat_map(|number| [route(number), endpoint(number, 1)])
        .collect();
    let mut group = criterion.benchmark_group("fill");
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("10,000 routes", |bencher| {
        bencher.iter_batched(
            || things.clone(),
            |things| {
                let mut writer = Writer::new(7);
                writer.begin(1);
                things.into_iter().for_each(|thing| writer.upsert(thing));
                (writer.publish(), writer)
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Resident bytes of this process.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}

/// What a table takes when it was filled, and after every instance has registered anew twice, under
/// another id, with a publication every thousand things as a data plane makes them.
fn memory(_: &mut Criterion) {
    let size = 100_000;
    let before = resident();
    let mut writer = writer(size);
    let mut published = writer.publish();
    tell("filled", (resident() - before) / size);
    for life in 2..4 {
        for number in 0..size {
            writer.upsert(endpoint(number, life));
            if number % 1_000 == 0 {
                drop(std::mem::replace(&mut published, writer.publish()));
            }
        }
        drop(std::mem::replace(&mut published, writer.publish()));
        // As the control thread does with every sign of life.
        (0..30).for_each(|_| writer.tidy());
        tell("registered anew", (resident() - before) / size);
    }
    drop(published);
}

#[expect(clippy::print_stdout, reason = "a bench tells what it measured")]
fn tell(when: &str, bytes: usize) {
    println!("memory, {when}: {bytes} bytes for a route with one endpoint and full tags");
}

criterion_group!(benches, memory, fill, lookup, choose, apply_one_change);
criterion_main!(benches);
