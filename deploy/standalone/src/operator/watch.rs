//! `pointsman watch`: every change as it happens.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::api::Api;
use super::arguments::{Output, Watch};
use super::{Failure, Outcome, history, shown};

/// Seconds without a change after which the control plane gives a sign of life.
const ALIVE: &str = "10";

/// After how long without a word nobody is there any more: three signs of life are missing.
const SILENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(
    api: &Api,
    watch: &Watch,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    follow(api, watch, SILENCE, output, out).await
}

async fn follow(
    api: &Api,
    watch: &Watch,
    silence: Duration,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let since = watch.since.map(|since| since.to_string());
    let mut query = vec![("alive_seconds", ALIVE)];
    query.extend(since.as_deref().map(|since| ("since", since)));
    query.extend(watch.epoch.as_deref().map(|epoch| ("epoch", epoch)));
    let answer = timeout(silence, api.stream("/v1/watch", &query)).await;
    let mut answer = answer.map_err(|_| api.silent(silence))??;
    let mut pending = Vec::new();
    loop {
        let chunk = tokio::select! {
            chunk = answer.chunk() => chunk.map_err(|error| api.lost(error))?,
            () = sleep(silence) => return Err(api.silent(silence)),
            _ = tokio::signal::ctrl_c() => return Ok(Outcome::Good),
        };
        let Some(chunk) = chunk else {
            let told = "the control plane has ended the watch";
            return Err(Failure::Unreachable(told.to_owned()));
        };
        pending.extend_from_slice(&chunk);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            show(&line, output, out)?;
        }
        out.flush()?;
    }
}

fn show(line: &[u8], output: Output, out: &mut impl Write) -> Result<(), Failure> {
    if output == Output::Json {
        return Ok(out.write_all(line)?);
    }
    let told: Value = serde_json::from_slice(line).map_err(|error| {
        let line = String::from_utf8_lossy(line);
        Failure::Unreachable(format!("{error} in a line of the watch: {line}"))
    })?;
    let route = shown::member(&told, "route");
    let revision = shown::member(&told, "revision");
    match &*shown::member(&told, "type") {
        "change" => {
            let [
                time,
                revision,
                what,
                why,
                source,
                endpoint,
                segment,
                differences,
            ] = history::row(&told);
            let place = [route, endpoint, segment].join(" ");
            let told = format!("{time} {revision} {what} {place} ({why} {source}) {differences}");
            shown::line(out, &told)?;
        }
        "present" | "absent" => {
            let kind = shown::member(&told, "type");
            let endpoint = told.get("endpoint").unwrap_or(&told);
            let address = shown::member(endpoint, "address");
            let segment = shown::segment(&told);
            shown::line(out, &format!("{kind} {route} {address} {segment}"))?;
        }
        "start" if !shown::is(&told, "resumed") => {
            let reason = shown::member(&told, "reason");
            shown::line(out, &format!("from revision {revision} on {reason}"))?;
        }
        "cut" => {
            let reason = shown::member(&told, "reason");
            let told = format!("cut after revision {revision}: {reason}");
            return Err(Failure::Unreachable(told));
        }
        // Nothing has changed, or what was asked for goes on.
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use pointsman_process::tls;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::Operator;
    use super::super::arguments::Command;
    use super::*;

    fn shown(line: &str, output: Output) -> Result<String, Failure> {
        let mut out = Vec::new();
        show(line.as_bytes(), output, &mut out)?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn lines_are_for_people_or_as_they_came() {
        let change = "{\"type\":\"change\",\"revision\":7,\"time\":\"2026-01-02T03:04:05Z\",\"what\":\"added\",\
             \"why\":\"registered\",\"source\":\"nats\",\"route\":\"a.example.com\",\"address\":\"10.0.0.1:80\",\
             \"segment\":\"\"}\n";
        let told = shown(change, Output::Table).expect("a change");
        assert_eq!(
            told,
            "2026-01-02T03:04:05Z 7 added a.example.com 10.0.0.1:80  (registered nats) \n"
        );
        assert_eq!(shown(change, Output::Json).expect("a change"), change);
        let alive = "{\"type\":\"alive\",\"revision\":7}\n";
        assert_eq!(shown(alive, Output::Table).expect("a sign of life"), "");
    }

    /// Watches a control plane that tells these pieces, with a pause before each but the first, and then falls silent:
    /// what was asked, what was shown, and why it ended.
    async fn watched(pieces: &[&str], pause: Duration, silence: Duration) -> [String; 3] {
        tls::install_provider();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("an address"));
        let control_plane = async {
            let (mut stream, _) = listener.accept().await.expect("a watcher");
            let mut asked = vec![0; 1024];
            let read = stream.read(&mut asked).await.expect("a request");
            for (number, piece) in pieces.iter().enumerate() {
                if number > 0 {
                    sleep(pause).await;
                }
                stream.write_all(piece.as_bytes()).await.expect("a watcher");
            }
            // The connection stays for as long as this is kept.
            (stream, String::from_utf8_lossy(&asked[..read]).into_owned())
        };
        let arguments = ["pointsman", "watch", "--server", &server];
        let operator = Operator::try_parse_from(arguments).expect("a command");
        let Command::Watch(watch) = &operator.command else {
            panic!("{operator:?}");
        };
        let api = Api::new(&operator.server).expect("an address");
        let mut out = Vec::new();
        let watching = follow(&api, watch, silence, Output::Table, &mut out);
        let both = async { tokio::join!(control_plane, watching) };
        let both = timeout(Duration::from_secs(60), both).await;
        let ((_stream, asked), ended) = both.expect("it ends");
        let shown = String::from_utf8(out).expect("text");
        let ended = ended.expect_err("nobody is there");
        assert!(matches!(ended, Failure::Unreachable(_)), "{ended}");
        [asked, shown, ended.to_string()]
    }

    const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";

    #[tokio::test]
    async fn a_control_plane_that_falls_silent_is_not_waited_for() {
        let short = Duration::from_millis(200);
        for pieces in [&[][..], &[HEAD], &[HEAD, "{\"type\":\"sta"]] {
            let [asked, shown, ended] = watched(pieces, Duration::ZERO, short).await;
            assert!(asked.contains("alive_seconds=10"), "{asked}");
            assert_eq!(shown, "");
            assert!(ended.ends_with("has said nothing for 200ms"), "{ended}");
        }
    }

    #[tokio::test]
    async fn signs_of_life_are_waited_for_without_end() {
        let silence = Duration::from_secs(2);
        let alive = "{\"type\":\"alive\",\"revision\":7}\n";
        let last = "{\"type\":\"absent\",\"route\":\"a.b\",\"address\":\"c:1\"}\n";
        let pieces = [HEAD, alive, alive, alive, alive, alive, last];
        let [_, shown, ended] = watched(&pieces, silence / 4, silence).await;
        assert_eq!(shown, "absent a.b c:1 \n");
        assert!(ended.ends_with("has said nothing for 2s"), "{ended}");
    }

    #[test]
    fn the_last_line_says_why_it_is_the_last() {
        let cut = "{\"type\":\"cut\",\"revision\":7,\"reason\":\"too slow\"}\n";
        let error = shown(cut, Output::Table).expect_err("it is over");
        assert_eq!(error.to_string(), "cut after revision 7: too slow");
    }
}
