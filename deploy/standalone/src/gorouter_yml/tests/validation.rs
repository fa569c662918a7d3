//! What Gorouter refuses, in its words.

use super::certificates::{block, pair};
use super::{checked, parse, refused, told};

fn cases(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(told(text), [*expected], "{text}");
    }
}

/// CF-004: a file with a wrong value does not start the process.
/// CF-034: one of the health listeners must be there.
/// CF-037: certificate and key of the TLS health listener come together.
/// CF-038: a port of its own is enough to demand them.
/// CF-075: one of the listeners must be there.
/// C-388: without any health listener the start is refused.
/// C-391: a missing certificate is told.
/// C-392: so is a missing key.
/// C-393: and port 0.
#[test]
fn listeners_that_cannot_be() {
    let key = "router.status.tls.key must be provided";
    let certificate = "router.status.tls.certificate must be provided";
    cases(&[
        (
            "status: {enable_nontls_health_checks: false}",
            "Neither TLS nor non-TLS health endpoints are enabled. Refusing to start gorouter.",
        ),
        ("status: {tls: {certificate: c}}", key),
        ("status: {tls: {key: k}}", certificate),
        (
            "disable_http: true",
            "neither http nor https listener is enabled: router.enable_ssl: false, router.disable_http: true",
        ),
    ]);
    assert_eq!(told("status: {tls: {port: 1}}"), [key, certificate]);
    let nothing = "status: {tls: {port: 0}}";
    assert_eq!(
        told(nothing),
        [key, certificate, "router.status.tls.port must not be 0"]
    );
}

/// CF-035: a certificate with its key is taken.
/// CF-036: an unusable one is not.
/// C-389: a certificate with its key is taken.
/// C-390: a bad certificate or key is refused with its beginning.
#[test]
fn the_certificate_of_the_health_listener() {
    let good = pair("status.test");
    let status = |chain: &str, key: &str| {
        let (chain, key) = (block(chain, 6), block(key, 6));
        format!("status:\n  tls:\n    certificate: {chain}    key: {key}")
    };
    assert!(checked(&status(&good.chain, &good.key)).is_empty());
    let prefix = "Error loading router.status.tls certificate/key pair: ";
    for (chain, key, why) in [
        (
            "no pem",
            good.key.as_str(),
            "tls: failed to find any PEM data in certificate input",
        ),
        (
            &good.chain,
            "no pem",
            "tls: failed to find any PEM data in key input",
        ),
        (
            &good.chain,
            &pair("b.test").key,
            "tls: private key does not match public key",
        ),
    ] {
        assert_eq!(told(&status(chain, key)), [format!("{prefix}{why}")]);
    }
}

/// CF-045: NATS over TLS takes a client certificate and CAs.
/// CF-046: an unusable client certificate is refused.
/// C-075: with the words that begin so.
/// CF-047: CAs that cannot be read are refused, with the text that says "routing-api".
#[test]
fn nats_over_tls() {
    let good = pair("nats.test");
    let nats = |chain: &str, key: &str, ca: &str| {
        let (chain, key, ca) = (block(chain, 4), block(key, 4), block(ca, 4));
        format!(
            "nats:\n  tls_enabled: true\n  cert_chain: {chain}  private_key: {key}  ca_certs: {ca}"
        )
    };
    assert!(checked(&nats(&good.chain, &good.key, &good.chain)).is_empty());
    let accepted = parse("g.yml", &nats(&good.chain, &good.key, &good.chain));
    assert!(accepted.expect("it is served").not_served.is_empty());
    assert_eq!(
        told(&nats("x", &good.key, &good.chain)),
        ["Error loading NATS key pair: tls: failed to find any PEM data in certificate input"]
    );
    assert_eq!(
        told(&nats(&good.chain, &good.key, "no pem")),
        ["Error while adding CACerts to gorouter's routing-api cert pool: \nno pem\n\n"]
    );
    let empty = told("nats: {tls_enabled: true}");
    assert!(
        empty[0].starts_with("Error loading NATS key pair: "),
        "{empty:?}"
    );
}

