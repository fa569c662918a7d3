//! Errors, as RFC 9457 problem details under `/v1`, and as Gorouter's one line elsewhere.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The type of problem details.
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// An error on its way out.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

/// RFC 9457 section 3.1; no `type`, which then is `about:blank`, so that the title is that of the status.
#[derive(Serialize)]
struct Details<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
}

impl Problem {
    /// Of this status, without a word about it.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        Self {
            status,
            detail: String::new(),
        }
    }

    /// What was wrong with this request, for people.
    #[must_use]
    pub fn because(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }

    /// The answer on this path.
    #[must_use]
    pub fn for_path(&self, path: &str) -> Response {
        if path.starts_with("/v1/") {
            self.details()
        } else {
            self.line()
        }
    }

    pub(crate) fn details(&self) -> Response {
        let details = Details {
            title: self.title(),
            status: self.status.as_u16(),
            detail: &self.detail,
        };
        let content_type = [(header::CONTENT_TYPE, PROBLEM_TYPE)];
        (self.status, content_type, Json(details)).into_response()
    }

    fn line(&self) -> Response {
        let line = format!("{} {}\n", self.status.as_u16(), self.title());
        (self.status, line).into_response()
    }

    fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }
}
