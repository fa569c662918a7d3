//! The proxy of a `gorouter.yml`.

use std::error::Error;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use pointsman_data_plane::{
    AccessLog, AttemptTimeouts, Balancing, Behind, Census, Checks, ErrorPage, Events,
    ForwardedClientCert, ForwardedProto, Headers, Http2, Limits, NoPage, RequestSize, Sessions,
    Settings, Sink, Timeouts, Tracing, Tunnels, Upstream, UpstreamTls, VendorKey, ZonePreference,
    extra_fields,
};
use pointsman_http1::{RequestLimits, ResponseLimits};
use pointsman_process::configuration::go;
use pointsman_process::tls::{Dates, Identity, Refused, Source, Trust};

use super::FOR_EVER;
use super::front_tls::front_tls;
use super::route_services::route_services;
use crate::gorouter_yml::GorouterYml;
use crate::metron::ORIGIN;

/// Everything about the proxy.
///
/// # Errors
///
/// When a CA or a certificate of the file cannot be used; most of that was found when the file was checked. When the
/// error page cannot.
pub fn data_plane(file: &GorouterYml) -> Result<Settings, Box<dyn Error + Send + Sync>> {
    let upstream = upstream(file)?;
    Ok(Settings {
        workers: usize::try_from(file.process.go_max_procs)
            .ok()
            .and_then(NonZeroUsize::new),
        limits: limits(file),
        timeouts: timeouts(file),
        headers: headers(file),
        checks: checks(file),
        tracing: tracing(file),
        error_page: error_page(file)?,
        sessions: sessions(file),
        balancing: balancing(file),
        tunnels: Tunnels::default(),
        // Optional, and waited for as long as Gorouter does.
        behind: file.process.enable_proxy.then_some(Behind {
            wait: Duration::from_millis(100),
            optional: true,
        }),
        front_tls: front_tls(file)?,
        http2: Http2 {
            enabled: file.process.enable_http2,
            ..Http2::default()
        },
        route_services: route_services(file, &upstream)?,
        upstream,
        access_log: access_log(file),
        // Measured for nobody, as long as nothing shows it.
        per_app_latency: false,
        lookup_time: false,
        census: Census {
            varz: file.status.status.is_component(),
            active_apps: file
                .routing_table
                .publish_active_apps_interval
                .positive()
                .is_some(),
        },
        events: events(file)?,
    })
}

/// A bound of the file within ours; what is not above zero is Gorouter's "no bound", and ours is the highest then.
fn bound(given: i64, most: u32) -> u32 {
    match u32::try_from(given) {
        Ok(given) if given > 0 => given.min(most),
        _ => most,
    }
}

fn limits(file: &GorouterYml) -> Limits {
    let headers = &file.headers;
    let (ours, most) = (RequestLimits::DEFAULT, RequestLimits::CEILING);
    // What the file bounds is measured when the route is known, as in Gorouter; before that only what a client can have
    // the process hold matters, and nothing below our own bounds does.
    let head = bound(headers.max_request_header_bytes, most.head).max(ours.head);
    let request = RequestLimits {
        request_line: most.request_line,
        head,
        fields: bound(headers.max_request_headers, most.fields).max(ours.fields),
        field_value: head,
        ..ours
    };
    let most = ResponseLimits::CEILING;
    let response = ResponseLimits {
        head: bound(headers.max_response_header_bytes, most.head),
        fields: bound(headers.max_response_headers, most.fields),
        ..ResponseLimits::DEFAULT
    };
    let backends = &file.backends.backends;
    Limits {
        request,
        response,
        endpoint_connections: u32::try_from(backends.max_conns.max(0)).unwrap_or(u32::MAX),
        endpoint_connections_until_head: file.ours.compatibility.max_conns_until_response_head,
        hops: file.ours.max_router_hops,
        // As in Gorouter, which keeps no places for others.
        route_percent: 100,
        // Below 1 counts as 1 (CF-114).
        attempts: u32::try_from(backends.max_attempts.max(1)).unwrap_or(u32::MAX),
        ..Limits::default()
    }
}

