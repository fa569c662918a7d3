//! An admin API that answers what a test wants.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use clap::Parser as _;
use pointsman_process::tls;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::operator::{Failure, Operator, Outcome, run};

/// It ends when the value is dropped.
pub(in crate::operator) struct Scripted {
    /// Its address, without a scheme.
    pub(in crate::operator) address: String,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Scripted {
    /// Answers each request, which is told as `METHOD PATH?QUERY`.
    pub(in crate::operator) async fn start(
        answer: impl Fn(&str) -> Response<Body> + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        let router = Router::new().fallback(async move |request: Request<Body>| {
            let told = format!("{} {}", request.method(), request.uri());
            let answer = answer(&told);
            notes.lock().expect("notes").push(told);
            answer
        });
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            address,
            asked,
            serving,
        }
    }

    /// What was asked so far.
    pub(in crate::operator) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("notes").clone()
    }

    /// A command, asked of this API: how it ends, and what it shows.
    pub(in crate::operator) async fn command(
        &self,
        arguments: &[&str],
    ) -> (Result<Outcome, Failure>, String) {
        let server = format!("http://{}", self.address);
        command(&[arguments, &["--server", &server]].concat()).await
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A command: how it ends, and what it shows.
pub(in crate::operator) async fn command(arguments: &[&str]) -> (Result<Outcome, Failure>, String) {
    tls::install_provider();
    let operator = Operator::try_parse_from([&["pointsman"], arguments].concat());
    let operator = operator.unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    let mut out = Vec::new();
    let ended = Box::pin(run(operator, &mut out)).await;
    (ended, String::from_utf8(out).expect("text"))
}

/// An answer of this status.
pub(in crate::operator) fn answer(status: u16, body: &Value) -> Response<Body> {
    let answer = Response::builder().status(status);
    answer.body(body.to_string().into()).expect("an answer")
}

/// An error as the admin API tells it.
pub(in crate::operator) fn problem(status: u16, detail: &str) -> Response<Body> {
    let body = json!({ "title": "a title", "status": status, "detail": detail });
    answer(status, &body)
}
