//! What a scraper gets.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::CounterWithExemplar;

use super::*;

fn sample() -> Registry {
    let mut registry = registry(Build {
        program: "control-plane",
        version: "1.2.3",
    });
    let requests: Counter = Counter::default();
    requests.inc_by(3);
    registry.register("requests", "Requests answered", requests);
    let traced = CounterWithExemplar::<Vec<(String, String)>>::default();
    traced.inc_by(
        1,
        Some(vec![("trace_id".to_owned(), "a # {\"b".to_owned())]),
        None,
    );
    registry.register("traced", "With an exemplar", traced);
    registry
}

#[test]
fn a_scraper_gets_the_format_that_it_weighs_highest() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;\
                      version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let cases = [
        (None, Format::Classic),
        (Some("*/*"), Format::Classic),
        (Some(prometheus), Format::OpenMetrics),
        (
            Some("application/openmetrics-text;q=0.2, text/plain;q=0.9"),
            Format::Classic,
        ),
        (Some("application/openmetrics-text;q=0"), Format::Classic),
        (Some("text/html"), Format::Classic),
    ];
    for (accept, format) in cases {
        assert_eq!(Format::negotiate(accept), format, "{accept:?}");
    }
}

#[test]
fn the_classic_text_names_counters_by_their_samples_and_drops_what_it_does_not_know() {
    let text = Exposition::of(&sample(), None).expect("metrics can be written");
    assert_eq!(
        text.content_type,
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let lines: Vec<_> = text.body.lines().collect();
    assert!(
        lines.contains(&"# TYPE requests_total counter"),
        "{}",
        text.body
    );
    assert!(
        lines.contains(&"# HELP requests_total Requests answered."),
        "{}",
        text.body
    );
    assert!(lines.contains(&"requests_total 3"), "{}", text.body);
    assert!(
        lines.contains(&"# TYPE pointsman_build_info gauge"),
        "{}",
        text.body
    );
    assert!(lines.contains(&"traced_total 1"), "{}", text.body);
    assert!(!text.body.contains("EOF"));
    let build = "pointsman_build_info{program=\"control-plane\",version=\"1.2.3\"} 1";
    assert!(lines.contains(&build), "{}", text.body);
    assert!(
        text.body.contains("\nprocess_start_time_seconds 1"),
        "{}",
        text.body
    );
}

#[test]
fn open_metrics_keeps_exemplars_and_ends_with_its_mark() {
    let accept = Some("application/openmetrics-text; version=1.0.0");
    let text = Exposition::of(&sample(), accept).expect("metrics can be written");
    assert!(text.body.ends_with("# EOF\n"));
    assert!(text.body.contains("traced_total 1.0 # {") || text.body.contains("traced_total 1 # {"));
}