/// What is looked at in a request beside its route, as in Gorouter.
fn checks(file: &GorouterYml) -> Checks {
    let headers = &file.headers;
    // Gorouter's own bound is 1 MiB as well (CF-103).
    let bytes = bound(
        headers.max_request_header_bytes,
        RequestLimits::CEILING.head,
    );
    Checks {
        health_user_agent: Some(file.connections.healthcheck_user_agent.as_str().into()),
        request_size: Some(RequestSize {
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            fields: usize::try_from(headers.max_request_headers)
                .ok()
                .filter(|most| *most > 0),
        }),
        semicolons: true,
        ..Checks::default()
    }
}

fn tracing(file: &GorouterYml) -> Option<Tracing> {
    let given = &file.logging.tracing;
    let tracing = Tracing {
        b3: given.enable_zipkin,
        // The tenant was checked with the file.
        w3c: given
            .enable_w3c
            .then(|| VendorKey::of_tenant(&given.w3c_tenant_id))
            .flatten(),
    };
    (tracing.b3 || tracing.w3c.is_some()).then_some(tracing)
}

fn error_page(file: &GorouterYml) -> Result<Option<ErrorPage>, NoPage> {
    let path = file.logging.html_error_template_file.as_str();
    if path.is_empty() {
        return Ok(None);
    }
    ErrorPage::load(Path::new(path)).map(Some)
}

/// A wait of the file, for which what is not above zero means "for ever".
fn wait(given: go::Duration) -> Duration {
    given.positive().unwrap_or(FOR_EVER)
}

fn timeouts(file: &GorouterYml) -> Timeouts {
    let (backends, connections) = (&file.backends, &file.connections);
    // Zero is as `endpoint_timeout`, and below it is none (12.1).
    let own = |given: go::Duration| match given {
        given if given.is_negative() => None,
        given => given
            .positive()
            .or_else(|| backends.endpoint_timeout.positive()),
    };
    let attempt = own(backends.http_1_endpoint_timeout);
    let over_http2 = own(backends.http_2_endpoint_timeout);
    let defaults = Timeouts::default();
    Timeouts {
        // Without a bound of the file ours stays: a client that never ends its head holds a place for ever (L-05).
        request_head: connections
            .read_header_timeout
            .positive()
            .unwrap_or(defaults.request_head),
        // As with the head: Go bounds a handshake by the same key.
        client_handshake: connections
            .read_header_timeout
            .positive()
            .unwrap_or(defaults.client_handshake),
        client_idle: wait(connections.frontend_idle_timeout),
        dial: wait(backends.endpoint_dial_timeout),
        handshake: wait(backends.tls_handshake_timeout),
        // Gorouter bounds an attempt as a whole, and no part of it.
        answer: attempt.unwrap_or(FOR_EVER),
        stream_idle: attempt.unwrap_or(FOR_EVER),
        attempt,
        http2: (over_http2 != attempt).then(|| AttemptTimeouts {
            attempt: over_http2,
            answer: over_http2.unwrap_or(FOR_EVER),
            stream_idle: over_http2.unwrap_or(FOR_EVER),
        }),
        leaving: connections.drain_wait.or_zero(),
        ..defaults
    }
}

fn headers(file: &GorouterYml) -> Headers {
    let headers = &file.headers;
    Headers {
        forwarded_proto: match (
            headers.force_forwarded_proto_https,
            headers.sanitize_forwarded_proto,
        ) {
            (true, _) => ForwardedProto::ForceHttps,
            (false, true) => ForwardedProto::Sanitize,
            (false, false) => ForwardedProto::Keep,
        },
        forwarded_client_cert: forwarded_client_cert(&headers.forwarded_client_cert),
        kept_from_connection: headers.hop_by_hop_headers_to_filter.0.clone(),
        trace_key: Some(file.process.trace_key.as_str())
            .filter(|key| !key.is_empty())
            .map(Into::into),
        rewrite: headers.http_rewrite.responses.rules(),
        keep_endpoint_router_error: true,
        timeout_is_bad_gateway: true,
    }
}

/// The mode of a word; others than these were refused when the file was read.
pub(super) fn forwarded_client_cert(word: &str) -> ForwardedClientCert {
    match word {
        "forward" => ForwardedClientCert::Forward,
        "sanitize_set" => ForwardedClientCert::SanitizeSet,
        _ => ForwardedClientCert::AlwaysForward,
    }
}

