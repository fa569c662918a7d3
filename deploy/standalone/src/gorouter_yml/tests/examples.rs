//! Three complete files, as they are found in the field.

use std::collections::BTreeSet;

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

fn protecting(refused: &Refused) -> BTreeSet<&str> {
    refused
        .protecting()
        .map(|problem| problem.key.as_str())
        .collect()
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

#[test]
fn the_file_of_a_bosh_deployment_is_right_and_asks_for_protection() {
    let refused = load(include_str!("examples/bosh.yml")).expect_err("it asks for more");
    assert_eq!(refused.problems().count(), 0, "{refused}");
    assert_eq!(protecting(&refused), BTreeSet::from(["nats.tls_enabled"]));
    assert_eq!(
        protecting(&refused),
        BTreeSet::from(["route_services_secret"])
    );
}

#[test]
fn the_hardened_file_is_right_and_asks_for_more_protection() {
    let refused = load(include_str!("examples/hardened.yml")).expect_err("it asks for more");
    assert_eq!(refused.problems().count(), 0, "{refused}");
    assert_eq!(protecting(&refused), BTreeSet::from(["nats.tls_enabled",]));
    assert_eq!(
        protecting(&refused),
        BTreeSet::from([
            "route_services.strict_signature_validation",
            "route_services_secret",
            "route_services_secret_decrypt_only",
            "route_services_hairpinning_allowlist",
        ])
    );
}
