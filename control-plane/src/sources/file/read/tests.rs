use std::time::Duration;

use pointsman_registry::{
    Algorithm, Balancing, Filter, HeaderField, PathRewrite, Rewrite, Rules, Timeouts,
};

use super::*;

fn problems(text: &str) -> String {
    match read("r.yml", text) {
        Ok(routes) => panic!("it is good: {routes:?}"),
        Err(problems) => problems.to_string(),
    }
}

fn routes(text: &str) -> Vec<Declared> {
    let read = read("r.yml", text).unwrap_or_else(|problems| panic!("{problems}"));
    read.into_iter().map(|(route, _)| route).collect()
}

fn rules(route: &Declared) -> &Rules {
    route
        .options
        .rules
        .as_deref()
        .expect("a declared route has rules")
}

fn addresses(route: &Declared) -> Vec<&str> {
    route.endpoints.keys().map(|address| &**address).collect()
}

const EVERYTHING: &str = "
routes:
  - host: '*.Example.com'
    path: /Api/
    segment: east
    rules:
      rewrite: { host: 'inside:8080', prefix: /v2 }
      request_headers:
        remove: [X-Gone]
        set: { X-Set: '1' }
        add: { X-Added: 2 }
      response_headers:
        set: { Server: ours }
      timeouts: { request: 30s, attempt: 10s, idle: 1m }
      attempts: { most: 2, repeatable: true }
      balancing: { algorithm: hash, hash_header: X-User, hash_balance: 1.25 }
      route_service_url: https://rs.example.com
      empty_status: 404
    endpoints: ['10.0.0.1:80', 'App.internal:81']
    instances:
      - address: '[2001:db8::1]:443'
        tls: { server_cert_domain_san: name }
        protocol: http2
        app_id: app
        instance_id: instance
        instance_index: 3
        availability_zone: z1
        tags: { component: web }
";

#[test]
fn everything_that_can_be_said_is_read() {
    let routes = routes(EVERYTHING);
    let [route] = &routes[..] else {
        panic!("{routes:?}")
    };
    assert_eq!(route.uri.key().to_string(), "*.example.com/api");
    assert_eq!(&*route.segment, "east");
    assert_eq!(
        addresses(route),
        ["10.0.0.1:80", "App.internal:81", "[2001:db8::1]:443"]
    );
    let description = &route.endpoints["[2001:db8::1]:443"];
    assert!(description.is_tls());
    assert_eq!(
        (description.server_cert_domain_san(), description.protocol()),
        ("name", "http2")
    );
    assert_eq!(
        (description.app_id(), description.instance_index()),
        ("app", "3")
    );
    assert_eq!(description.tag("component"), Some("web"));
    let options = &route.options;
    assert_eq!(&*options.route_service_url, "https://rs.example.com");
    let balancing = Balancing {
        algorithm: Algorithm::Hash,
        hash_header: "X-User".into(),
        hash_balance: 1.25,
    };
    assert_eq!(options.balancing, Some(balancing));
}

#[test]
fn rules_are_read_in_the_order_in_which_they_are_kept() {
    let routes = routes(EVERYTHING);
    let rules = rules(&routes[0]);
    let secs = |count| Some(Duration::from_secs(count));
    assert_eq!(
        rules.timeouts,
        Timeouts {
            request: secs(30),
            attempt: secs(10),
            idle: secs(60)
        }
    );
    assert_eq!(
        (rules.max_attempts, rules.repeatable, rules.empty_status),
        (Some(2), true, Some(404))
    );
    let [
        Filter::Rewrite(rewrite),
        Filter::RequestHeaders(request),
        Filter::ResponseHeaders(response),
    ] = &rules.filters[..]
    else {
        panic!("{rules:?}")
    };
    let wanted = Rewrite {
        host: "inside:8080".into(),
        path: PathRewrite::Prefix("/v2".into()),
    };
    assert_eq!(*rewrite, wanted);
    let field = |name: &str, value: &str| HeaderField {
        name: name.into(),
        value: value.into(),
    };
    assert_eq!(request.remove, ["X-Gone".into()]);
    assert_eq!(request.set, [field("X-Set", "1")]);
    assert_eq!(request.add, [field("X-Added", "2")]);
    assert_eq!(response.set, [field("Server", "ours")]);
}

#[test]
fn nothing_is_declared_by_saying_so() {
    for text in ["", " \n\n", "# routes:\n", "---\n", "null"] {
        assert_eq!(
            problems(text),
            "r.yml: is empty; to declare nothing, write `routes: []`",
            "{text:?}"
        );
    }
    for text in ["routes: []", "routes: []\nservices: {}\n", "{}"] {
        assert_eq!(routes(text), [], "{text:?}");
    }
}

