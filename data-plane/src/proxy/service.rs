//! Requests on their way through a route service: which of them go to one, which of them come back
//! from one, and what their signatures prove (D-565 to D-587).

mod hairpin;
#[cfg(test)]
mod tests;
mod visit;

use std::sync::Arc;

use jiff::Timestamp;
use pointsman_http1::{Known, KnownSet, RequestHead};
use pointsman_routing::{Route, Scratch, Selector, Table, Unavailable};

use super::{Journey, Refusal};
use crate::downstream::client::Secured;
use crate::route_service::{Invalid, ServiceUrl, Signed, Signer, nonce, split};
use crate::upstream::Place;
use crate::worker::Visit;

/// What proves where a request comes from. None of it reaches an app.
pub(super) const SIGNED: KnownSet = KnownSet::of(&[
    Known::XCfForwardedUrl,
    Known::XCfProxySignature,
    Known::XCfProxyMetadata,
]);

/// What few requests have to do with a route service.
#[derive(Debug, Default)]
pub(super) struct Detour {
    /// What its signature proves.
    pub(super) passage: Passage,
    /// Whether this router has sent it itself, to a service within the platform.
    pub(super) is_own: bool,
    /// The service outside of the platform that it goes to.
    service: Option<Service>,
    /// The request of the client, while the exchange holds the one for a service within.
    sent: Option<RequestHead>,
}

/// What the signature of a request proves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passage {
    /// A router has signed it, and it says for which URL: it is somewhere between a client and an
    /// app, and what an earlier pass has said about the client stands.
    pub(super) is_signed: bool,
    /// It comes back from the service of its route.
    pub(super) has_arrived: bool,
}

/// A service that a request goes to.
#[derive(Debug)]
struct Service {
    place: Place,
    head: RequestHead,
}

/// A request that goes to the service of its route.
#[derive(Debug)]
pub(super) struct Outward {
    route: Arc<Route>,
    url: ServiceUrl,
    signed: Signed,
    /// Whether the service is a route of the table, and reached as that.
    is_within: bool,
    /// The request counts among those of its route until it is back.
    _visit: Visit,
}

/// Where a request has led to, and in what.
pub(super) struct Found<'t> {
    pub(super) table: &'t Table,
    pub(super) route: &'t Arc<Route>,
    pub(super) scratch: &'t mut Scratch,
}

impl Journey<'_, '_> {
    /// Looks after a request whose route has a service, or that is signed. `Some`: it goes to the
    /// service of its route, and not to an endpoint. `only` are the instances that it asks for.
    #[cold]
    pub(super) fn consider_service(
        &mut self,
        found: &mut Found<'_>,
        only: Option<&Selector>,
    ) -> Result<Option<Box<Outward>>, Refusal> {
        let worker = self.worker;
        let told = &worker.settings.route_services;
        let Some(url) = found.route.route_service() else {
            return self.meet_signed().map(|()| None);
        };
        self.look_at_pool(found, only)?;
        if self.is_too_large() {
            return Err(Refusal::TooLarge);
        }
        self.check_domain()?;
        let Some(signer) = &told.signer else {
            worker.told_of_services.unsupported("there is no secret");
            return Err(Refusal::NoRouteServices);
        };
        if !told.websockets && is_websocket(self.exchange.request) {
            worker.told_of_services.unsupported("it is a WebSocket");
            return Err(Refusal::WebSocketThroughService);
        }
        if self.said(Known::XCfProxySignature).is_some() {
            self.come_back(signer, found)?;
            return Ok(None);
        }
        self.set_out(signer, url, found).map(Some)
    }

    /// A request that passes through a service takes no endpoint yet, but there has to be one.
    fn look_at_pool(&self, found: &Found<'_>, only: Option<&Selector>) -> Result<(), Refusal> {
        let route = found.route;
        let mut endpoints = route.endpoints().iter();
        let is_wanted = |selector: &Selector| endpoints.any(|each| selector.admits(each));
        let most = self.worker.settings.limits.endpoint_connections;
        let unavailable = if !only.is_none_or(is_wanted) || route.endpoints().is_empty() {
            Unavailable::Empty
        } else if !route.has_room(most) {
            Unavailable::Overloaded
        } else {
            return Ok(());
        };
        let settings = found.table.settings();
        Err(self.unavailable(unavailable, (route, settings), only.is_some()))
    }

    /// A signed request for a route without a service: its signature is for whoever is there, which
    /// may be a service (15.5), and has to be genuine where that is asked for.
    fn meet_signed(&mut self) -> Result<(), Refusal> {
        let told = &self.worker.settings.route_services;
        let Some(signer) = &told.signer else {
            return Ok(());
        };
        if self.said(Known::XCfProxySignature).is_none() {
            return Ok(());
        }
        match self.open(signer) {
            Ok(_) => {
                let is_signed = self.said(Known::XCfForwardedUrl).is_some();
                self.detour.get_or_insert_default().passage.is_signed = is_signed;
                Ok(())
            }
            Err(invalid) if told.strict_signatures => {
                self.tell_refused(invalid);
                Err(Refusal::ForgedSignature(invalid))
            }
            Err(_) => Ok(()),
        }
    }

