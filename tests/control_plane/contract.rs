//! The document of the admin API, and whether a real control plane keeps to it.

use std::collections::BTreeSet;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use pointsman_tests::client::Response;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{Client, eventually};
use serde_json::{Value, json};

use crate::follower::{Follower, hello};
use crate::plane::{BOUND, Plane};

/// The document that a control plane serves.
pub(crate) struct Contract {
    document: Value,
}

impl Contract {
    pub(crate) async fn of(plane: &Plane) -> Self {
        let answer = plane.get("/v1/openapi.json").await;
        assert_eq!(answer.status, 200);
        let mut document = serde_json::from_slice(&answer.body).expect("JSON");
        close(&mut document);
        Self { document }
    }

    /// What the document says of a method of a path, as it spells that.
    fn operation(&self, method: &str, path: &str) -> &Value {
        let operation = &self.document["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not documented");
        operation
    }

    /// The schema of an answer.
    fn schema(&self, (method, path): (&str, &str), status: u16, content_type: &str) -> Value {
        let responses = &self.operation(method, path)["responses"];
        let response = match &responses[status.to_string()] {
            Value::Null => &responses["default"],
            told => told,
        };
        let to = response["$ref"]
            .as_str()
            .and_then(|to| to.strip_prefix('#'));
        let response = to.map_or(Some(response), |to| self.document.pointer(to));
        let schema = response.map(|it| it["content"][content_type]["schema"].clone());
        let schema = schema.filter(Value::is_object);
        schema.unwrap_or_else(|| {
            panic!("{method} {path}: nothing is said of {status} with {content_type}")
        })
    }

    /// Panics where an answer is none that the document tells of. Every member counts, also those that nobody told of.
    pub(crate) fn check(&self, (method, path): (&str, &str), answer: &Response) -> Value {
        let content_type = answer.header("content-type").expect("a type");
        let content_type = content_type.split(';').next().unwrap_or_default();
        let schema = self.schema((method, path), answer.status.as_u16(), content_type);
        let body = if content_type.ends_with("json") {
            serde_json::from_slice(&answer.body).expect("JSON")
        } else {
            json!(answer.text())
        };
        let place = format!("{method} {path}: {} {content_type}", answer.status);
        self.check_value(&schema, &body, &place);
        body
    }

    /// Panics where a value does not keep to a schema.
    pub(crate) fn check_value(&self, schema: &Value, value: &Value, place: &str) {
        let whole = json!({"components": self.document["components"], "allOf": [schema]});
        let validator = jsonschema::validator_for(&whole).expect("a schema");
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{} at {}", error, error.instance_path))
            .collect();
        assert!(errors.is_empty(), "{place}: {errors:?}\n{value:#}");
    }
}

