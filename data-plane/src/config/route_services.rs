//! The section `route_services`.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use pointsman_process::configuration::{
    Check, Environment, Interval, Problem, SecretFile, Validate,
};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::Client;
use crate::route_service::{AddressRules, AllowList, Signer};
use crate::{ServiceTls, app};

/// How requests pass through the route services of their routes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct RouteServices {
    /// The file with the secret that requests are signed with, the same for all routers in front of
    /// the same apps. Absent: requests for routes with a service are refused.
    pub secret_file: Option<SecretFile>,
    /// The file with another secret whose signatures are good, while the secret is changed.
    pub decrypt_only_secret_file: Option<SecretFile>,
    /// How long a signature is good.
    pub timeout: Interval,
    /// Whether services are told to call an `https` URL.
    pub recommend_https: bool,
    /// Whether a signature that proves nothing is refused where the route has no service.
    pub strict_signatures: bool,
    /// Whether a signature is good for the path only that it was made for, and not for every path
    /// of its route.
    pub bind_path: bool,
    /// The services that are reached without leaving the process where their host is a route:
    /// names, and `*.domain`. `*` by itself: all, so that whoever may register routes can take the
    /// place of any service. Empty: none.
    pub hairpinning: Vec<String>,
    /// Attempts at one service for one request.
    pub max_attempts: u32,
    /// Whether `WebSocket`s pass through services.
    pub websockets: bool,
    /// Whether a service may be reached without TLS where its URL says so.
    pub plain_http: bool,
    /// Networks that services may not have addresses of.
    pub deny: Vec<String>,
    /// Networks that services may have addresses of though they are loopback, link-local, multicast
    /// or of a metadata service.
    pub allow: Vec<String>,
    /// The file of authorities that are believed beside those of the system.
    pub ca: Option<PathBuf>,
    /// The certificate that is shown to a service which asks for one.
    pub client: Option<Client>,
    /// Whether services are believed whatever certificate they show.
    pub skip_verification: bool,
}

impl Default for RouteServices {
    fn default() -> Self {
        let defaults = crate::RouteServices::default();
        Self {
            secret_file: None,
            decrypt_only_secret_file: None,
            timeout: Interval(std::time::Duration::from_secs(60)),
            recommend_https: defaults.recommend_https,
            strict_signatures: defaults.strict_signatures,
            bind_path: defaults.bind_path,
            hairpinning: Vec::new(),
            max_attempts: defaults.attempts,
            websockets: defaults.websockets,
            plain_http: defaults.plain_http,
            deny: Vec::new(),
            allow: Vec::new(),
            ca: None,
            client: None,
            skip_verification: false,
        }
    }
}

impl Validate for RouteServices {
    fn validate(&self, check: &mut Check<'_>) {
        if self.decrypt_only_secret_file.is_some() && self.secret_file.is_none() {
            check.refuse(
                "decrypt_only_secret_file",
                "turns nothing on by itself",
                "add route_services.secret_file",
            );
        }
        if self.timeout.0.is_zero() {
            check.refuse(
                "timeout",
                "is 0, so no signature would ever be good",
                "write a time such as 60s",
            );
        }
        if self.max_attempts == 0 {
            check.refuse(
                "max_attempts",
                "is 0, so no request would reach a service",
                "write 1 or more",
            );
        }
        if self.skip_verification && self.ca.is_some() {
            check.refuse(
                "ca",
                "is not looked at, because every certificate is believed",
                "leave out one of ca and skip_verification",
            );
        }
        if let Err(bad) = hosts(&self.hairpinning) {
            check.refuse(
                "hairpinning",
                format!("{:?} is no host of a route service", bad.0),
                "write names with a dot, *.domain, or * by itself",
            );
        }
        for (key, given) in [("deny", &self.deny), ("allow", &self.allow)] {
            for net in given.iter().filter(|net| network(net).is_none()) {
                check.refuse(
                    key,
                    format!("{net:?} is no network"),
                    "write an address, or one with a prefix such as 10.0.0.0/8",
                );
            }
        }
    }
}

fn hosts(entries: &[String]) -> Result<Option<AllowList>, crate::BadEntry> {
    match entries {
        [] => Ok(None),
        [all] if all == "*" => Ok(Some(AllowList::All)),
        entries => AllowList::parse(entries.iter().map(String::as_str)).map(Some),
    }
}

fn network(text: &str) -> Option<IpNet> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.ok().or_else(|| text.parse().ok())
}

impl RouteServices {
    /// The settings but for what TLS needs from files.
    ///
    /// # Errors
    ///
    /// When a secret cannot be read.
    pub(super) fn settings(
        &self,
        environment: &dyn Environment,
    ) -> Result<crate::RouteServices, Problem> {
        let read = |file: &Option<SecretFile>| {
            let file = file.as_ref();
            file.map(|file| file.read(environment)).transpose()
        };
        let secret = read(&self.secret_file)?;
        let decrypt_only = read(&self.decrypt_only_secret_file)?;
        let decrypt_only = decrypt_only.as_ref().map(ExposeSecret::expose_secret);
        let networks = |given: &[String]| given.iter().filter_map(|net| network(net)).collect();
        Ok(crate::RouteServices {
            signer: secret.and_then(|secret| {
                Signer::new(secret.expose_secret(), decrypt_only, self.timeout.0)
            }),
            recommend_https: self.recommend_https,
            strict_signatures: self.strict_signatures,
            bind_path: self.bind_path,
            // Validation has seen to the entries.
            hairpinning: hosts(&self.hairpinning).unwrap_or_default(),
            attempts: self.max_attempts,
            websockets: self.websockets,
            plain_http: self.plain_http,
            addresses: AddressRules {
                denied: networks(&self.deny),
                allowed: networks(&self.allow),
            },
            tls: ServiceTls::default(),
        })
    }

    /// What services are reached with over TLS, where there are any.
    pub(super) fn tls(&self) -> Option<app::ServiceTls> {
        self.secret_file.as_ref().map(|_| app::ServiceTls {
            ca: self.ca.clone(),
            everybody: self.skip_verification,
            client: self
                .client
                .as_ref()
                .map(|client| (client.certificate.clone(), client.key.clone())),
        })
    }
}
