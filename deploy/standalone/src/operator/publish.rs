//! `pointsman publish`: registers an endpoint for as long as it runs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use async_nats::Client;
use clap::Args;
use pointsman_control_plane::sources::message;
use serde_json::{Map, Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Failure, Outcome, address, shown};

const REGISTER: &str = "router.register";
const UNREGISTER: &str = "router.unregister";

/// How long the broker may take.
const CONNECT: Duration = Duration::from_secs(5);

/// What is registered, and where.
#[derive(Debug, Args)]
pub(super) struct Publish {
    /// The endpoint, IP:PORT
    endpoint: SocketAddr,
    /// Its routes, each HOST or HOST/PATH
    #[arg(required = true)]
    uris: Vec<String>,
    /// The broker
    #[arg(
        long,
        env = "NATS_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "nats://127.0.0.1:4222"
    )]
    nats: String,
    /// The port is spoken to over TLS, and its certificate is for this name
    #[arg(long, value_name = "NAME")]
    tls: Option<String>,
    /// The app
    #[arg(long)]
    app: Option<String>,
    /// A tag, as often as there are some
    #[arg(long = "tag", value_name = "NAME=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,
    /// The isolation segment
    #[arg(long)]
    segment: Option<String>,
    /// Seconds between registrations
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Registers once and ends; nothing takes it back but time
    #[arg(long, conflicts_with = "unregister")]
    once: bool,
    /// Takes it back, and ends
    #[arg(long)]
    unregister: bool,
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a tag is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn run(publish: Publish, out: &mut impl Write) -> Result<Outcome, Failure> {
    let message = message(&publish).to_string();
    check(&message)?;
    let client = async_nats::ConnectOptions::new()
        .name("pointsman-publish")
        .connection_timeout(CONNECT)
        .connect(&*publish.nats)
        .await
        .map_err(|error| {
            let place = address::told(&publish.nats);
            // The library's words may name the address as it is.
            let why = error.to_string().replace(&publish.nats, &place);
            Failure::Unreachable(format!("{place}: {why}"))
        })?;
    if publish.unregister {
        send(&client, UNREGISTER, &message).await?;
        return Ok(Outcome::Good);
    }
    let told = format!("{} answers {}", publish.endpoint, publish.uris.join(", "));
    // Before anything is registered: from then on whoever ends this takes it back.
    let mut end = End::listen()?;
    send(&client, REGISTER, &message).await?;
    shown::line(out, &format!("registered: {told}"))?;
    out.flush()?;
    if publish.once {
        return Ok(Outcome::Good);
    }
    let mut every = tokio::time::interval(Duration::from_secs(publish.every));
    every.tick().await;
    loop {
        tokio::select! {
            _ = every.tick() => send(&client, REGISTER, &message).await?,
            () = end.asked_for() => break,
        }
    }
    send(&client, UNREGISTER, &message).await?;
    shown::line(out, &format!("unregistered: {told}"))?;
    Ok(Outcome::Good)
}

/// Refuses what a control plane would refuse: over NATS it cannot answer.
fn check(message: &str) -> Result<(), Failure> {
    let refused = match message::parse(message.as_bytes(), &message::Policy::widest(), None) {
        Ok(parsed) => parsed.refusals.into_iter().next(),
        Err(refused) => Some(refused.refusal),
    };
    match refused {
        None => Ok(()),
        Some(refusal) => Err(Failure::Usage(format!(
            "{refusal} (no control plane registers this; expected IP:PORT of one endpoint, and its routes, each HOST or \
             HOST/PATH)"
        ))),
    }
}