/// Objects have the members that are told of and no others, unless the document says so.
fn close(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object)
                && members.get("type") == Some(&json!("object"))
            {
                members
                    .entry("additionalProperties")
                    .or_insert(json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(all) => all.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A request without a body.
async fn ask(plane: &Plane, method: &str, path: &str) -> Response {
    send(plane, method, path, Bytes::new()).await
}

/// A request with this body.
async fn order(plane: &Plane, method: &str, path: &str, body: &Value) -> Response {
    send(plane, method, path, body.to_string().into()).await
}

async fn send(plane: &Plane, method: &str, path: &str, body: Bytes) -> Response {
    let mut client = Client::connect(plane.process.address("admin")).await;
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost");
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let request = request.body(body.into()).expect("a request");
    client.send(request).await.expect("an answer")
}

/// A control plane with a route that says everything that a registration can, and a data plane that follows.
async fn furnished() -> (Plane, Follower) {
    let plane = Plane::start().await;
    let address = ([127, 0, 0, 1], 4443).into();
    let mut message = Emitted::plain("app.example.com/path", address, 0);
    message.tags = [("component".to_owned(), "web".to_owned())].into();
    plane.publisher.register(&message).await;
    let plain = Emitted::plain("plain.example.com", ([127, 0, 0, 1], 80).into(), 1);
    plane.publisher.register(&plain).await;
    plane
        .until_routes(&["app.example.com/path", "plain.example.com"])
        .await;
    let distribution = plane.process.address("distribution");
    let mut follower = Follower::connect(distribution, hello("dp")).await;
    let step = follower.step().await;
    follower.ack(&step).await;
    eventually("the ack", BOUND, async || {
        let fleet: Value =
            serde_json::from_slice(&plane.get("/v1/replicas").await.body).expect("JSON");
        let acked = fleet["replicas"][0]["acked_revision"].as_u64();
        acked.filter(|it| *it > 0).ok_or_else(|| fleet.to_string())
    })
    .await;
    (plane, follower)
}

/// What a path that asks for more than its name is asked with, so that it answers well.
const ASKED_WITH: [(&str, &str); 2] = [
    (
        "/v1/routes/history",
        "/v1/routes/history?uri=app.example.com/path",
    ),
    (
        "/v1/explain",
        "/v1/explain?url=app.example.com/path&replicas=false",
    ),
];

/// Paths that this test has no good answer for; those of the operator's suite are answered there.
const NOT_ANSWERED: [&str; 3] = [
    "/v1/replicas/{id}/explain",
    "/v1/replicas/{id}/route",
    "/v1/replicas/{id}/digest",
];

/// What a real control plane answers is what its document says.
///
/// K-152: every error is a problem that the document tells of
#[tokio::test]
async fn answers_are_what_the_document_says() {
    let (plane, _follower) = Box::pin(furnished()).await;
    let contract = Contract::of(&plane).await;
    let paths = contract.document["paths"].as_object().expect("paths");
    let mut answered = 0;
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys() {
            if path == "/v1/watch" {
                // Its answer has no end, and is looked at line by line elsewhere.
                continue;
            }
            let asked_with = ASKED_WITH.iter().find(|(known, _)| known == path);
            let asked = asked_with.map_or(path.as_str(), |(_, asked)| asked);
            let answer = ask(&plane, method, &asked.replace("{id}", "dp")).await;
            assert!(
                !answer.text().contains("has no such path"),
                "{method} {path}"
            );
            assert_ne!(answer.status, 405, "{method} {path}");
            contract.check((method, path), &answer);
            let good = method == "get" && !NOT_ANSWERED.contains(&path.as_str());
            assert!(!good || answer.status == 200, "{path}: {}", answer.text());
            answered += usize::from(good);
        }
        for method in ["get", "put", "post", "patch", "delete"] {
            if !path.starts_with("/v1/") || methods.get(method).is_some() {
                continue;
            }
            let answer = ask(&plane, method, &path.replace("{id}", "dp")).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            let schema = json!({"$ref": "#/components/schemas/Problem"});
            let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
            contract.check_value(&schema, &body, path);
            let allowed = answer.header("allow").expect("the methods").to_lowercase();
            for known in methods.as_object().expect("methods").keys() {
                assert!(allowed.contains(known), "{path}: {allowed}");
            }
        }
    }
    assert!(answered >= 8, "{answered}");
}

/// A name that nothing has.
const UNKNOWN: &str = "no-such-name";

/// The names that a refusal of [`UNKNOWN`] says there are; none where it was let pass.
fn known(refusal: &Response) -> BTreeSet<String> {
    let text = refusal.text();
    if !matches!(refusal.status.as_u16(), 400 | 422) || !text.contains(UNKNOWN) {
        return BTreeSet::new();
    }
    let detail: Value = serde_json::from_slice(&refusal.body).expect("JSON");
    let detail = detail["detail"].as_str().expect("what is wrong");
    if let Some((_, expected)) = detail.split_once(", expected ") {
        let expected = expected.split(';').next().unwrap_or_default();
        // Every other piece stands between two quotes.
        return expected
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
    }
    let (_, known) = detail.split_once("known are ").expect("what is known");
    let names = known.split(", ").flat_map(|it| it.split(" and "));
    names.map(str::to_owned).collect()
}

/// The objects that a body is made of, each with the keys that lead to it and the names of its members.
fn objects(schema: &Value, at: &[String], into: &mut Vec<(Vec<String>, BTreeSet<String>)>) {
    let Some(members) = schema["properties"].as_object() else {
        return;
    };
    into.push((at.to_vec(), members.keys().cloned().collect()));
    for (name, schema) in members {
        objects(schema, &[at, std::slice::from_ref(name)].concat(), into);
    }
}

/// What the document says that can be asked is what is taken, and nothing else is
#[tokio::test]
async fn what_is_asked_is_what_the_document_says() {
    let plane = Plane::start().await;
    let contract = Contract::of(&plane).await;
    let (mut queries, mut bodies) = (0, 0);
    for (path, methods) in contract.document["paths"].as_object().expect("paths") {
        for (method, told) in methods.as_object().expect("methods") {
            let place = format!("{method} {path}");
            let target = path.replace("{id}", "dp");
            let parameters = told["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|it| it["in"] == "query");
            let query: BTreeSet<_> = query
                .map(|it| it["name"].as_str().expect("a name").to_owned())
                .collect();
            let asked = format!("{target}?{UNKNOWN}=1");
            let answer = ask(&plane, method, &asked).await;
            assert_eq!(known(&answer), query, "{place}: {}", answer.text());
            queries += query.len();

            let body = &told["requestBody"]["content"]["application/json"]["schema"];
            let mut all = Vec::new();
            objects(body, &[], &mut all);
            for (at, members) in all {
                let sent = at
                    .iter()
                    .rev()
                    .fold(json!({UNKNOWN: 1}), |inner, key| json!({key: inner}));
                let answer = order(&plane, method, &target, &sent).await;
                assert_eq!(known(&answer), members, "{place} {at:?}: {}", answer.text());
                bodies += members.len();
            }
        }
    }
    assert!(queries >= 10 && bodies >= 10, "{queries} {bodies}");
}
