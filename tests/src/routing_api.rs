//! The Routing API and the UAA, as the control plane meets them: over TLS, with the shapes of their answers, and with
//! whatever a test wants to go wrong.
//!
//! As the real one, the API keeps a modification tag for each route, tells every change on its streams, and asks for a
//! token that the UAA has given.

mod serve;
mod uaa;

pub use serve::Fault;
pub use uaa::Uaa;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, Response};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::certs::{Authority, Identity};
use serve::{Answered, Handler, Serving, fault, json as answer_json, status};
use uaa::Issued;

/// A Routing API of the test's own; it and its connections end when the value is dropped.
pub struct RoutingApi {
    state: Arc<State>,
    serving: Serving,
}

struct State {
    /// Tokens that are good; `None`: none is looked at.
    issued: Option<Arc<Issued>>,
    routes: Mutex<Vec<Value>>,
    streams: Mutex<Vec<mpsc::UnboundedSender<io::Result<Frame<Bytes>>>>>,
    list_faults: Mutex<VecDeque<Fault>>,
    stream_faults: Mutex<VecDeque<Fault>>,
    release: Notify,
    is_down: AtomicBool,
    lists: AtomicUsize,
    listing: AtomicUsize,
    most_listing: AtomicUsize,
    subscriptions: AtomicUsize,
    authorizations: Mutex<Vec<String>>,
}

/// A route object as the API writes it.
#[must_use]
pub fn route(route: &str, endpoint: SocketAddr, guid: &str, index: u32) -> Value {
    json!({
        "route": route,
        "port": endpoint.port(),
        "ip": endpoint.ip().to_string(),
        "ttl": 120,
        "log_guid": format!("log-{guid}"),
        "modification_tag": { "guid": guid, "index": index },
    })
}

/// Whether two objects are about the same route and endpoint.
fn is_same(one: &Value, other: &Value) -> bool {
    ["route", "ip", "port"]
        .iter()
        .all(|key| one[key] == other[key])
}

impl RoutingApi {
    /// An API that shows this identity and asks clients for a certificate of this authority, and for tokens of this UAA.
    pub async fn start(identity: &Identity, clients: &Authority, uaa: Option<&Uaa>) -> Self {
        let state = Arc::new(State {
            issued: uaa.map(Uaa::issued),
            routes: Mutex::default(),
            streams: Mutex::default(),
            list_faults: Mutex::default(),
            stream_faults: Mutex::default(),
            release: Notify::new(),
            is_down: AtomicBool::new(false),
            lists: AtomicUsize::new(0),
            listing: AtomicUsize::new(0),
            most_listing: AtomicUsize::new(0),
            subscriptions: AtomicUsize::new(0),
            authorizations: Mutex::default(),
        });
        let tls = identity.server_config(Some(clients));
        let serving = Serving::start(tls, Arc::clone(&state)).await;
        Self { state, serving }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.serving.address
    }

    /// A route is there from now on, or is another one, and every stream tells it.
    pub fn put(&self, route: Value) {
        let data = route.to_string();
        self.put_silently(route);
        self.emit("Upsert", &data);
    }

    /// The same, and no stream tells it.
    pub fn put_silently(&self, route: Value) {
        let mut routes = self.state.routes.lock();
        routes.retain(|other| !is_same(other, &route));
        routes.push(route);
    }

    /// A route is gone from now on, and every stream tells it.
    pub fn delete(&self, route: &Value) {
        self.delete_silently(route);
        self.emit("Delete", &route.to_string());
    }

    /// The same, and no stream tells it.
    pub fn delete_silently(&self, route: &Value) {
        let mut routes = self.state.routes.lock();
        routes.retain(|other| !is_same(other, route));
    }

    /// Every stream tells an event, whatever it is.
    pub fn emit(&self, name: &str, data: &str) {
        self.send(&format!("id: 0\nevent: {name}\ndata: {data}\n\n"));
    }

    /// Every stream sends these bytes.
    pub fn send(&self, text: &str) {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let mut streams = self.state.streams.lock();
        streams.retain(|stream| stream.send(Ok(Frame::data(bytes.clone()))).is_ok());
    }

    /// Every stream breaks off.
    pub fn cut_streams(&self) {
        for stream in self.state.streams.lock().drain(..) {
            // Whoever has gone needs no end.
            let _ = stream.send(Err(io::Error::other("cut")));
        }
    }

