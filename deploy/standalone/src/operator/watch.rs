//! `pointsman watch`: every change as it happens.

use std::io::Write;

use serde_json::Value;

use super::api::Api;
use super::arguments::{Output, Watch};
use super::{Failure, Outcome, history, shown};

pub(super) async fn run(
    api: &Api,
    watch: &Watch,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let since = watch.since.map(|since| since.to_string());
    let mut query = Vec::new();
    query.extend(since.as_deref().map(|since| ("since", since)));
    query.extend(watch.epoch.as_deref().map(|epoch| ("epoch", epoch)));
    let mut answer = api.stream("/v1/watch", &query).await?;
    let mut pending = Vec::new();
    loop {
        let chunk = tokio::select! {
            chunk = answer.chunk() => chunk.map_err(|error| api.lost(error))?,
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

    #[test]
    fn the_last_line_says_why_it_is_the_last() {
        let cut = "{\"type\":\"cut\",\"revision\":7,\"reason\":\"too slow\"}\n";
        let error = shown(cut, Output::Table).expect_err("it is over");
        assert_eq!(error.to_string(), "cut after revision 7: too slow");
    }
}
