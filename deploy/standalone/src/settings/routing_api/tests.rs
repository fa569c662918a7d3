//! What the keys of a file become.

use secrecy::ExposeSecret as _;

use super::*;
use crate::gorouter_yml::parse;

fn file(text: &str) -> GorouterYml {
    parse("g.yml", text).expect("it is accepted").file
}

/// A file with the Routing API switched on, and these keys; certificates are put in where they are read.
fn settings(keys: &str) -> Settings {
    let mut file = file(keys);
    let api = &mut file.routing_api.routing_api;
    api.uri = "https://api.internal".to_owned();
    api.port = 3001;
    routing_api(&file).expect("it is on")
}

fn uaa(settings: Settings) -> Uaa {
    match settings.authorization {
        Authorization::Uaa(uaa) => *uaa,
        Authorization::None => panic!("tokens are asked for"),
    }
}

const OAUTH: &str = "oauth: {token_endpoint: uaa.internal, port: 8443, client_name: gorouter, client_secret: s3cret}\n";

/// C-493: URI, port, authorities and certificate are taken over
/// C-495: without them there is no Routing API
/// C-492: the list is asked for at half the pruning interval
#[test]
fn the_api_is_where_the_file_says() {
    assert!(routing_api(&file("")).is_none());
    assert!(routing_api(&file("routing_api: {uri: 'https://a'}")).is_none());
    let settings = settings(OAUTH);
    assert_eq!(settings.url, "https://api.internal:3001");
    assert_eq!(settings.first_connection, FirstConnection::Once);
    assert_eq!(settings.interval, Duration::from_secs(15));
    let tls = settings.tls.expect("it is mandatory");
    let identity = tls.identity.expect("so is the certificate");
    let sources = [tls.authorities, identity.chain, identity.key];
    assert_eq!(
        sources.map(|source| source.to_string()),
        [
            "routing_api.ca_certs",
            "routing_api.cert_chain",
            "routing_api.private_key"
        ]
    );
    let interval = |keys: &str| self::settings(keys).interval;
    assert_eq!(
        interval("prune_stale_droplets_interval: 4s"),
        Duration::from_secs(2)
    );
    assert_eq!(
        interval("prune_stale_droplets_interval: 0s"),
        Settings::INTERVAL,
        "Gorouter ends itself here"
    );
}

/// C-493: the flag that no token is fetched is taken over
/// C-496: the six values of `oauth` are
#[test]
fn tokens_come_from_where_the_file_says() {
    let disabled = settings("routing_api: {auth_disabled: true}");
    assert!(matches!(disabled.authorization, Authorization::None));
    let of_the_system = uaa(settings(OAUTH));
    assert_eq!(of_the_system.url, "https://uaa.internal:8443");
    assert_eq!(of_the_system.client, "gorouter");
    assert!(!format!("{of_the_system:?}").contains("s3cret"));
    assert_eq!(of_the_system.secret.expose_secret(), "s3cret");
    let believed = |keys: &str| match uaa(settings(&OAUTH.replace('}', keys))).servers {
        Servers::All => "all".to_owned(),
        Servers::Certified(source) => source.to_string(),
    };
    assert_eq!(believed("}"), "CAs of the system");
    assert_eq!(believed(", ca_certs: /tmp/ca.pem}"), "/tmp/ca.pem");
    assert_eq!(
        believed(", ca_certs: /tmp/ca.pem, skip_ssl_validation: true}"),
        "all"
    );
}

/// C-497: how tokens are fetched is taken over, and has defaults
#[test]
fn how_tokens_are_fetched_is_as_the_file_says() {
    let figures = |keys: &str| {
        let uaa = uaa(settings(keys));
        (
            uaa.retries,
            uaa.retry_interval.as_secs(),
            uaa.expiration_buffer.as_secs(),
        )
    };
    assert_eq!(figures(""), (3, 5, 30));
    let keys = "token_fetcher_max_retries: 4\ntoken_fetcher_retry_interval: 10s\n\
                token_fetcher_expiration_buffer_time: 40\n";
    assert_eq!(figures(keys), (4, 10, 40));
    assert_eq!(
        figures("token_fetcher_expiration_buffer_time: -1"),
        (3, 5, 0)
    );
}
