//! `pointsman replicas`: the data planes.

use std::io::Write;
use std::slice;

use serde_json::Value;

use super::api::{Api, below};
use super::arguments::Output;
use super::{Failure, Outcome, shown};

const PATH: &str = "/v1/replicas";

pub(super) async fn run(
    api: &Api,
    id: Option<&str>,
    output: Output,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let found = match id {
        None => api.get(PATH, &[]).await?,
        Some(id) => api.find(&below(PATH, id)).await?,
    };
    if output == Output::Json {
        shown::json(out, &found)?;
        return Ok(Outcome::Good);
    }
    let replicas = match id {
        None => shown::list(&found, "replicas"),
        Some(_) => slice::from_ref(&found),
    };
    let headings = [
        "ID", "NAME", "STATE", "ACKED", "WANTED", "BEHIND", "SEGMENTS", "HELD", "ORPHANS",
        "REJECTED", "VERSION",
    ];
    shown::table(out, headings, replicas.iter().map(row))?;
    for replica in replicas {
        let name = shown::member(replica, "name");
        for rejected in shown::list(replica, "rejected") {
            let [route, address, reason] =
                ["route", "address", "reason"].map(|name| shown::member(rejected, name));
            let told = format!("{name} rejects {route} {address}: {reason}");
            shown::line(out, &told)?;
        }
    }
    for gone in shown::list(&found, "gone") {
        let name = shown::member(gone, "name");
        let ago = shown::seconds(gone, "gone_seconds");
        shown::line(out, &format!("{name} left {ago} ago"))?;
    }
    Ok(Outcome::Good)
}

fn row(replica: &Value) -> [String; 11] {
    let segments = replica.get("segments").unwrap_or(&Value::Null);
    let named = shown::member(segments, "segments");
    [
        shown::member(replica, "id"),
        shown::member(replica, "name"),
        shown::member(replica, "state"),
        shown::member(replica, "acked_revision"),
        shown::member(replica, "wanted_revision"),
        shown::seconds(replica, "lag_seconds"),
        format!("{} {named}", shown::member(segments, "mode"))
            .trim_end()
            .to_owned(),
        shown::member(replica, "held_removals"),
        shown::member(replica, "orphans"),
        shown::list(replica, "rejected").len().to_string(),
        shown::member(replica, "version"),
    ]
}