    /// A signed request for a route with a service: where the signature is for this route, the
    /// request goes to its app, which never sees the signature.
    fn come_back(&mut self, signer: &Signer, found: &mut Found<'_>) -> Result<(), Refusal> {
        let bound = self.worker.settings.route_services.bind_path;
        let path = bound.then(|| self.exchange.request.path());
        let opened = self.open(signer);
        let proven = opened.and_then(|url| prove(&url, found, path));
        if let Err(invalid) = proven {
            self.tell_refused(invalid);
            return Err(Refusal::UnprovenService(invalid));
        }
        let is_signed = self.said(Known::XCfForwardedUrl).is_some();
        self.exchange.request.fields_mut().remove_all(SIGNED);
        self.detour.get_or_insert_default().passage = Passage {
            is_signed,
            has_arrived: true,
        };
        Ok(())
    }

    /// A request that has not been to the service of its route yet.
    fn set_out(
        &self,
        signer: &Signer,
        url: &str,
        found: &mut Found<'_>,
    ) -> Result<Box<Outward>, Refusal> {
        let told = &self.worker.settings.route_services;
        let url = ServiceUrl::parse(url).ok_or(Refusal::ServiceRequest)?;
        if self.worker.switches.disables(&url) {
            // Never past it: it may be what protects the app.
            let told = &self.worker.told_of_services;
            told.unsupported("an operator has disabled the service");
            return Err(Refusal::ServiceDisabled);
        }
        let visit = self.worker.visit_service(found.route);
        let visit = visit.ok_or(Refusal::Overloaded)?;
        let request = &*self.exchange.request;
        let [host, target] =
            [request.host(), request.path_and_query()].map(String::from_utf8_lossy);
        let scheme = if told.recommend_https {
            "https"
        } else {
            "http"
        };
        let forwarded_url = format!("{scheme}://{host}{target}");
        let signed = nonce().and_then(|nonce| signer.sign(forwarded_url, self.wall(), nonce));
        let signed = signed.ok_or(Refusal::ServiceRequest)?;
        let is_within = told.hairpinning.as_ref().is_some_and(|list| {
            let known = found
                .table
                .lookup(&url.authority, url.path(), found.scratch);
            // A wildcard route is compared as `*.domain`, whatever host it was found for.
            known.is_some_and(|known| list.permits(&known.key().host.to_string()))
        });
        Ok(Box::new(Outward {
            route: Arc::clone(found.route),
            url,
            signed,
            is_within,
            _visit: visit,
        }))
    }

    /// Whether a router has signed the request: its first part is in flight already, here or at another one.
    #[cold]
    pub(super) fn is_under_way(&self) -> bool {
        let signer = self.worker.settings.route_services.signer.as_ref();
        self.said(Known::XCfProxySignature).is_some()
            && signer.is_some_and(|signer| self.open(signer).is_ok())
    }

    /// The URL that the request was signed for.
    fn open(&self, signer: &Signer) -> Result<String, Invalid> {
        let [signature, metadata] = [Known::XCfProxySignature, Known::XCfProxyMetadata]
            .map(|name| self.said(name).unwrap_or_default());
        signer.open(signature, metadata, self.wall())
    }

    /// What the handshake of the request's connection has shown. A request of the router's own has
    /// none, and so nobody's identity.
    pub(super) fn secured(&self) -> Option<&Secured> {
        match &self.detour {
            Some(detour) if detour.is_own => None,
            _ => self.exchange.client.tls(),
        }
    }

    fn said(&self, name: Known) -> Option<&[u8]> {
        let value = self.exchange.request.fields().get(name);
        value.filter(|value| !value.is_empty())
    }

    /// The wall time at which the request came.
    fn wall(&self) -> Timestamp {
        let nanos = self.worker.clock.wall(self.record.received);
        Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::MAX)
    }

    fn tell_refused(&self, invalid: Invalid) {
        self.worker.counters.route_service_refused.increment();
        let host = self.exchange.request.authority();
        self.worker.told_of_services.refused(host, invalid.text());
    }
}

/// Whether a signature for `url` is one for this route, and for this path where that counts. Host
/// and path are compared in the form that requests are routed by, whatever their spelling.
fn prove(url: &str, found: &mut Found<'_>, path: Option<&[u8]>) -> Result<(), Invalid> {
    let (host, signed_path) = split(url).ok_or(Invalid::UnknownRoute)?;
    let of_url = found.table.lookup(host, signed_path, found.scratch);
    let of_url = of_url.ok_or(Invalid::UnknownRoute)?;
    if of_url.key() != found.route.key() {
        return Err(Invalid::OtherRoute);
    }
    match path {
        Some(path) if path != signed_path.as_bytes() => Err(Invalid::OtherPath),
        _ => Ok(()),
    }
}

fn is_websocket(request: &RequestHead) -> bool {
    request
        .upgrade()
        .is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
}