#[test]
fn a_second_document_is_refused_where_it_begins() {
    let told = problems("routes: [{ host: a.com }]\n---\nroutes: [{ host: b.com }]\n");
    assert!(
        told.starts_with("r.yml:2:1: begins a second document"),
        "{told}"
    );
}

/// F-017: a name may hold a colon
#[test]
fn a_service_is_served_below_its_name_and_version_of_every_host() {
    let routes = routes(
        "
services:
  search:
    v1: ['10.0.0.1:80', '10.0.0.2:80']
    v2: []
  'odd:name':
    '1.0': ['10.0.0.3:80']
",
    );
    let shown: Vec<_> = routes
        .iter()
        .map(|route| (route.uri.key().to_string(), route.endpoints.len()))
        .collect();
    let wanted = [
        ("*/odd:name/1.0", 1),
        ("*/search/v1", 2),
        ("*/search/v2", 0),
    ];
    assert_eq!(shown, wanted.map(|(key, count)| (key.to_owned(), count)));
    for route in &routes {
        assert_eq!(route.uri.key().host, pointsman_route_key::Host::Any);
        let strip = Rewrite {
            host: "".into(),
            path: PathRewrite::Prefix("".into()),
        };
        assert_eq!(rules(route).filters, [Filter::Rewrite(strip)]);
        assert_eq!(rules(route).empty_status, Some(503), "it is known");
    }
}

