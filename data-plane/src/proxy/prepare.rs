//! What an endpoint gets to see of a request, and what is said beside it.
//!
//! Fields that end at this hop go first, ours are set afterwards, so that no client can have one
//! of ours removed by naming it in `Connection`. What differs between attempts is written
//! with each of them; the head stays as it is.

mod http2;

use std::rc::Rc;

use arrayvec::ArrayVec;
use pointsman_http1::{
    BodyLength, InvalidField, Known, KnownSet, Method, Name, RequestHead, RequestOut,
    UpstreamConnection, write_request,
};
use pointsman_routing::Endpoint;

use super::client_cert::ClientCert;
use super::hops::HOPS;
use super::request_id::RequestId;
use super::service::{Passage, SIGNED};
use super::{Journey, upgrade};
use crate::decimal;
use crate::route_service::Signed;
use crate::settings::{ForwardedProto, Tunnels};

/// What the router says itself, or what is not for endpoints.
const REPLACED: KnownSet = KnownSet::of(&[
    Known::XForwardedFor,
    Known::XForwardedProto,
    Known::XVcapRequestId,
    Known::XCfApplicationId,
    Known::XCfInstanceId,
    Known::XCfInstanceIndex,
    Known::XCfAppInstance,
    // A script behind CGI would take it for the variable HTTP_PROXY.
    Known::Proxy,
]);

/// The same where a client's own `X-Forwarded-Client-Cert` is worth nothing.
const REPLACED_WITH_CERT: KnownSet = REPLACED.union(KnownSet::of(&[Known::XForwardedClientCert]));

/// What a client may not have removed by naming it in `Connection`.
const PROTECTED: KnownSet = KnownSet::of(&[
    Known::Host,
    Known::ContentLength,
    Known::TransferEncoding,
    Known::XForwardedFor,
    Known::XForwardedProto,
    Known::XForwardedHost,
    Known::XForwardedPort,
    Known::XForwardedClientCert,
    Known::Forwarded,
    Known::XRealIp,
    Known::XRequestStart,
    Known::XVcapRequestId,
    Known::XVcapTrace,
    Known::XCfApplicationId,
    Known::XCfInstanceId,
    Known::XCfInstanceIndex,
    Known::XCfAppInstance,
    Known::XCfProcessInstance,
    Known::XCfForwardedUrl,
    Known::XCfProxySignature,
    Known::XCfProxyMetadata,
    Known::Cookie,
    Known::Authorization,
    Known::Traceparent,
    Known::Tracestate,
    Known::B3,
    Known::XB3TraceId,
    Known::XB3SpanId,
    Known::XB3ParentSpanId,
]);

/// The address of a request that the router itself has sent, to a route service within the platform.
pub(super) const OWN: &str = "127.0.0.1";

/// What is sent with each attempt.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The client's `X-Forwarded-For`, all lines joined, and the client.
    pub(super) forwarded_for: Vec<u8>,
    /// The value of `X-Forwarded-Proto`.
    pub(super) forwarded_proto: Vec<u8>,
    /// The value of `X-Request-Start` where the client sent none; empty otherwise.
    request_start: Vec<u8>,
    /// The value of `X-Forwarded-Client-Cert` that is the router's own.
    client_cert: Option<Rc<[u8]>>,
    /// Whether the client takes trailers.
    wants_trailers: bool,
    /// The trailers that the client announced.
    announced: Vec<u8>,
    /// How often the request has come back through a router; empty for never.
    pub(super) hops: Vec<u8>,
    /// What does not go on of what the client sent.
    without: KnownSet,
    /// The protocol that the request may switch its connection to.
    pub(super) upgrade: Option<Box<[u8]>>,
    /// The host that endpoints are told; empty: the client's.
    pub(super) authority: Vec<u8>,
    /// Whether doing the request twice is the same as doing it once.
    pub(super) idempotent: bool,
}

/// What differs from endpoint to endpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addressed<'a> {
    /// Who gets the request.
    pub(super) endpoint: &'a Endpoint,
    /// The request's id.
    pub(super) request_id: &'a RequestId,
    /// Whether the connection would be used again.
    pub(super) keep_alive: bool,
}

/// What a request is prepared with.
#[derive(Clone, Debug)]
pub(super) struct Context<'a> {
    /// The client's address.
    pub(super) client_ip: &'a str,
    /// The scheme that the client speaks.
    pub(super) scheme: &'static str,
    /// What becomes of the client's `X-Forwarded-Proto`.
    pub(super) proto: ForwardedProto,
    /// What becomes of its `X-Forwarded-Client-Cert`.
    pub(super) client_cert: ClientCert,
    /// What the request's signature proves.
    pub(super) passage: Passage,
    /// Further names that it cannot have removed.
    pub(super) kept: &'a [String],
    /// What a request may switch its connection to.
    pub(super) tunnels: &'a Tunnels,
    /// Milliseconds of the Unix epoch.
    pub(super) wall_millis: u64,
}

