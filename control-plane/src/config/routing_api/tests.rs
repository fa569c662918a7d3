//! What the section says, and what is said about it.

use std::collections::BTreeMap;

use pointsman_process::configuration::load_str;
use secrecy::ExposeSecret as _;

use super::*;
use crate::config::Config;

fn settings(text: &str) -> Option<Settings> {
    let config = load_str::<Config>("cp.yml", text);
    let config = config.unwrap_or_else(|problems| panic!("{problems}")).value;
    let environment = BTreeMap::<String, String>::new();
    config.settings(&environment).unwrap().routing_api
}

/// C-495: without a section it is not asked
#[test]
fn without_a_url_it_is_not_asked() {
    assert!(settings("").is_none());
    assert!(settings("routing_api: {interval: 5s}").is_none());
}

#[test]
fn a_url_is_enough() {
    let settings = settings("routing_api: {url: 'https://api.internal'}").unwrap();
    assert_eq!(settings.url, "https://api.internal");
    assert_eq!(settings.interval.as_secs(), 15);
    assert_eq!(settings.request_timeout.as_secs(), 60);
    let tls = settings.tls.unwrap();
    assert_eq!(tls.authorities.to_string(), "CAs of the system");
    assert!(tls.identity.is_none());
    assert!(matches!(settings.authorization, Authorization::None));
    let here = self::settings("routing_api: {url: 'http://127.0.0.1:3000/'}").unwrap();
    assert!(here.tls.is_none());
}

#[test]
fn everything_can_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "sesame\n").unwrap();
    let text = format!(
        "nats: {{servers: []}}
routing_api:
  url: https://api.internal:3001
  tls: {{ca: ca.crt, certificate: cp.crt, key: cp.key}}
  uaa:
    url: https://uaa.internal:8443
    client: gorouter
    secret_file: {}
    ca: uaa.crt
    expiration_buffer: 40s
    retries: 4
    retry_interval: 10s
  interval: 1s
  request_timeout: 2s
  reconnect_max_wait: 3s
",
        secret.display()
    );
    let settings = settings(&text).unwrap();
    let tls = settings.tls.unwrap();
    let identity = tls.identity.unwrap();
    let sources = [tls.authorities, identity.chain, identity.key];
    assert_eq!(
        sources.map(|source| source.to_string()),
        ["ca.crt", "cp.crt", "cp.key"]
    );
    let Authorization::Uaa(uaa) = settings.authorization else {
        panic!("tokens are asked for");
    };
    assert!(matches!(&uaa.servers, Servers::Certified(file) if file.to_string() == "uaa.crt"));
    assert_eq!(
        (&*uaa.client, uaa.secret.expose_secret()),
        ("gorouter", "sesame")
    );
    let seconds = [
        uaa.expiration_buffer,
        uaa.retry_interval,
        settings.interval,
        settings.request_timeout,
        settings.reconnect_max_wait,
    ];
    assert_eq!(seconds.map(|time| time.as_secs()), [40, 10, 1, 2, 3]);
    assert_eq!(uaa.retries, 4);
}

#[test]
fn what_is_wrong_is_told_by_its_key() {
    let uaa = |url: &str, client: &str| {
        format!("{{url: 'https://a', uaa: {{url: '{url}', client: '{client}', secret_file: s}}}}")
    };
    let cases = [
        ("{tls: {ca: a}}".to_owned(), "tls: has no server"),
        ("{url: 'api:3001'}".to_owned(), "url: begins with neither"),
        (
            "{url: 'https://u:p@a'}".to_owned(),
            "url: holds credentials",
        ),
        (
            "{url: 'https://a/routing'}".to_owned(),
            "url: goes on behind",
        ),
        ("{url: 'https://'}".to_owned(), "url: names no host"),
        ("{url: 'https://a:0'}".to_owned(), "url: has the port 0"),
        (
            "{url: 'http://a:1'}".to_owned(),
            "url: would send tokens in clear text",
        ),
        (
            "{url: 'http://[::1]:1', tls: {ca: a}}".to_owned(),
            "tls: stands beside a URL without TLS",
        ),
        ("{url: 'https://a', tls: null}".to_owned(), "tls: is empty"),
        ("{url: 'https://a', uaa: null}".to_owned(), "uaa: is empty"),
        (
            "{url: 'https://a', tls: {ca: a, key: b}}".to_owned(),
            "tls.key: has no certificate",
        ),
        (
            "{url: 'https://a', tls: {ca: a, certificate: b}}".to_owned(),
            "tls.certificate: has no key",
        ),
        (
            uaa("http://uaa", "c"),
            "uaa.url: would send the secret in clear text",
        ),
        (uaa("https://uaa:0", "c"), "uaa.url: has the port 0"),
        (uaa("https://uaa", ""), "uaa.client: is empty"),
        (
            "{url: 'https://a', interval: 0s}".to_owned(),
            "interval: is too short",
        ),
    ];
    for (section, told) in cases {
        let text = format!("routing_api: {section}");
        let problems = load_str::<Config>("cp.yml", &text).unwrap_err().to_string();
        assert!(
            problems.contains(&format!("routing_api.{told}")),
            "{text}: {problems}"
        );
    }
}
