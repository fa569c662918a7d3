//! The section `routing_api`.

use std::path::PathBuf;
use std::time::Duration;

use pointsman_process::configuration::{
    Check, Environment, HostPort, Interval, Problem, SecretFile, Validate,
};
use pointsman_process::tls::{Dates, Source};
use serde::Deserialize;

use crate::sources::routing_api::{Authorization, Servers, Settings, Tls, TlsIdentity, Uaa};

/// The Routing API, where routes come from beside what publishers register.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct RoutingApi {
    /// Where it is, as `https://HOST:PORT`; `http://` on this machine only. Absent: it is not asked.
    pub url: Option<String>,
    /// TLS towards it. Absent: whom the system trusts is believed, and we show no certificate.
    pub tls: Option<RoutingApiTls>,
    /// Who gives the tokens that it is asked with. Absent: it is asked without one.
    pub uaa: Option<RoutingApiUaa>,
    /// How often its whole list is asked for; its events come in between.
    pub interval: Interval,
    /// The bound of one request.
    pub request_timeout: Interval,
    /// The longest wait before its events are asked for again.
    pub reconnect_max_wait: Interval,
}

/// TLS towards the Routing API.
#[derive(Clone, Debug, Deserialize)]
pub struct RoutingApiTls {
    /// The file of the authorities that certify it.
    pub ca: PathBuf,
    /// The file of the certificate chain that we show, leaf first. Absent: we show none.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The file of its key.
    #[serde(default)]
    pub key: Option<PathBuf>,
}

/// Who gives tokens.
#[derive(Clone, Debug, Deserialize)]
pub struct RoutingApiUaa {
    /// Where it is, as `https://HOST:PORT`.
    pub url: String,
    /// Who we are to it.
    pub client: String,
    /// The file of what proves that.
    pub secret_file: SecretFile,
    /// The file of the authorities that certify it. Absent: those that the system trusts.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// How long before its end a token is not used any more.
    #[serde(default = "expiration_buffer")]
    pub expiration_buffer: Interval,
    /// How often a request for a token that failed is repeated.
    #[serde(default = "retries")]
    pub retries: u32,
    /// The wait before each repetition.
    #[serde(default = "retry_interval")]
    pub retry_interval: Interval,
}

const fn expiration_buffer() -> Interval {
    Interval(Duration::from_secs(30))
}

const fn retries() -> u32 {
    3
}

const fn retry_interval() -> Interval {
    Interval(Duration::from_secs(5))
}

impl Default for RoutingApi {
    fn default() -> Self {
        Self {
            url: None,
            tls: None,
            uaa: None,
            interval: Interval(Settings::INTERVAL),
            request_timeout: Interval(Settings::REQUEST_TIMEOUT),
            reconnect_max_wait: Interval(Settings::RECONNECT_MAX_WAIT),
        }
    }
}

/// Whether the URL of a server asks for TLS, and whether it is on this machine; or what is wrong with it.
fn server(url: &str) -> Result<(bool, bool), &'static str> {
    let secured = url.strip_prefix("https://");
    let rest = secured.or_else(|| url.strip_prefix("http://"));
    let rest = rest.ok_or("begins with neither https:// nor http://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('@') {
        return Err("holds credentials");
    }
    if rest.contains(['/', '?', '#']) {
        return Err("goes on behind its host and port");
    }
    let with_port = if rest.contains(':') {
        rest.to_owned()
    } else {
        format!("{rest}:443")
    };
    if with_port.ends_with(":0") {
        return Err("has the port 0");
    }
    let at: HostPort = with_port.parse().map_err(|_| "names no host")?;
    let address: Result<std::net::IpAddr, _> = at.host.parse();
    let is_here = address.map_or(at.host == "localhost", |address| address.is_loopback());
    Ok((secured.is_some(), is_here))
}

