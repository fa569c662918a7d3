//! The lines, as a log shipper reads them.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing::subscriber::with_default;

use super::*;

/// A writer whose bytes can be read back.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn logged(timestamps: Timestamps, level: &str, log: impl FnOnce(&LevelHandle)) -> Memory {
    let memory = Memory::default();
    let form = Form::Json {
        source: "vcap.gorouter".to_owned(),
        timestamps,
    };
    let writer = memory.clone();
    let (subscriber, handle) = build(&form, &level.parse().unwrap(), move || writer.clone());
    with_default(subscriber, || log(&handle));
    memory
}

#[test]
fn a_line_has_gorouters_keys_in_gorouters_order() {
    let memory = logged(Timestamps::Rfc3339, "info", |_| {
        let address = r#"{"IP":"::","Port":8081,"Zone":""}"#;
        tracing::info!(
            component = "router",
            address.json = address,
            "tcp-listener-started"
        );
    });
    let text = memory.text();
    let stamp = "0000-00-00T00:00:00.000000000Z".len();
    let (head, rest) = text.split_at(r#"{"log_level":1,"timestamp":""#.len());
    assert_eq!(head, r#"{"log_level":1,"timestamp":""#);
    assert_eq!(
        &rest[stamp..],
        concat!(
            r#"","message":"tcp-listener-started","source":"vcap.gorouter.router","#,
            r#""data":{"address":{"IP":"::","Port":8081,"Zone":""}}}"#,
            "\n"
        )
    );
    assert!(rest[..stamp].ends_with('Z'), "{rest}");
}

#[test]
fn levels_are_numbers_and_data_is_left_out_when_there_is_none() {
    let memory = logged(Timestamps::UnixEpoch, "debug", |_| {
        tracing::debug!("d");
        tracing::info!("i");
        tracing::warn!("w");
        tracing::error!(error = "why", "e");
    });
    let lines = memory.lines();
    let levels: Vec<_> = lines.iter().map(|line| line["log_level"].clone()).collect();
    assert_eq!(levels, [0, 1, 2, 3]);
    assert!(lines[0].get("data").is_none());
    assert_eq!(lines[0]["source"], "vcap.gorouter");
    assert!(
        lines[0]["timestamp"]
            .as_f64()
            .is_some_and(|seconds| seconds > 1.7e9)
    );
    assert_eq!(lines[3]["data"], json!({ "error": "why" }));
}

#[test]
fn spans_lend_their_fields_and_their_component() {
    let memory = logged(Timestamps::UnixEpoch, "info", |_| {
        let span = tracing::info_span!("session", component = "stream", replica = "dp-1");
        span.in_scope(|| tracing::info!(revision = 7, "acked"));
    });
    let line = &memory.lines()[0];
    assert_eq!(line["source"], "vcap.gorouter.stream");
    assert_eq!(line["data"], json!({ "replica": "dp-1", "revision": 7 }));
}

#[test]
fn names_with_a_dot_stand_in_an_object() {
    let memory = logged(Timestamps::UnixEpoch, "info", |_| {
        let (tag, list) = ("guid-1", "[1,2]");
        tracing::info!(
            uri = "a",
            tag.guid = tag,
            tag.index = 3,
            list.json = list,
            "changed"
        );
    });
    let data = &memory.lines()[0]["data"];
    assert_eq!(
        *data,
        json!({ "uri": "a", "tag": { "guid": "guid-1", "index": 3 }, "list": [1, 2] })
    );
}

/// What one line says is written as it stands here, byte for byte, a second time as well as the first.
#[test]
fn every_kind_of_field_is_written_to_the_byte() {
    let memory = logged(Timestamps::Rfc3339, "info", |_| {
        for _ in 0..2 {
            let span = tracing::info_span!("s", component = "outer", tag.guid = "a\"b", late = 1);
            span.in_scope(|| {
                tracing::info!(
                    message = "a \"text\"",
                    component = "in\nner",
                    tag.index = -3,
                    a_name_that_is_longer_than_most_of_those_that_there_are = "",
                    other.json = "no JSON",
                    other.json = 7,
                    half = 0.5,
                    yes = true,
                    shown = ?Some("\\"),
                    tag.last = 12_345_678_901_234_567_890_u64,
                );
            });
        }
    });
    let expected = concat!(
        r#"","message":"a \"text\"","source":"vcap.gorouter.in\nner","data":{"tag":{"guid":"a\"b","index":-3,"#,
        r#""last":12345678901234567890},"late":1,"a_name_that_is_longer_than_most_of_those_that_there_are":"","#,
        r#""other":"no JSON","other":{"json":7},"half":0.5,"yes":true,"shown":"Some(\"\\\\\")"}}"#
    );
    let text = memory.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    let head = r#"{"log_level":1,"timestamp":"0000-00-00T00:00:00.000000000Z"#.len();
    for line in lines {
        assert_eq!(&line[head..], expected);
    }
}

#[test]
fn the_level_changes_while_the_process_runs() {
    let memory = logged(Timestamps::UnixEpoch, "warn", |handle| {
        tracing::info!("unheard");
        handle.set(&"info".parse().unwrap());
        tracing::info!("heard");
        assert_eq!(handle.level().to_string(), "info");
    });
    let messages: Vec<_> = memory
        .lines()
        .iter()
        .map(|line| line["message"].clone())
        .collect();
    assert_eq!(messages, ["heard"]);
}

#[test]
fn a_misspelt_level_is_refused_by_name() {
    for given in ["debug2", "", "info,tonic=loud"] {
        let refused = given.parse::<Level>().unwrap_err();
        assert_eq!(refused.given, given);
    }
    assert!("INFO,hyper=debug".parse::<Level>().is_ok());
}

/// D-086: a fault is logged with its place and its stack.
#[test]
fn a_panic_is_logged_with_its_stack() {
    fn at_fault() {
        panic!("a fault of the test");
    }
    let memory = logged(Timestamps::Rfc3339, "info", |_| {
        panics::log();
        assert!(std::panic::catch_unwind(at_fault).is_err());
    });
    let lines = memory.lines();
    let line = lines.first().expect("a line");
    assert_eq!(line["message"], "panic");
    assert_eq!(line["data"]["error"], "a fault of the test");
    let [place, stack] = ["place", "stack"].map(|key| line["data"][key].as_str().unwrap());
    assert!(place.contains("telemetry/tests.rs:"), "{place}");
    assert!(stack.contains("at_fault"), "{stack}");
}