/// CF-051: the Routing API takes a client certificate and CAs.
/// CF-052: unusable ones are refused.
/// C-493: with all of them it is on.
/// C-494: a certificate, a key or an authority that is none is refused.
#[test]
fn the_routing_api() {
    let good = pair("api.test");
    let api = |chain: &str, key: &str, ca: &str| {
        let (chain, key, ca) = (block(chain, 4), block(key, 4), block(ca, 4));
        format!(
            "routing_api:\n  uri: https://a\n  port: 3001\n  cert_chain: {chain}  private_key: {key}  ca_certs: {ca}"
        )
    };
    assert!(checked(&api(&good.chain, &good.key, &good.chain)).is_empty());
    assert_eq!(told(&api("x", &good.key, &good.chain)).len(), 1);
    assert_eq!(told(&api(&good.chain, "x", &good.chain)).len(), 1);
    let refused = told(&api(&good.chain, &good.key, "x"));
    assert!(
        refused[0].contains("gorouter's routing-api cert pool"),
        "{refused:?}"
    );
}

/// CF-066: `segments` needs a list.
/// CF-067: `shared-and-segments` takes one.
/// CF-068: and does without.
/// CF-069: another mode is refused.
/// C-160: `all` needs no list.
/// C-161: `segments` with a list is valid.
/// C-162: `segments` without one is not.
/// C-163: `shared-and-segments` with a list is valid.
/// C-164: another mode is refused.
#[test]
fn sharding_modes() {
    assert!(checked("routing_table_sharding_mode: all").is_empty());
    assert!(checked("routing_table_sharding_mode: segments\nisolation_segments: [a]").is_empty());
    assert!(
        checked("routing_table_sharding_mode: shared-and-segments\nisolation_segments: [a]")
            .is_empty()
    );
    assert!(checked("routing_table_sharding_mode: shared-and-segments").is_empty());
    cases(&[
        (
            "routing_table_sharding_mode: segments",
            "Expected isolation segments; routing table sharding mode set to segments and none provided.",
        ),
        (
            "routing_table_sharding_mode: foo",
            "Invalid sharding mode: foo. Allowed values are [all segments shared-and-segments]",
        ),
    ]);
}

/// CF-099: other modes of `X-Forwarded-Client-Cert` are refused.
/// CF-108: other algorithms are refused.
/// CF-109: other zone preferences are refused.
/// CF-110: capitals do not help, and neither does nothing.
/// CF-125: a threshold is a duration, and not negative.
/// CF-145: other redactions are refused.
/// C-212: `least-connection` is accepted.
/// C-213: `foo-bar` is not, with Gorouter's words.
/// C-214: so it is with every other word.
/// C-468: a healthy threshold of 20 s is taken.
/// C-469: a negative one is refused.
/// C-470: one that is no duration cannot be unmarshalled.
#[test]
fn choices_are_gorouters() {
    cases(&[
        (
            "forwarded_client_cert: foo",
            "Invalid forwarded client cert mode: foo. Allowed values are [always_forward forward sanitize_set]",
        ),
        (
            "balancing_algorithm: foo-bar",
            "Invalid load balancing algorithm foo-bar. Allowed values are [round-robin least-connection]",
        ),
        (
            "balancing_algorithm: Round-Robin",
            "Invalid load balancing algorithm Round-Robin. Allowed values are [round-robin least-connection]",
        ),
        (
            "balancing_algorithm: ''",
            "Invalid load balancing algorithm . Allowed values are [round-robin least-connection]",
        ),
        (
            "balancing_algorithm_az_preference: meow-only",
            "Invalid load balancing AZ preference meow-only. Allowed values are [none locally-optimistic]",
        ),
        (
            "load_balancer_healthy_threshold: -5s",
            "Invalid load balancer healthy threshold: -5s",
        ),
        (
            "load_balancer_healthy_threshold: soon",
            "cannot unmarshal !!str `soon` into time.Duration",
        ),
        (
            "logging: {redact_query_params: sometimes}",
            "Invalid query param redaction mode: sometimes. Allowed values are [none all hash]",
        ),
    ]);
    for text in [
        "balancing_algorithm: least-connection",
        "balancing_algorithm_az_preference: locally-optimistic",
        "forwarded_client_cert: forward",
        "forwarded_client_cert: sanitize_set",
        "load_balancer_healthy_threshold: 20s",
    ] {
        assert!(checked(text).is_empty(), "{text}");
    }
}

