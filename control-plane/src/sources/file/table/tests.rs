use super::super::read::read;
use super::*;

fn put(table: &mut Table, file: &str, text: &str) {
    let routes = read(file, text).unwrap_or_else(|problems| panic!("{problems}"));
    table.put(PathBuf::from(file), routes);
}

/// What the registry is told, in short words.
fn told(table: &mut Table) -> Vec<String> {
    let uri = |it: &Registration| it.uris[0].as_sent().to_owned();
    let events = table.news().events.into_iter();
    events
        .map(|event| match event {
            Event::Declare(route) => format!("+{}", route.uri.as_sent()),
            Event::Withdraw(route) => format!("-{}", route.uri.as_sent()),
            Event::Register(it) => format!("+{} {}", uri(&it), it.address),
            Event::Lapse(it, Absence::Explicit) => format!("-{} {}", uri(&it), it.address),
            Event::Lapse(it, Absence::Inferred) => format!("?{} {}", uri(&it), it.address),
            _ => "something else".to_owned(),
        })
        .collect()
}

const NOTHING: [&str; 0] = [];

/// F-031: what is told once is not changed by who looks at it
#[test]
fn the_registry_is_told_what_is_new() {
    let mut table = Table::default();
    put(
        &mut table,
        "a.yml",
        "services: { s: { v1: ['10.0.0.1:1', '10.0.0.2:1'] } }",
    );
    assert_eq!(
        told(&mut table),
        ["+*/s/v1", "+*/s/v1 10.0.0.1:1", "+*/s/v1 10.0.0.2:1"]
    );
    assert_eq!(told(&mut table), NOTHING);
    put(
        &mut table,
        "a.yml",
        "services: { s: { v1: ['10.0.0.3:1', '10.0.0.2:1'] } }",
    );
    assert_eq!(
        told(&mut table),
        ["+*/s/v1 10.0.0.3:1", "-*/s/v1 10.0.0.1:1"],
        "what comes is told before what goes"
    );
    put(&mut table, "a.yml", "services: { s: { v1: [] } }");
    assert_eq!(
        told(&mut table),
        ["-*/s/v1 10.0.0.2:1", "-*/s/v1 10.0.0.3:1"],
        "somebody wrote that there is none"
    );
    put(
        &mut table,
        "a.yml",
        "services: { s: { v2: ['10.0.0.2:1'] } }",
    );
    assert_eq!(
        told(&mut table),
        ["+*/s/v2", "+*/s/v2 10.0.0.2:1", "-*/s/v1"]
    );
    table.remove(Path::new("a.yml"));
    assert_eq!(
        told(&mut table),
        ["?*/s/v2 10.0.0.2:1", "-*/s/v2"],
        "only absence says so"
    );
}

#[test]
fn a_change_of_rules_or_of_one_endpoint_is_told_alone() {
    let file = |time: &str, zone: &str| {
        format!(
            "routes: [{{ host: a, rules: {{ timeouts: {{ idle: {time} }} }}, \
             instances: [{{ address: 'b:1', availability_zone: {zone} }}] }}]"
        )
    };
    let mut table = Table::default();
    put(&mut table, "a.yml", &file("1s", "z1"));
    told(&mut table);
    put(&mut table, "a.yml", &file("2s", "z1"));
    assert_eq!(told(&mut table), ["+a"]);
    put(&mut table, "a.yml", &file("2s", "z2"));
    assert_eq!(told(&mut table), ["+a b:1"]);
}

#[test]
fn a_route_of_another_segment_is_another_route() {
    let mut table = Table::default();
    put(&mut table, "a.yml", "routes: [{ host: a, segment: east }]");
    told(&mut table);
    put(&mut table, "a.yml", "routes: [{ host: a, segment: west }]");
    assert_eq!(told(&mut table), ["+a", "-a"]);
}

#[test]
fn of_a_route_in_two_files_the_first_file_counts_whichever_came_first() {
    let route = |host: &str, at: &str| format!("routes:\n- host: {host}\n  endpoints: ['{at}']\n");
    let mut table = Table::default();
    put(&mut table, "b.yml", &route("a.com", "b:1"));
    assert_eq!(told(&mut table), ["+a.com", "+a.com b:1"]);
    put(&mut table, "a.yml", &route("A.com", "a:1"));
    let news = table.news();
    let conflicts: Vec<_> = news.conflicts.iter().map(ToString::to_string).collect();
    assert_eq!(
        conflicts,
        [
            "b.yml:2:3: a.com stands in another file already; a.yml:2:3 counts; leave one of them out"
        ]
    );
    assert_eq!(table.routes(), 1);
    table.remove(Path::new("a.yml"));
    assert_eq!(
        told(&mut table),
        ["+a.com b:1", "-A.com a:1"],
        "the other one is left"
    );
    assert!(table.news().conflicts.is_empty());
}
