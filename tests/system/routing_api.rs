//! Routes from the Routing API in one process, from a `gorouter.yml`: up to an answered request, and why a start fails.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;
use pointsman_tests::fleet::BOUND;
use pointsman_tests::ports;
use pointsman_tests::routing_api::route;
use pointsman_tests::{Authority, Broker, Client, Endpoint, Process, RoutingApi, Uaa, eventually};
use serde_json::Value;
use tempfile::TempDir;

/// What a file names, whether or not somebody listens there.
struct Servers {
    folder: TempDir,
    authority: Authority,
    broker: Broker,
    api: SocketAddr,
    uaa: SocketAddr,
}

impl Servers {
    /// Nobody listens but the broker.
    async fn absent() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("platform");
        let _ = authority.write(folder.path(), "ca");
        Self {
            folder,
            authority,
            broker: Broker::start().await,
            api: ports::lasting(),
            uaa: ports::lasting(),
        }
    }

    async fn start_uaa(&mut self) -> Uaa {
        let identity = self.authority.server(&["127.0.0.1"]);
        let uaa = Uaa::start(&identity, "gorouter", "s3cret").await;
        self.uaa = uaa.address();
        uaa
    }

    async fn start_api(&mut self, uaa: Option<&Uaa>) -> RoutingApi {
        let identity = self.authority.server(&["127.0.0.1"]);
        let api = RoutingApi::start(&identity, &self.authority, uaa).await;
        self.api = api.address();
        api
    }

    /// The keys of the Routing API; with more keys of its map.
    fn api_keys(&self, more: &str) -> String {
        let own = self.authority.client(&["gorouter"]);
        let block = |pem: &str| {
            let lines = pem.lines().map(|line| format!("    {line}\n"));
            format!("|\n{}", lines.collect::<String>())
        };
        let (ca, chain, key) = (
            block(self.authority.pem()),
            block(&own.certificate),
            block(&own.key),
        );
        let port = self.api.port();
        format!(
            "routing_api:\n  uri: https://127.0.0.1\n  port: {port}\n  {more}\n  ca_certs: {ca}  cert_chain: {chain}  \
             private_key: {key}"
        )
    }

    fn oauth_keys(&self, port: u16) -> String {
        let ca = self.folder.path().join("ca.pem");
        format!(
            "oauth: {{token_endpoint: 127.0.0.1, port: {port}, client_name: gorouter, client_secret: s3cret, \
             ca_certs: {}}}\ntoken_fetcher_max_retries: 1\ntoken_fetcher_retry_interval: 1ms\n",
            ca.display()
        )
    }

    /// Starts the router with these keys beside what every one has.
    fn router(&self, keys: &str) -> Process {
        let (health, routes) = (ports::lasting().port(), ports::lasting().port());
        let text = format!(
            "port: 0\nstatus: {{port: {health}, routes: {{port: {routes}}}}}\nstart_response_delay_interval: 1s\n\
             nats: {{hosts: [{{hostname: 127.0.0.1, port: {}}}]}}\n{keys}",
            self.broker.port()
        );
        let file = self.folder.path().join("gorouter.yml");
        std::fs::write(&file, text).expect("a file");
        Process::spawn("pointsman", [std::ffi::OsStr::new("-c"), file.as_os_str()])
    }
}

fn lines(router: &Process, message: &str) -> Vec<Value> {
    let log = router.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &Value| line["message"] == message)
        .collect()
}

/// Where it takes requests, once it does.
async fn traffic(router: &Process) -> SocketAddr {
    let port = eventually("the listener", BOUND, async || {
        let line = lines(router, "tcp-listener-started").pop();
        let port = line.and_then(|line| line["data"]["address"]["Port"].as_u64());
        port.ok_or_else(|| router.log())
    })
    .await;
    ([127, 0, 0, 1], u16::try_from(port).expect("a port")).into()
}

/// Waits until a request for this host is answered with this status; answers the body.
async fn answered(address: SocketAddr, host: &str, status: StatusCode) -> String {
    eventually(&format!("{status} for {host}"), BOUND, async || {
        let mut client = Client::connect(address).await;
        let answer = client.get(host, "/").await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        if answer.status == status {
            Ok(answer.text().to_owned())
        } else {
            Err(answer.status.to_string())
        }
    })
    .await
}

/// The exit status and the error of the line that tells why the start failed.
async fn failure(mut router: Process, message: &str) -> String {
    let status = router.ended(Duration::from_secs(30)).await;
    assert_eq!(status.code(), Some(1), "{}", router.log());
    let told = lines(&router, message);
    assert_eq!(told.len(), 1, "{}", router.log());
    assert!(lines(&router, "tcp-listener-started").is_empty());
    assert!(!router.log().contains("s3cret"));
    told[0]["data"]["error"]
        .as_str()
        .expect("an error")
        .to_owned()
}

