//! Three complete files, as they are found in the field.

use super::certificates::{Pair, client_ca, pair};
use super::{Accepted, Refused, parse};

/// Puts certificates in the place of `@@NAME@@`, at the same indentation.
fn filled(text: &str) -> String {
    let mut filled = String::new();
    let mut known: Vec<(String, Pair)> = Vec::new();
    for line in text.lines() {
        let name = line
            .trim()
            .strip_prefix("@@")
            .and_then(|rest| rest.strip_suffix("@@"));
        let Some(name) = name else {
            filled.push_str(line);
            filled.push('\n');
            continue;
        };
        let margin = &line[..line.find('@').unwrap_or_default()];
        let stem = name.trim_end_matches("_KEY").trim_end_matches("_CERT");
        if !known.iter().any(|(known, _)| known == stem) {
            known.push((stem.to_owned(), pair("example.test")));
        }
        let (_, pair) = known
            .iter()
            .find(|(known, _)| known == stem)
            .expect("it was just added");
        let pem = match name {
            "CLIENT_CA" => client_ca(),
            name if name.ends_with("_KEY") => pair.key.clone(),
            _ => pair.chain.clone(),
        };
        for line in pem.trim_end().lines() {
            filled.push_str(&format!("{margin}{line}\n"));
        }
    }
    filled
}

fn load(text: &str) -> Result<Accepted, Refused> {
    parse("gorouter.yml", &filled(text))
}

#[test]
fn the_minimal_file_starts() {
    let accepted = load(include_str!("examples/minimal.yml")).expect("it is accepted");
    assert!(accepted.unknown.is_empty(), "{:?}", accepted.unknown);
    assert!(accepted.not_served.is_empty(), "{:?}", accepted.not_served);
    let file = accepted.file;
    assert_eq!(file.nats.nats.urls()[0].expose(), "nats://:@127.0.0.1:4222");
    assert_eq!(file.routing_table.stale_threshold().to_string(), "30s");
    assert_eq!(
        (file.process.port, file.logging.logging.threshold()),
        (8081, "info")
    );
}

/// Everything in it that protects is honoured: TLS with clients and NATS, and route services.
#[test]
fn the_file_of_a_bosh_deployment_starts() {
    let accepted = load(include_str!("examples/bosh.yml")).expect("it is accepted");
    let file = accepted.file;
    assert!(file.process.enable_ssl && file.nats.nats.tls_enabled);
    assert!(file.route_services.is_enabled());
}

/// So it is where clients have to show who they are, and where route services are held to their requests.
#[test]
fn the_hardened_file_starts() {
    let accepted = load(include_str!("examples/hardened.yml")).expect("it is accepted");
    let file = accepted.file;
    assert!(file.nats.nats.tls_enabled);
    assert!(file.frontend_tls.only_trust_client_ca_certs);
    assert!(
        file.route_services
            .route_services
            .strict_signature_validation
    );
}
