//! The Routing API of a `gorouter.yml`, and whose tokens it is asked with.

use std::time::Duration;

use pointsman_control_plane::sources::routing_api::{
    Authorization, FirstConnection, Servers, Settings, Tls, TlsIdentity, Uaa,
};
use pointsman_process::tls::{Dates, Source};
use secrecy::SecretString;

use crate::gorouter_yml::GorouterYml;
use crate::gorouter_yml::routing_api::RoutingApiGroup;

/// The source, where URI and port are given (CF-051, CF-053).
pub(super) fn routing_api(file: &GorouterYml) -> Option<Settings> {
    let group = &file.routing_api;
    let api = &group.routing_api;
    if !api.is_enabled() {
        return None;
    }
    let tls = Tls {
        authorities: Source::inline("routing_api.ca_certs", &api.ca_certs),
        identity: Some(TlsIdentity {
            chain: Source::inline("routing_api.cert_chain", &api.cert_chain),
            key: Source::inline("routing_api.private_key", api.private_key.expose()),
            // One that is over ends Gorouter's start as well.
            dates: Dates::Enforced,
        }),
    };
    let authorization = if api.auth_disabled {
        Authorization::None
    } else {
        Authorization::Uaa(Box::new(uaa(group)))
    };
    let url = format!("{}:{}", api.uri.trim_end_matches('/'), api.port);
    let settings = Settings::new(url, Some(tls), authorization);
    Some(Settings {
        first_connection: FirstConnection::Once,
        interval: interval(file).unwrap_or(settings.interval),
        ..settings
    })
}

/// Half the pruning interval (C-492). Without pruning Gorouter does not run at all with a Routing API.
fn interval(file: &GorouterYml) -> Option<Duration> {
    let pruning = file.routing_table.prune_stale_droplets_interval.positive();
    pruning.map(|interval| (interval / 2).max(Duration::from_millis(1)))
}

fn uaa(group: &RoutingApiGroup) -> Uaa {
    let oauth = &group.oauth;
    let servers = if oauth.skip_ssl_validation {
        Servers::All
    } else if oauth.ca_certs.is_empty() {
        Servers::Certified(Source::System)
    } else {
        Servers::Certified(Source::file(&oauth.ca_certs))
    };
    // Plain seconds, and none where they are fewer.
    let buffer = u64::try_from(group.token_fetcher_expiration_buffer_time).unwrap_or_default();
    Uaa {
        url: format!("https://{}:{}", oauth.token_endpoint, oauth.port),
        servers,
        client: oauth.client_name.clone(),
        secret: SecretString::from(oauth.client_secret.expose()),
        expiration_buffer: Duration::from_secs(buffer),
        retries: group.token_fetcher_max_retries,
        retry_interval: group.token_fetcher_retry_interval.or_zero(),
    }
}

#[cfg(test)]
mod tests;