impl Journey<'_, '_> {
    /// Prepares the request for whatever endpoint gets it.
    pub(super) fn prepare(&mut self) {
        let headers = &self.worker.settings.headers;
        let (passage, is_own) = match &self.detour {
            None => (Passage::default(), false),
            Some(detour) => (detour.passage, detour.is_own),
        };
        let client = self.exchange.client;
        // What the router sends itself has not left the process, which is as good as TLS.
        let (client_ip, scheme) = if is_own {
            (OWN, "https")
        } else {
            (client.ip(), client.scheme())
        };
        let context = Context {
            client_ip,
            scheme,
            passage,
            proto: headers.forwarded_proto,
            client_cert: ClientCert::of(
                self.secured(),
                headers.forwarded_client_cert,
                (passage, scheme),
            ),
            kept: &headers.kept_from_connection,
            tunnels: &self.worker.settings.tunnels,
            wall_millis: self.worker.clock.wall(self.record.received) / 1_000_000,
        };
        self.desk.prepared.fill(self.exchange.request, context);
        self.record.prepared = true;
    }
}

impl Prepared {
    /// Takes from the head what is said in another form, and strips it.
    pub(super) fn fill(&mut self, head: &mut RequestHead, context: Context<'_>) {
        let fields = head.fields();
        self.forwarded_for.clear();
        for line in fields.get_all(Known::XForwardedFor) {
            self.forwarded_for.extend_from_slice(line);
            self.forwarded_for.extend_from_slice(b", ");
        }
        self.forwarded_for
            .extend_from_slice(context.client_ip.as_bytes());
        self.forwarded_proto.clear();
        let sent = fields
            .get(Known::XForwardedProto)
            .filter(|value| !value.is_empty());
        self.forwarded_proto
            .extend_from_slice(match (context.proto, sent) {
                // An earlier pass has seen to it, and may have been nearer to the client (D-273).
                _ if context.passage.is_signed => sent.unwrap_or_default(),
                (ForwardedProto::ForceHttps, _) => b"https",
                (ForwardedProto::Keep, Some(sent)) => sent,
                (ForwardedProto::Keep, None) | (ForwardedProto::Sanitize, _) => {
                    context.scheme.as_bytes()
                }
            });
        self.request_start.clear();
        if !fields.contains(Known::XRequestStart) {
            decimal::push_padded::<13>(&mut self.request_start, context.wall_millis);
        }
        self.idempotent = is_idempotent(head);
        self.upgrade = upgrade::asked(head, context.tunnels);
        self.authority.clear();
        (self.without, self.client_cert) = match context.client_cert {
            ClientCert::Kept => (REPLACED, None),
            ClientCert::Removed => (REPLACED_WITH_CERT, None),
            ClientCert::Replaced(cert) => (REPLACED_WITH_CERT, Some(cert)),
        };
        self.note_trailers(head);
        if !self.hops.is_empty() {
            head.fields_mut().remove(HOPS);
        }
        head.fields_mut()
            .strip_hop_by_hop(|name| is_protected(name) || is_kept(context.kept, name));
    }

    fn note_trailers(&mut self, head: &RequestHead) {
        let fields = head.fields();
        let wants = |member: &[u8]| member.eq_ignore_ascii_case(b"trailers");
        self.wants_trailers = fields.contains(Known::Te) && fields.list(Known::Te).any(wants);
        self.announced.clear();
        if head.body() == BodyLength::Chunked {
            for name in fields.list(Known::Trailer) {
                if !self.announced.is_empty() {
                    self.announced.extend_from_slice(b", ");
                }
                self.announced.extend_from_slice(name);
            }
        }
    }

