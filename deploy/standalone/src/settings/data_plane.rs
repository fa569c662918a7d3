//! The proxy of a `gorouter.yml`.

use std::num::NonZeroUsize;
use std::time::Duration;

use pointsman_data_plane::{
    AccessLog, ForwardedProto, Headers, Limits, Settings, Sink, Timeouts, Upstream, UpstreamTls,
};
use pointsman_http1::{RequestLimits, ResponseLimits};
use pointsman_process::configuration::go;
use pointsman_process::tls::{Dates, Identity, Refused, Source, Trust};

use super::FOR_EVER;
use crate::gorouter_yml::GorouterYml;

/// Everything about the proxy.
///
/// # Errors
///
/// When a CA or a certificate of the file cannot be used; most of that was found when the file was checked.
pub fn data_plane(file: &GorouterYml) -> Result<Settings, Refused> {
    Ok(Settings {
        workers: usize::try_from(file.process.go_max_procs)
            .ok()
            .and_then(NonZeroUsize::new),
        limits: limits(file),
        timeouts: timeouts(file),
        headers: headers(file),
        upstream: upstream(file)?,
        access_log: access_log(file),
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
    let most = RequestLimits::CEILING;
    // Gorouter's own bound is 1 MiB as well (CF-103).
    let head = bound(headers.max_request_header_bytes, most.head);
    let request = RequestLimits {
        request_line: head.min(most.request_line),
        head,
        fields: bound(headers.max_request_headers, most.fields),
        field_value: head.min(most.field_value),
        ..RequestLimits::DEFAULT
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
        // Below 1 counts as 1 (CF-114).
        attempts: u32::try_from(backends.max_attempts.max(1)).unwrap_or(u32::MAX),
        ..Limits::default()
    }
}

/// A wait of the file, for which what is not above zero means "for ever".
fn wait(given: go::Duration) -> Duration {
    given.positive().unwrap_or(FOR_EVER)
}

fn timeouts(file: &GorouterYml) -> Timeouts {
    let (backends, connections) = (&file.backends, &file.connections);
    let attempt = backends.endpoint_timeout.positive();
    let defaults = Timeouts::default();
    Timeouts {
        // Without a bound of the file ours stays: a client that never ends its head holds a place for ever (L-05).
        request_head: connections
            .read_header_timeout
            .positive()
            .unwrap_or(defaults.request_head),
        client_idle: wait(connections.frontend_idle_timeout),
        dial: wait(backends.endpoint_dial_timeout),
        handshake: wait(backends.tls_handshake_timeout),
        // Gorouter bounds an attempt as a whole, and no part of it.
        answer: attempt.unwrap_or(FOR_EVER),
        stream_idle: attempt.unwrap_or(FOR_EVER),
        attempt,
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
        keep_endpoint_router_error: true,
        timeout_is_bad_gateway: true,
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
        idle_per_endpoint: first.unwrap_or(usize::MAX).min(second),
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

fn access_log(file: &GorouterYml) -> Option<AccessLog> {
    let logging = &file.logging;
    let path = &logging.access_log.file;
    (!path.is_empty()).then(|| AccessLog {
        sink: Sink::File(path.into()),
        hide_source_ip: logging.logging.disable_log_source_ip,
        hide_forwarded_for: logging.logging.disable_log_forwarded_for,
    })
}