/// The signals that ask for the end. One that comes while nobody waits for it is not lost.
struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn asked_for(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Returns once the broker has it: what waits in a process that ends is lost.
async fn send(client: &Client, subject: &'static str, message: &str) -> Result<(), Failure> {
    let lost = |error: &dyn std::fmt::Display| Failure::Unreachable(format!("NATS: {error}"));
    let payload = message.to_owned().into();
    let sent = client.publish(subject, payload).await;
    sent.map_err(|error| lost(&error))?;
    client.flush().await.map_err(|error| lost(&error))
}

/// The message, with Gorouter's names.
fn message(publish: &Publish) -> Value {
    let mut message = Map::new();
    let mut say = |name: &str, value: Value| message.insert(name.to_owned(), value);
    say("host", json!(publish.endpoint.ip().to_string()));
    say("uris", json!(publish.uris));
    if let Some(name) = &publish.tls {
        say("tls_port", json!(publish.endpoint.port()));
        say("server_cert_domain_san", json!(name));
    } else {
        say("port", json!(publish.endpoint.port()));
    }
    if let Some(app) = &publish.app {
        say("app", json!(app));
    }
    if let Some(segment) = &publish.segment {
        say("isolation_segment", json!(segment));
    }
    let tags: BTreeMap<_, _> = publish.tags.iter().cloned().collect();
    say("tags", json!(tags));
    Value::Object(message)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        publish: Publish,
    }

    fn said(arguments: &[&str]) -> Value {
        let parsed = Alone::try_parse_from([&["publish"], arguments].concat());
        message(&parsed.unwrap_or_else(|error| panic!("{error}")).publish)
    }

    #[test]
    fn messages_have_gorouters_names() {
        assert_eq!(
            said(&["10.0.0.1:80", "a.example.com", "b.example.com/p"]),
            json!({ "host": "10.0.0.1", "port": 80, "uris": ["a.example.com", "b.example.com/p"], "tags": {} })
        );
        assert_eq!(
            said(&[
                "[::1]:443",
                "a",
                "--tls",
                "id",
                "--app",
                "x",
                "--tag",
                "k=v=w",
                "--segment",
                "s"
            ]),
            json!({
                "host": "::1", "tls_port": 443, "server_cert_domain_san": "id", "app": "x", "uris": ["a"],
                "tags": { "k": "v=w" }, "isolation_segment": "s",
            })
        );
    }

    #[tokio::test]
    async fn what_no_control_plane_takes_is_not_sent() {
        for (endpoint, route, wrong) in [
            ("127.0.0.1:0", "z.example.com", "no port"),
            ("0.0.0.0:1", "z.example.com", "unspecified"),
            ("169.254.169.254:80", "z.example.com", "metadata"),
            ("10.0.0.1:80", "http://foo", "a scheme"),
            ("10.0.0.1:80", "foo:80", "a port"),
            ("10.0.0.1:80", "", "names no host"),
        ] {
            for more in [&["--once"][..], &["--unregister"], &[]] {
                // Nobody listens there: it ends before anybody is asked.
                let nats = ["publish", "--nats", "nats://127.0.0.1:1", "--app", "x"];
                let routes = [endpoint, "good.example.com", route];
                let parsed = Alone::try_parse_from([&nats, more, &routes].concat());
                let publish = parsed.unwrap_or_else(|error| panic!("{error}")).publish;
                let mut out = Vec::new();
                match run(publish, &mut out).await {
                    Err(Failure::Usage(told)) => {
                        assert!(told.contains(wrong) && told.contains("expected"), "{told}");
                    }
                    other => panic!("{endpoint} {route}: {other:?}"),
                }
                assert_eq!(out, b"");
            }
        }
        for taken in [["127.0.0.1:80", "*.com"], ["[::1]:80", "a.b/c?d"]] {
            assert!(check(&said(&taken).to_string()).is_ok(), "{taken:?}");
        }
    }

    #[test]
    fn what_is_no_registration_is_refused() {
        for arguments in [
            &["10.0.0.1:80"][..],
            &["host:80", "a"],
            &["1.2.3.4:5", "a", "--tag", "k"],
        ] {
            let parsed = Alone::try_parse_from([&["publish"], arguments].concat());
            assert_eq!(
                parsed.err().expect("refused").exit_code(),
                2,
                "{arguments:?}"
            );
        }
    }
}