/// F-015: where name and version stand is configured
/// F-016: in each file by itself
/// F-047: services are reached over TLS
#[test]
fn a_catalogue_says_where_name_and_version_stand() {
    let routes = routes(
        "
catalogue:
  host: '{name}.svc.example.com'
  path: '/api/{version}'
  strip_prefix: false
  segment: east
  instances: { tls: { server_cert_domain_san: svc }, app_id: shared }
  rules: { timeouts: { request: 1s } }
services:
  search: { v1: ['10.0.0.1:443'] }
",
    );
    let [route] = &routes[..] else {
        panic!("{routes:?}")
    };
    assert_eq!(route.uri.key().to_string(), "search.svc.example.com/api/v1");
    assert_eq!(&*route.segment, "east");
    assert!(rules(route).filters.is_empty());
    assert_eq!(rules(route).timeouts.request, Some(Duration::from_secs(1)));
    let description = &route.endpoints["10.0.0.1:443"];
    assert_eq!(
        (description.server_cert_domain_san(), description.app_id()),
        ("svc", "shared")
    );
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_nearest_known_one() {
    assert_eq!(
        problems("routes:\n- host: a\n  endpionts: ['10.0.0.1:80']\n"),
        "r.yml:3:3: routes[0].endpionts: is no key of this file; did you mean `endpoints`?"
    );
    assert_eq!(
        problems("service:\n  a: {}\n"),
        "r.yml:1:1: service: is no key of this file; did you mean `services`?"
    );
}

#[test]
fn all_problems_are_told_together() {
    let text = "
routes:
- host: a
  path: b
  endpoints: ['10.0.0.1']
- host: a.com
  rules:
    timeouts: { request: 0s }
    attempts: { most: 0 }
- path: /x
";
    assert_eq!(
        problems(text),
        "r.yml:4:9: routes[0].path: `b` begins with no slash; write /b\n\
         r.yml:8:26: routes[1].rules.timeouts.request: is nothing; write a time such as 30s, or leave it out\n\
         r.yml:9:23: routes[1].rules.attempts.most: is 0; write 1 or more, or leave it out\n\
         r.yml:10:3: routes[2]: the key `host` is missing"
    );
}

/// One value that is wrong, and a part of what is told of it.
const WRONG: &[(&str, &str)] = &[
    (
        "endpoints: ['10.0.0.1']",
        "routes[0].endpoints[0]: `10.0.0.1` is no endpoint; write HOST:PORT",
    ),
    (
        "endpoints: ['169.254.169.254:80']",
        "the host is a metadata service",
    ),
    (
        "endpoints: ['0.0.0.0:80']",
        "the host is the unspecified address",
    ),
    (
        "endpoints: ['a:80', 'a:80']",
        "routes[0].endpoints[1]: `a:80` stands here a second time",
    ),
    (
        "instances: [{}]",
        "routes[0].instances[0]: `` is no endpoint",
    ),
    ("path: /a?b", "`/a?b` has a query"),
    (
        "path: /a#b",
        "with its path is no route: the URI has a fragment",
    ),
    (
        "rules: { rewrite: { prefix: /a, path: /b } }",
        "says more than once what becomes of the path",
    ),
    (
        "rules: { rewrite: { path: '' } }",
        "routes[0].rules.rewrite.path: `` is no path",
    ),
    (
        "rules: { rewrite: { prefix: 'a' } }",
        "`a` is no path; write it from a slash on",
    ),
    ("rules: { rewrite: { path: '/a b' } }", "`/a b` is no path"),
    ("rules: { rewrite: { host: 'a/b' } }", "`a/b` is no host"),
    (
        "rules: { request_headers: { set: { Host: a } } }",
        "names `Host`, which the router writes itself",
    ),
    (
        "rules: { response_headers: { remove: [Content-Length] } }",
        "names `Content-Length`, which the router",
    ),
    (
        "rules: { response_headers: { remove: ['a b'] } }",
        "names `a b`, which is no header field",
    ),
    (
        "rules: { rewrite: { host: '' } }",
        "`` is no host; write HOST or HOST:PORT",
    ),
    (
        "rules: { request_headers: { add: { X-A: \"a\\r\\nb\" } } }",
        "gives `X-A` a value that no header field can have",
    ),
    (
        "instances: [{ address: '10.0.0.1:80', app_id: \"a\\u0007\" }]",
        "a control character",
    ),
    (
        "rules: { balancing: { algorithm: hash, hash_header: 'a b' } }",
        "balancing.hash_header: is no header field",
    ),
    (
        "rules: { balancing: { algorithm: hash } }",
        "balancing.hash_header: is missing",
    ),
    (
        "rules: { balancing: { algorithm: round-robin, hash_header: x } }",
        "stands beside another algorithm",
    ),
    (
        "rules: { balancing: { algorithm: hash, hash_header: x, hash_balance: -1 } }",
        "is no factor",
    ),
    (
        "rules: { balancing: { algorithm: roundrobin } }",
        "did you mean `round-robin`?",
    ),
    (
        "rules: { route_service_url: 'http://a' }",
        "`http://a` is no route service",
    ),
    ("rules: { empty_status: 500 }", "is neither 404 nor 503"),
];

/// F-023: an endpoint that stands twice is refused
#[test]
fn a_wrong_value_is_told_with_what_would_be_right() {
    for (line, told) in WRONG {
        let text = format!("routes:\n- host: a.example.com\n  {line}\n");
        let problems = problems(&text);
        assert!(problems.contains(told), "{line}: {problems}");
        assert!(problems.starts_with("r.yml:"), "{problems}");
    }
    for (host, told) in [
        ("a b", "visible ASCII"),
        ("", "names no host"),
        ("a:80", "has a port"),
        ("x*.com", "a wildcard"),
    ] {
        let problems = problems(&format!("routes:\n- host: '{host}'\n"));
        assert!(problems.contains(told), "{host}: {problems}");
    }
}

/// what would not fit into a message to a data plane is refused where it is written
#[test]
fn a_filter_names_so_many_fields_and_no_more() {
    let rules = |fields: usize| {
        let names: Vec<_> = (0..fields).map(|number| format!("X-{number}")).collect();
        let names = names.join(", ");
        format!(
            "routes:\n- host: a.example.com\n  rules: {{ request_headers: {{ remove: [{names}] }} }}\n"
        )
    };
    assert_eq!(routes(&rules(128)).len(), 1);
    let problems = problems(&rules(129));
    assert!(
        problems.contains("names 129 header fields, more than 128"),
        "{problems}"
    );
}

#[test]
fn a_catalogue_that_cannot_work_is_told_once() {
    let problems = problems(
        "
catalogue: { path: '/{name}', rules: { empty_status: 1 }, instances: { address: 'a:1' } }
services:
  a: { v1: [], v2: [] }
  'b/c': { v1: [] }
",
    );
    for told in [
        "catalogue.path: does not say where {version} stands",
        "catalogue.rules.empty_status: is neither 404 nor 503",
        "catalogue.instances.address: is one address for all services",
        "services.b/c.v1: `b/c` cannot stand between two slashes",
    ] {
        assert_eq!(problems.matches(told).count(), 1, "{told}: {problems}");
    }
}

#[test]
fn a_route_that_stands_twice_is_told_with_both_places() {
    let text = "routes:\n- host: a.com\n  path: /X\n- host: b.com\n- host: A.com\n  path: /x/\n";
    assert_eq!(
        problems(text),
        "r.yml:5:3: A.com/x/ stands here a second time; the first is at r.yml:2:3; leave one of them out"
    );
}

#[test]
fn what_is_no_yaml_is_told_with_its_line() {
    assert!(problems("routes:\n- host: [\n").starts_with("r.yml:"));
    assert!(problems("routes: 5\n").starts_with("r.yml:1:9: routes: must be a list"));
    assert!(problems("- a\n").contains("must be a map"));
}

#[test]
fn the_example_of_the_documentation_is_good() {
    let example = include_str!("../../../../../deploy/examples/routes.yml");
    let routes = routes(example);
    let names: Vec<_> = routes.iter().map(|route| route.uri.as_sent()).collect();
    assert_eq!(
        names,
        ["static.example.com/api", "*/search/v1", "*/search/v2"]
    );
}