    /// The next lists go wrong like this, one after the other.
    pub fn fail_lists(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.list_faults.lock().extend(faults);
    }

    /// The next streams go wrong like this, one after the other.
    pub fn fail_streams(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.stream_faults.lock().extend(faults);
    }

    /// Lets go of the lists that are held.
    pub fn release(&self) {
        self.state.release.notify_waiters();
    }

    /// Whether every request is answered with 503; the streams break off when that begins.
    pub fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::SeqCst);
        if is_down {
            self.cut_streams();
        }
    }

    /// How many lists were asked for.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.state.lists.load(Ordering::SeqCst)
    }

    /// How many lists are asked for and not answered.
    #[must_use]
    pub fn listing(&self) -> usize {
        self.state.listing.load(Ordering::SeqCst)
    }

    /// The most lists that were asked for at one time.
    #[must_use]
    pub fn most_listing(&self) -> usize {
        self.state.most_listing.load(Ordering::SeqCst)
    }

    /// How many streams were asked for.
    #[must_use]
    pub fn subscriptions(&self) -> usize {
        self.state.subscriptions.load(Ordering::SeqCst)
    }

    /// How many streams are open at both ends.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        let mut streams = self.state.streams.lock();
        streams.retain(|stream| !stream.is_closed());
        streams.len()
    }

    /// What each request was asked with, in their order.
    #[must_use]
    pub fn authorizations(&self) -> Vec<String> {
        self.state.authorizations.lock().clone()
    }
}

impl Handler for State {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answered {
        let field = request.headers().get(AUTHORIZATION);
        let given = field.map_or(&b""[..], |field| field.as_bytes());
        let given = String::from_utf8_lossy(given).into_owned();
        self.authorizations.lock().push(given.clone());
        match request.uri().path() {
            "/routing/v1/routes" => {
                self.lists.fetch_add(1, Ordering::SeqCst);
                let now = self.listing.fetch_add(1, Ordering::SeqCst) + 1;
                self.most_listing.fetch_max(now, Ordering::SeqCst);
                let _counted = Counted(Arc::clone(&self));
                self.list(&given).await
            }
            "/routing/v1/events" => {
                self.subscriptions.fetch_add(1, Ordering::SeqCst);
                self.stream(&given).await
            }
            _ => Ok(status(404, "")),
        }
    }
}

/// A list that is not answered yet; it may also end because nobody waits for it.
struct Counted(Arc<State>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.listing.fetch_sub(1, Ordering::SeqCst);
    }
}

impl State {
    /// Why a request is not answered, if there is a reason.
    fn refused(&self, given: &str) -> Option<Answered> {
        if self.is_down.load(Ordering::SeqCst) {
            return Some(Ok(status(503, "down")));
        }
        let token = given.strip_prefix("bearer ");
        let good = match &self.issued {
            None => true,
            Some(issued) => token.is_some_and(|token| issued.has(token)),
        };
        let reason = r#"{"name":"UnauthorizedError","message":"Token is invalid"}"#;
        (!good).then(|| Ok(status(401, reason)))
    }

    async fn list(&self, given: &str) -> Answered {
        let text = Value::from(self.routes.lock().clone()).to_string();
        let fault_now = self.list_faults.lock().pop_front();
        match fault_now {
            Some(Fault::Held) => {
                self.release.notified().await;
                Ok(answer_json(text))
            }
            Some(other) => fault(other, text).await,
            None => self.refused(given).unwrap_or_else(|| Ok(answer_json(text))),
        }
    }

    async fn stream(&self, given: &str) -> Answered {
        let fault_now = self.stream_faults.lock().pop_front();
        if let Some(other) = fault_now {
            return fault(other, String::new()).await;
        }
        if let Some(refused) = self.refused(given) {
            return refused;
        }
        let (stream, frames) = mpsc::unbounded_channel();
        self.streams.lock().push(stream);
        let frames = UnboundedReceiverStream::new(frames);
        let body = StreamBody::new(frames).boxed();
        let answer = Response::builder()
            .header(CONTENT_TYPE, "text/event-stream; charset=utf-8")
            .body(body);
        Ok(answer.expect("a response"))
    }
}
