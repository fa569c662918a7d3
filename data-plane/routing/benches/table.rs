//! What a look-up costs, and what one change costs, in tables of 1, 10,000 and 100,000 routes.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use pointsman_route_key::RouteKey;
use pointsman_routing::{
    Address, Attributes, Context, Cursors, EndpointThing, Protocol, RouteThing, Scratch, Selection,
    Thing, Time, Writer,
};

const SIZES: [usize; 3] = [1, 10_000, 100_000];

fn uri(number: usize) -> String {
    format!("app-{number}.apps.example.com")
}

fn route(number: usize) -> Thing {
    Thing::Route(RouteThing {
        key: RouteKey::from_uri(&uri(number)).expect("a URI"),
        segment: String::new(),
        revision: 1,
        birth: 1,
        generation: 1,
        host_as_registered: uri(number),
        path_as_registered: "/".to_owned(),
        attributes: Attributes::default(),
    })
}

/// An endpoint as an app of Cloud Foundry registers it, its tags included.
fn endpoint(number: usize, generation: u64) -> Thing {
    let guid = format!("{number:08x}-2222-3333-4444-555555555555");
    let instance = format!("{number:08x}-7777-4888-{generation:04x}-6666");
    let name = format!("some-app-{number}");
    // A hundred apps in a space, ten spaces in an organization.
    let (space, organization) = (number / 100, number / 1_000);
    let space_id = format!("{space:08x}-bbbb-3333-4444-555555555555");
    let space_name = format!("some-space-{space}");
    let organization_id = format!("{organization:08x}-aaaa-3333-4444-555555555555");
    let organization_name = format!("some-organization-{organization}");
    let tags = [
        ("app_id", guid.as_str()),
        ("app_name", &name),
        ("component", "route-emitter"),
        ("instance_id", "0"),
        ("organization_id", &organization_id),
        ("organization_name", &organization_name),
        ("process_id", guid.as_str()),
        ("process_instance_id", instance.as_str()),
        ("process_type", "web"),
        ("source_id", guid.as_str()),
        ("space_id", &space_id),
        ("space_name", &space_name),
    ];
    let host = (number / 256 % 256, number % 256);
    Thing::Endpoint(Box::new(EndpointThing {
        key: RouteKey::from_uri(&uri(number)).expect("a URI"),
        address: Address::parse(&format!(
            "10.0.{}.{}:{}",
            host.0,
            host.1,
            61_000 + number / 65_536
        ))
        .expect("an address"),
        segment: String::new(),
        group: String::new(),
        generation,
        protocol: Protocol::Http1,
        protocol_text: "http1".to_owned(),
        tls: Some(instance.clone()),
        app_id: guid.clone(),
        instance_id: instance.clone(),
        instance_index: "0".to_owned(),
        tags: Some(
            tags.map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        ),
        availability_zone: "z1".to_owned(),
        route_service_url: String::new(),
        balancing: None,
        max_connections: 0,
        updated_at_ns: 1,
        stale_threshold_seconds: 120,
        silent: false,
    }))
}

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
                now: Time::since_origin(std::time::Duration::from_secs(1)),
                random: 7,
                max_connections: 500,
                near: None,
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
