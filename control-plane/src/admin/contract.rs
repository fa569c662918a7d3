//! `/v1/openapi.json`: every path of the admin API, what it takes and what it answers, as `OpenAPI` 3.1.
//!
//! The document is made of one part for each subject, which stands beside the code. A test holds it against the paths
//! that are served, and the suite of the control plane holds the answers of a real process against its schemas.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// One part for each subject: an object of `paths`, and one of `schemas`.
const PARTS: [&str; 11] = [
    include_str!("contract/common.json"),
    include_str!("contract/health.json"),
    include_str!("contract/routes.json"),
    include_str!("contract/explain.json"),
    include_str!("contract/history.json"),
    include_str!("contract/replicas.json"),
    include_str!("contract/orders.json"),
    include_str!("contract/varz.json"),
    include_str!("contract/log.json"),
    include_str!("contract/overrides.json"),
    include_str!("contract/roll_out.json"),
];

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| document().to_string().into());

/// The document.
pub(super) async fn openapi() -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, DOCUMENT.clone()).into_response()
}

/// The parts as one.
fn document() -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for part in PARTS {
        // The tests read every part; one that could not be read would show as missing paths.
        let part: Value = serde_json::from_str(part).unwrap_or_default();
        for (name, all) in [("paths", &mut paths), ("schemas", &mut schemas)] {
            if let Some(some) = part[name].as_object() {
                all.extend(some.clone());
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pointsman control plane: admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Errors under /v1 are problem details (RFC 9457). Reading asks for the role read, and \
                everything but GET and HEAD for the role write. Answers may gain members; leave alone what you do not \
                know.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": "What was wrong, for people.",
                    "content": {
                        "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } }
                    },
                },
            },
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "bearer": { "type": "http", "scheme": "bearer" },
                "certificate": { "type": "mutualTLS" },
            },
        },
        "security": [{ "basic": [] }, { "bearer": [] }, { "certificate": [] }, {}],
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::admin::paths;

    /// What a document says of one method of one path.
    fn operations(document: &Value) -> Vec<(String, String, Value)> {
        let paths = document["paths"].as_object().expect("paths");
        let all = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            let each = methods.iter();
            each.map(move |(method, told)| (method.clone(), path.clone(), told.clone()))
        });
        all.collect()
    }

    /// The document names exactly the paths and methods that are served
    #[test]
    fn every_path_is_in_the_document_and_every_entry_is_served() {
        let documented = operations(&document()).into_iter();
        let documented: BTreeSet<_> = documented.map(|(method, path, _)| (path, method)).collect();
        let served: BTreeSet<_> = paths::served()
            .into_iter()
            .map(|(method, path)| (path.to_owned(), method.to_owned()))
            .collect();
        assert_eq!(documented, served);
    }

    #[test]
    fn every_part_can_be_read_and_every_reference_leads_somewhere() {
        let mut names = BTreeSet::new();
        for part in PARTS {
            let part: Value = serde_json::from_str(part).expect("JSON");
            for name in part["schemas"].as_object().expect("schemas").keys() {
                assert!(names.insert(name.clone()), "{name} is there twice");
            }
        }
        let document = document();
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            match value {
                Value::Array(all) => open.extend(all),
                Value::Object(all) => open.extend(all.values()),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
            if let Some(to) = value.get("$ref").and_then(Value::as_str) {
                let to = to.strip_prefix('#').expect("a place in the document");
                assert!(document.pointer(to).is_some(), "{to}");
            }
        }
    }

    #[test]
    fn every_operation_says_what_it_is_for_and_how_it_fails() {
        for (method, path, told) in operations(&document()) {
            let place = format!("{method} {path}");
            assert!(told["summary"].is_string(), "{place}");
            assert!(told["operationId"].is_string(), "{place}");
            let responses = told["responses"].as_object().expect("responses");
            assert!(responses.keys().any(|it| it.starts_with('2')), "{place}");
            if path.starts_with("/v1/") {
                assert!(responses.contains_key("default"), "{place}");
            }
            let spelled = path.split('/').filter(|it| it.starts_with('{')).count();
            let parameters = told["parameters"].as_array().into_iter().flatten();
            let named = parameters.filter(|it| it["in"] == "path").count();
            assert_eq!(named, spelled, "{place}");
        }
    }
}