fn sessions(file: &GorouterYml) -> Sessions {
    let headers = &file.headers;
    Sessions {
        cookie_names: headers.sticky_session_cookie_names.0.clone(),
        auth_negotiate: headers.sticky_sessions_for_auth_negotiate,
        secure_cookies: file.process.secure_cookies,
    }
}

fn balancing(file: &GorouterYml) -> Balancing {
    Balancing {
        zone: file.process.zone.clone(),
        // Other values were refused when the file was read.
        zone_preference: match file.backends.balancing_algorithm_az_preference.as_str() {
            "locally-optimistic" => ZonePreference::LocallyOptimistic,
            _ => ZonePreference::None,
        },
        slow_start: file.ours.balancing_slow_start.or_zero(),
    }
}

fn upstream(file: &GorouterYml) -> Result<Upstream, Refused> {
    let backends = &file.backends;
    // Both bounds are per endpoint in Gorouter; 0 is no bound for the first, and 2 for the second.
    let first = usize::try_from(backends.max_idle_conns)
        .ok()
        .filter(|most| *most > 0);
    let second = match usize::try_from(backends.max_idle_conns_per_host) {
        Ok(0) => 2,
        Ok(most) => most,
        Err(_) => 0,
    };
    Ok(Upstream {
        keep_alive: !backends.disable_keep_alives,
        keep_alive_after_continue: file
            .headers
            .keep_alive_100_continue_requests
            .unwrap_or(true),
        idle_per_endpoint: first.unwrap_or(usize::MAX).min(second),
        http2: file.process.enable_http2,
        tls: upstream_tls(file)?,
        ..Upstream::default()
    })
}

/// What TLS endpoints are verified with: the system's CAs and those of the file. Without any, none can be.
fn upstream_tls(file: &GorouterYml) -> Result<Option<UpstreamTls>, Refused> {
    let bundles = file.frontend_tls.ca_certs.0.iter().enumerate();
    let mut sources = vec![Source::System];
    sources.extend(bundles.map(|(at, pem)| Source::inline(format!("ca_certs[{at}]"), pem)));
    if sources.len() == 1 && Source::System.certificates()?.is_empty() {
        return Ok(None);
    }
    let identity = match file.backends.backends.pair() {
        Some((chain, key)) => {
            let chain = Source::inline("backends.cert_chain", chain);
            let key = Source::inline("backends.private_key", key.expose());
            Some(Identity::load(chain, key, Dates::Ignored)?)
        }
        None => None,
    };
    Ok(Some(UpstreamTls {
        trust: Trust::load(sources)?,
        identity,
    }))
}

/// The agent that events of requests are told, as a server: Gorouter's switches for everything and for these.
fn events(file: &GorouterYml) -> Result<Option<Events>, NoAgent> {
    if !file.logging.send_http_start_stop_server_event {
        return Ok(None);
    }
    Ok(agent(file)?.map(|agent| Events {
        agent,
        origin: ORIGIN.to_owned(),
    }))
}

/// The agent for metrics on the same machine, where it is told anything.
///
/// # Errors
///
/// When its name leads nowhere.
pub fn agent(file: &GorouterYml) -> Result<Option<SocketAddr>, NoAgent> {
    let group = &file.logging;
    if !group.enable_envelope_v1_metrics {
        return Ok(None);
    }
    let address = group.logging.metron_address.as_str();
    let found = address.to_socket_addrs().map_err(|error| NoAgent {
        address: address.to_owned(),
        why: error.to_string(),
    })?;
    // An agent listens on 127.0.0.1 where a name has more addresses.
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found.first().copied())
}

/// The agent's address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "logging.metron_address: {address:?} cannot be reached: {why}; write an address and a port such as localhost:3457"
)]
pub struct NoAgent {
    address: String,
    why: String,
}

fn access_log(file: &GorouterYml) -> Option<AccessLog> {
    let logging = &file.logging;
    let path = &logging.access_log.file;
    (!path.is_empty()).then(|| AccessLog {
        sink: Sink::File(path.into()),
        hide_source_ip: logging.logging.disable_log_source_ip,
        hide_forwarded_for: logging.logging.disable_log_forwarded_for,
        extra_fields: extra_fields(&logging.extra_headers_to_log.0, tracing(file).as_ref()),
    })
}
