//! The paths of an API, behind those who may ask for them.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::Response;

use crate::access::{self, Access};
use crate::problem::{PROBLEM_TYPE, Problem};

/// The paths of an API, by who may ask for them.
#[derive(Debug)]
pub struct Pages {
    /// Everybody who reaches the address.
    pub open: Router,
    /// Everybody or not, as the operator says.
    pub figures: Router,
    /// Whoever the API knows.
    pub protected: Router,
}

impl Pages {
    pub(crate) fn behind(self, access: Access, protect_figures: bool) -> Router {
        let Self {
            open,
            figures,
            protected,
        } = self;
        let protected = protected
            .method_not_allowed_fallback(wrong_method)
            .fallback(not_found);
        let (open, protected) = if protect_figures {
            (open, protected.merge(figures))
        } else {
            (open.merge(figures), protected)
        };
        let check = middleware::from_fn_with_state(Arc::new(access), access::check);
        open.merge(protected.layer(check))
            .layer(middleware::from_fn(problems_only))
    }
}

/// What the framework refuses by itself is a problem under `/v1` as everything else is.
async fn problems_only(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let answer = next.run(request).await;
    let status = answer.status();
    let told = answer.headers().get(header::CONTENT_TYPE);
    let is_problem = told.is_some_and(|it| it == PROBLEM_TYPE);
    let is_error = status.is_client_error() || status.is_server_error();
    if is_error && !is_problem && uri.path().starts_with("/v1/") {
        let detail = "the request could not be read";
        return Problem::of(status).because(detail).for_path(uri.path());
    }
    answer
}

async fn not_found(uri: Uri) -> Response {
    Problem::of(StatusCode::NOT_FOUND)
        .because("the admin API has no such path")
        .for_path(uri.path())
}

/// The methods that the path answers stand in the header `Allow` (RFC 9110 section 15.5.6).
async fn wrong_method(uri: Uri) -> Response {
    Problem::of(StatusCode::METHOD_NOT_ALLOWED)
        .because("this path answers other methods, which the header Allow names")
        .for_path(uri.path())
}