/// C-501: a token is fetched, and stands in the requests
/// C-502: the process goes on
#[tokio::test]
async fn routes_of_the_api_are_answered() {
    let mut servers = Servers::absent().await;
    let uaa = servers.start_uaa().await;
    let api = servers.start_api(Some(&uaa)).await;
    let (one, other) = (Endpoint::named("one").await, Endpoint::named("other").await);
    let listed = route("listed.example.com", one.address(), "g", 0);
    api.put_silently(listed.clone());
    let keys = servers.api_keys("") + &servers.oauth_keys(servers.uaa.port());
    let mut router = servers.router(&keys);
    let address = traffic(&router).await;
    let body = answered(address, "listed.example.com", StatusCode::OK).await;
    assert_eq!(body, "one");
    eventually("the stream", BOUND, async || {
        let open = api.open_streams();
        (open == 1).then_some(()).ok_or(open.to_string())
    })
    .await;
    api.put(route("told.example.com", other.address(), "h", 0));
    let body = answered(address, "told.example.com", StatusCode::OK).await;
    assert_eq!(body, "other");
    api.delete(&listed);
    answered(address, "listed.example.com", StatusCode::NOT_FOUND).await;
    assert_eq!(lines(&router, "setting-up-routing-api").len(), 1);
    assert_eq!(lines(&router, "started-fetching-token").len(), 1);
    let source = &lines(&router, "syncer-started")[0]["source"];
    assert_eq!(source, "gorouter.stdout.route-fetcher");
    let tokens = api.authorizations();
    assert!(
        tokens.iter().all(|token| token == "bearer token-1"),
        "{tokens:?}"
    );
    assert!(lines(&router, "configuration-keys-not-served-yet").is_empty());
    assert!(router.is_running());
}

/// C-500: with `auth_disabled` no token is fetched, and that is told
/// CF-055: so it starts without a UAA
#[tokio::test]
async fn without_authorization_no_token_is_fetched() {
    let mut servers = Servers::absent().await;
    let api = servers.start_api(None).await;
    let router = servers.router(&servers.api_keys("auth_disabled: true"));
    traffic(&router).await;
    assert_eq!(lines(&router, "using-noop-token-fetcher").len(), 1);
    assert!(lines(&router, "started-fetching-token").is_empty());
    let given = api.authorizations();
    assert!(
        given.iter().all(|given| given.trim() == "bearer"),
        "{given:?}"
    );
}

/// C-498: without both sections the process starts
/// C-499: and does not speak of the API
/// CF-054: as it should
#[tokio::test]
async fn without_the_api_nothing_is_set_up() {
    let servers = Servers::absent().await;
    let router = servers.router("");
    traffic(&router).await;
    assert!(lines(&router, "setting-up-routing-api").is_empty());
    assert!(lines(&router, "using-noop-token-fetcher").is_empty());
}

/// C-503: without the UAA the start fails with `unable-to-fetch-token` and status 1
/// CF-056: it does not hang
#[tokio::test]
async fn without_the_uaa_the_start_fails() {
    let mut servers = Servers::absent().await;
    let api = servers.start_api(None).await;
    let keys = servers.api_keys("") + &servers.oauth_keys(servers.uaa.port());
    let error = failure(servers.router(&keys), "routing-api-connection-failed").await;
    assert!(error.starts_with("unable-to-fetch-token: "), "{error}");
    assert_eq!(api.lists(), 0);
}

/// C-504: without the API the start fails with `routing-api-connection-failed` and status 1
/// CF-057: it does not hang
#[tokio::test]
async fn without_the_api_the_start_fails() {
    let mut servers = Servers::absent().await;
    let uaa = servers.start_uaa().await;
    let keys = servers.api_keys("") + &servers.oauth_keys(servers.uaa.port());
    let error = failure(servers.router(&keys), "routing-api-connection-failed").await;
    assert!(error.to_lowercase().contains("connect"), "{error}");
    assert_eq!(uaa.requests(), 1);
    let api = servers.start_api(Some(&uaa)).await;
    api.set_down(true);
    let keys = servers.api_keys("") + &servers.oauth_keys(servers.uaa.port());
    let error = failure(servers.router(&keys), "routing-api-connection-failed").await;
    assert_eq!(error, "answered 503 Service Unavailable: down");
}

/// C-505: a UAA without a TLS port ends the start with words of its own
/// CF-058: at once
#[tokio::test]
async fn a_uaa_without_tls_ends_the_start() {
    let mut servers = Servers::absent().await;
    let api = servers.start_api(None).await;
    let keys = servers.api_keys("") + &servers.oauth_keys(0);
    let error = failure(servers.router(&keys), "initialize-router-error").await;
    assert!(error.contains("UAA client requires TLS enabled"), "{error}");
    assert_eq!(api.lists(), 0);
}

/// `skip_ssl_validation` believes every UAA, and only it.
#[tokio::test]
async fn any_uaa_is_believed_where_the_file_says_so() {
    let mut servers = Servers::absent().await;
    let foreign = Authority::new("foreign").server(&["elsewhere.example.com"]);
    let uaa = Uaa::start(&foreign, "gorouter", "s3cret").await;
    servers.uaa = uaa.address();
    let _api = servers.start_api(Some(&uaa)).await;
    let oauth = servers.oauth_keys(servers.uaa.port());
    let keys = servers.api_keys("") + &oauth;
    let error = failure(servers.router(&keys), "routing-api-connection-failed").await;
    assert!(error.contains("invalid peer certificate"), "{error}");
    let skipping = oauth.replacen('{', "{skip_ssl_validation: true, ", 1);
    let router = servers.router(&(servers.api_keys("") + &skipping));
    traffic(&router).await;
}
