//! The table against the schema.

use std::collections::BTreeSet;

use super::*;
use crate::gorouter_yml::parse;

/// A file with one element in every list of maps, so that their keys are seen as well.
fn full() -> GorouterYml {
    let mut file = parse("full", "").expect("an empty file is accepted").file;
    let tls = &mut file.frontend_tls;
    tls.tls_pem.0.push(Default::default());
    tls.verify_client_certificate_metadata
        .0
        .push(Default::default());
    tls.domains.0.push(Default::default());
    tls.verify_client_certificate_metadata.0[0]
        .valid_cert_subjects
        .push(Default::default());
    let rewrite = &mut file.headers.http_rewrite.responses;
    rewrite
        .add_headers_if_not_present
        .0
        .push(Default::default());
    rewrite.remove_headers.0.push(Default::default());
    file
}

fn leaves(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                leaves(value, &key, found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().for_each(|item| leaves(item, key, found));
        }
        _ => {
            found.insert(key.to_owned());
        }
    }
}

#[test]
fn every_key_of_the_schema_has_one_standing_and_nothing_else_has_one() {
    let mut keys = BTreeSet::new();
    leaves(&tree(&full()), "", &mut keys);
    assert!(keys.len() > 140, "the schema has {} keys only", keys.len());
    let covers = |row: &Row, key: &str| {
        key.strip_prefix(row.key)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    for key in &keys {
        let rows = TABLE.iter().filter(|row| covers(row, key)).count();
        assert_eq!(rows, 1, "{key} stands in {rows} rows");
    }
    for row in TABLE {
        assert!(
            keys.iter().any(|key| covers(row, key)),
            "{} is no key of the schema",
            row.key
        );
    }
}

#[test]
fn a_file_of_defaults_asks_for_nothing_that_is_missing() {
    let accepted = parse("empty", "").expect("an empty file is accepted");
    assert!(accepted.not_served.is_empty());
    assert!(accepted.unknown.is_empty());
}

#[test]
fn keys_that_are_not_served_are_named_when_they_have_a_value_of_their_own() {
    let text =
        "debug_addr: 'a:2'\nroute_services_timeout: 60s\nlogging: {syslog_addr: 'a:1'}\nport: 80\n";
    let accepted = parse("g.yml", text).expect("nothing in it protects");
    assert_eq!(accepted.not_served, ["debug_addr", "logging.syslog_addr"]);
}

#[test]
fn keys_that_protect_stop_the_start_by_name() {
    let text = "\
tls_pem: []
client_cert_validation: require
logging: {redact_query_params: all}
access_log: {file: /tmp/access.log}
nats: {pass: s3cr3t}
";
    let refused = parse("g.yml", text).expect_err("it asks for protection");
    let keys: Vec<_> = refused
        .protecting()
        .map(|problem| problem.key.as_str())
        .collect();
    let expected = ["logging.redact_query_params"];
    assert_eq!(keys, expected);
    let told = refused.to_string();
    assert!(
        told.contains("g.yml:3:32: logging.redact_query_params: protects"),
        "{told}"
    );
    assert!(!told.contains("s3cr3t"), "{told}");
}
