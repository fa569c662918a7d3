//! All paths of the admin API on one page.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};

use pointsman_admin::{health, log, metrics};

use super::{
    Inside, contract, explain, orders, overrides, questions, replicas, roll_out, routes, v1_routes,
    varz, watch,
};

/// Paths with their handlers, and which they are: the document of the API is held against that.
pub(super) struct Paths {
    router: Router<Inside>,
    served: Vec<(&'static str, &'static str)>,
}

/// What everybody may see who reaches the address.
pub(super) fn open() -> Paths {
    Paths::none()
        .any("/health", health::health)
        .any("/healthz", health::health)
        .any(
            "/is-process-alive-do-not-use-for-loadbalancing",
            health::alive,
        )
        .get("/livez", health::livez)
        .get("/readyz", health::readyz)
}

/// What an operator shows to everybody or not.
pub(super) fn figures() -> Paths {
    Paths::none().get("/metrics", metrics::metrics)
}

/// What asks for its user.
pub(super) fn protected() -> Paths {
    Paths::none()
        .any("/routes", routes::routes)
        .get("/varz", varz::varz)
        .get("/v1/openapi.json", contract::openapi)
        .get("/v1/routes", v1_routes::routes)
        .get("/v1/routes/history", v1_routes::history)
        .get("/v1/watch", watch::watch)
        .get("/v1/explain", explain::explain)
        .get("/v1/replicas", replicas::replicas)
        .get("/v1/replicas/{id}", replicas::replica)
        .get("/v1/replicas/{id}/explain", questions::explain)
        .get("/v1/replicas/{id}/route", questions::route)
        .get("/v1/replicas/{id}/digest", questions::digest)
        .get(log::PATH, log::shown)
        .put(log::PATH, log::set)
        .post("/v1/release", orders::release)
        .post("/v1/authority/confirm", orders::confirm)
        .get(roll_out::PATH, roll_out::shown)
        .post(roll_out::FINISH, roll_out::finish)
        .get(overrides::PATH, overrides::list)
        .post(overrides::PATH, overrides::place)
        .delete("/v1/overrides/{id}", overrides::end)
}

impl Paths {
    fn none() -> Self {
        Self {
            router: Router::new(),
            served: Vec::new(),
        }
    }

    fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Inside>,
        T: 'static,
    {
        self.on("get", path, routing::get(handler))
    }

    fn put<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Inside>,
        T: 'static,
    {
        self.on("put", path, routing::put(handler))
    }

    fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Inside>,
        T: 'static,
    {
        self.on("post", path, routing::post(handler))
    }

    fn delete<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Inside>,
        T: 'static,
    {
        self.on("delete", path, routing::delete(handler))
    }

    /// Any method at all, as Gorouter answers; the document shows the one that makes sense.
    fn any<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Inside>,
        T: 'static,
    {
        self.on("get", path, routing::any(handler))
    }

    fn on(mut self, method: &'static str, path: &'static str, to: MethodRouter<Inside>) -> Self {
        self.served.push((method, path));
        self.router = self.router.route(path, to);
        self
    }

    /// The paths, to be served.
    pub(super) fn into_router(self) -> Router<Inside> {
        self.router
    }
}

/// All paths, each with its method.
#[cfg(test)]
pub(super) fn served() -> Vec<(&'static str, &'static str)> {
    let all = [open(), figures(), protected()];
    all.into_iter().flat_map(|paths| paths.served).collect()
}