/// CF-111: a pair towards endpoints is checked when it is whole.
/// CF-112: half a pair is ignored.
#[test]
fn the_certificate_towards_endpoints() {
    let good = pair("backend.test");
    let backends = |chain: &str, key: &str| {
        format!(
            "backends:\n  cert_chain: {}  private_key: {}",
            block(chain, 4),
            block(key, 4)
        )
    };
    assert!(checked(&backends(&good.chain, &good.key)).is_empty());
    assert_eq!(
        told(&backends("x", "y")),
        ["Error loading key pair: tls: failed to find any PEM data in certificate input"]
    );
    assert!(checked("backends: {cert_chain: x}").is_empty());
    assert_eq!(
        told("route_services: {cert_chain: x, private_key: y}").len(),
        1
    );
    assert!(checked("route_services: {private_key: y}").is_empty());
}

/// CF-129: a host that may not be hairpinned to stops the start, also where hairpinning is off.
#[test]
fn what_makes_gorouter_panic_is_a_problem_like_others() {
    cases(&[
        ("logging: {level: debug2}", "unrecognized level: \"debug2\""),
        ("publish_active_apps_interval: -1s", "is negative"),
        (
            "route_services_hairpinning_allowlist: ['*.ok.example', 'no host']",
            "invalid route service hairpinning allowlist entry: no host. Must be wildcard (*.domain.com) or FQDN \
             (hostname.domain.com)",
        ),
        (
            "prometheus: {meters: {http_latency_histogram_buckets: [2, 1]}}",
            "histogram buckets must be in increasing order",
        ),
    ]);
}

#[test]
fn a_field_that_could_not_be_written_is_told() {
    cases(&[
        (
            "http_rewrite: {responses: {remove_headers: [{name: X-A}, {name: 'a b'}]}}",
            "field name is not a token",
        ),
        (
            "http_rewrite: {responses: {add_headers_if_not_present: [{name: X-A, value: \"a\\nb\"}]}}",
            "field value has a control byte or a blank at its edge",
        ),
        (
            "http_rewrite: {responses: {add_headers_if_not_present: [{name: Connection, value: close}]}}",
            "field belongs to the connection and not to the answer",
        ),
        (
            "tracing: {w3c_tenant_id: 'a,b'}",
            "cannot stand in a tracestate",
        ),
    ]);
    assert!(checked("http_rewrite: {responses: {remove_headers: [{name: Server}]}}").is_empty());
}

/// CF-137: streaming to a network of another kind is refused.
/// CF-138: envelopes need an address.
/// C-437: without the address of the agent the file is refused.
#[test]
fn addresses_of_logs() {
    cases(&[
        (
            "access_log: {enable_streaming: true}\nlogging: {syslog_network: unix}",
            "syslog: invalid network: unix",
        ),
        (
            "logging: {metron_address: ''}",
            "Failed to initialize dropsonde: destination variable not set",
        ),
    ]);
    assert!(checked("logging: {syslog_network: unix}").is_empty());
    assert!(checked("enable_envelope_v1_metrics: false\nlogging: {metron_address: ''}").is_empty());
}

#[test]
fn wrong_values_are_told_together_with_their_places() {
    let text = "\
balancing_algorithm: x
disable_http: true
logging: {level: loud}
";
    assert_eq!(
        refused(text).to_string(),
        "\
g.yml:1:22: balancing_algorithm: Invalid load balancing algorithm x. Allowed values are [round-robin least-connection]
g.yml:2:15: disable_http: neither http nor https listener is enabled: router.enable_ssl: false, \
router.disable_http: true
g.yml:3:18: logging.level: unrecognized level: \"loud\"; write debug, info, warn or error"
    );
}