    /// The head for a route service: `head` sent to this target and authority, with what the router
    /// says itself and the signature, and without what is for endpoints. `None` where that is no
    /// request.
    pub(super) fn for_service(
        &self,
        head: &RequestHead,
        (target, authority): (&str, &str),
        (request_id, signed): (&RequestId, &Signed),
    ) -> Option<RequestHead> {
        let mut head = head.clone();
        head.redirect(target.as_bytes(), authority.as_bytes())
            .ok()?;
        let fields = head.fields_mut();
        fields.remove_all(self.without.union(SIGNED));
        let client_cert = self.client_cert.as_deref().unwrap_or_default();
        let said: [(Known, &[u8]); 9] = [
            (Known::XForwardedClientCert, client_cert),
            (Known::XForwardedFor, &self.forwarded_for),
            (Known::XForwardedProto, &self.forwarded_proto),
            (Known::XVcapRequestId, request_id),
            (Known::XRequestStart, &self.request_start),
            (Known::Trailer, &self.announced),
            (Known::XCfForwardedUrl, signed.forwarded_url.as_bytes()),
            (Known::XCfProxySignature, signed.signature.as_bytes()),
            (Known::XCfProxyMetadata, signed.metadata.as_bytes()),
        ];
        for (name, value) in said.into_iter().filter(|(_, value)| !value.is_empty()) {
            fields.push(name, value).ok()?;
        }
        if self.wants_trailers {
            fields.push(Known::Te, b"trailers").ok()?;
        }
        if !self.hops.is_empty() {
            fields.push(HOPS, &self.hops).ok()?;
        }
        if let Some(protocol) = &self.upgrade {
            // It was removed with what ends at this hop.
            fields.push(Known::Upgrade, protocol).ok()?;
        }
        Some(head)
    }

    /// Writes the head for one endpoint.
    ///
    /// # Errors
    /// A registered value that cannot stand in a field.
    pub(super) fn write(
        &self,
        out: &mut Vec<u8>,
        head: &RequestHead,
        to: &Addressed<'_>,
    ) -> Result<(), InvalidField> {
        let connection = match &self.upgrade {
            Some(protocol) => UpstreamConnection::Upgrade(protocol),
            None if to.keep_alive => UpstreamConnection::KeepAlive,
            None => UpstreamConnection::Close,
        };
        let mut with = Said::new();
        self.say(to, &mut with);
        let how = RequestOut {
            body: head.body(),
            connection,
            without: self.without,
            with: &with,
            prepared: &[],
            authority: self.other_authority(),
        };
        write_request(out, head, &how)
    }

    /// The host that endpoints are told, where it is another than the client's.
    #[inline]
    fn other_authority(&self) -> Option<&[u8]> {
        (!self.authority.is_empty()).then_some(&*self.authority)
    }

    /// What is said beside the fields of the client.
    #[expect(
        clippy::inline_always,
        reason = "left alone it is called, and costs HTTP/1.1 a hundred instructions more"
    )]
    #[inline(always)]
    fn say<'s>(&'s self, to: &Addressed<'s>, with: &mut Said<'s>) {
        let endpoint = to.endpoint;
        let [app, instance, index] = endpoint.names();
        let instance = if instance.is_empty() {
            endpoint.address().as_str()
        } else {
            instance
        };
        with.push((Known::XForwardedFor.into(), &self.forwarded_for));
        if !self.forwarded_proto.is_empty() {
            with.push((Known::XForwardedProto.into(), &self.forwarded_proto));
        }
        with.push((Known::XVcapRequestId.into(), to.request_id));
        with.push((Known::XCfApplicationId.into(), app.as_bytes()));
        with.push((Known::XCfInstanceId.into(), instance.as_bytes()));
        with.push((Known::XCfInstanceIndex.into(), index.as_bytes()));
        if !self.request_start.is_empty() {
            with.push((Known::XRequestStart.into(), &self.request_start));
        }
        if let Some(cert) = &self.client_cert {
            with.push((Known::XForwardedClientCert.into(), cert));
        }
        if self.wants_trailers {
            with.push((Known::Te.into(), b"trailers"));
        }
        if !self.announced.is_empty() {
            with.push((Known::Trailer.into(), &self.announced));
        }
        if !self.hops.is_empty() {
            with.push((HOPS.into(), &self.hops));
        }
    }
}

/// Fields beside those of the client, which has room for each of them. They are filled in where they stand: they are too
/// many to be handed on.
type Said<'s> = ArrayVec<(Name<'s>, &'s [u8]), 11>;

fn is_protected(name: Name<'_>) -> bool {
    let starts = |prefix: &[u8]| {
        name.as_bytes()
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    PROTECTED.contains(name.known()) || starts(b"x-cf-") || starts(b"x-forwarded-")
}

/// Whether a name is one of those that were configured (`hop_by_hop_headers_to_filter`, D-267 to D-272).
fn is_kept(kept: &[String], name: Name<'_>) -> bool {
    kept.iter()
        .any(|kept| kept.as_bytes().eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether a request may be done twice (D-445 to D-452).
fn is_idempotent(head: &RequestHead) -> bool {
    let named = |name| {
        head.fields()
            .get(name)
            .is_some_and(|value: &[u8]| !value.is_empty())
    };
    matches!(
        head.method(),
        Method::Get | Method::Head | Method::Options | Method::Trace
    ) || named(Known::IdempotencyKey)
        || named(Known::XIdempotencyKey)
}

#[cfg(test)]
mod tests;