impl Validate for RoutingApi {
    fn validate(&self, check: &mut Check<'_>) {
        match self.url.as_deref().map(server) {
            None => {
                for key in ["tls", "uaa"] {
                    if check.is_given(key) {
                        check.refuse(key, "has no server", "add url, as https://HOST:PORT");
                    }
                }
            }
            Some(Err(what)) => check.refuse("url", what, "write https://HOST:PORT"),
            Some(Ok((false, false))) => check.refuse(
                "url",
                "would send tokens in clear text",
                "write https://HOST:PORT; http:// is for this machine only",
            ),
            Some(Ok((false, true))) if self.tls.is_some() => check.refuse(
                "tls",
                "stands beside a URL without TLS",
                "write https:// in url, or leave it out",
            ),
            Some(Ok(_)) => {}
        }
        for (key, given) in [("tls", self.tls.is_some()), ("uaa", self.uaa.is_some())] {
            if self.url.is_some() && !given && check.is_given(key) {
                check.refuse(key, "is empty", "write its keys, or leave it out");
            }
        }
        if let Some(tls) = &self.tls {
            tls.validate(check);
        }
        if let Some(uaa) = &self.uaa {
            check.within("uaa", |check| uaa.validate(check));
        }
        for (key, Interval(given)) in [
            ("interval", self.interval),
            ("request_timeout", self.request_timeout),
            ("reconnect_max_wait", self.reconnect_max_wait),
        ] {
            if given < Duration::from_millis(10) {
                check.refuse(key, "is too short", "write 10ms or more, such as 15s");
            }
        }
    }
}

impl RoutingApiTls {
    fn validate(&self, check: &mut Check<'_>) {
        match (&self.certificate, &self.key) {
            (Some(_), None) => check.refuse("tls.certificate", "has no key", "add tls.key"),
            (None, Some(_)) => check.refuse("tls.key", "has no certificate", "add tls.certificate"),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn settings(&self) -> Tls {
        let identity = self.certificate.as_ref().zip(self.key.as_ref());
        Tls {
            authorities: Source::file(&self.ca),
            identity: identity.map(|(chain, key)| TlsIdentity {
                chain: Source::file(chain),
                key: Source::file(key),
                dates: Dates::Enforced,
            }),
        }
    }
}

impl Validate for RoutingApiUaa {
    fn validate(&self, check: &mut Check<'_>) {
        match server(&self.url) {
            Ok((true, _)) => {}
            Ok((false, _)) => check.refuse(
                "url",
                "would send the secret in clear text",
                "write https://HOST:PORT",
            ),
            Err(what) => check.refuse("url", what, "write https://HOST:PORT"),
        }
        if self.client.is_empty() {
            check.refuse("client", "is empty", "name the client, such as gorouter");
        }
    }
}

impl RoutingApiUaa {
    fn settings(&self, environment: &dyn Environment) -> Result<Uaa, Problem> {
        let authorities = self.ca.as_ref().map_or(Source::System, Source::file);
        Ok(Uaa {
            url: self.url.clone(),
            servers: Servers::Certified(authorities),
            client: self.client.clone(),
            secret: self.secret_file.read(environment)?,
            expiration_buffer: self.expiration_buffer.0,
            retries: self.retries,
            retry_interval: self.retry_interval.0,
        })
    }
}

impl RoutingApi {
    /// The settings of the source, if there is one.
    pub(super) fn settings(
        &self,
        environment: &dyn Environment,
    ) -> Result<Option<Settings>, Problem> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let of_the_system = || Tls {
            authorities: Source::System,
            identity: None,
        };
        let given = self.tls.as_ref().map(RoutingApiTls::settings);
        let tls = url
            .starts_with("https://")
            .then(|| given.unwrap_or_else(of_the_system));
        let authorization = match &self.uaa {
            None => Authorization::None,
            Some(uaa) => Authorization::Uaa(Box::new(uaa.settings(environment)?)),
        };
        Ok(Some(Settings {
            interval: self.interval.0,
            request_timeout: self.request_timeout.0,
            reconnect_max_wait: self.reconnect_max_wait.0,
            ..Settings::new(url.clone(), tls, authorization)
        }))
    }
}

#[cfg(test)]
mod tests;
