//! A route as a file declares it, in the words of the registry.

mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use pointsman_process::configuration::HostPort;
use pointsman_registry::{Description, Fields, Options, Tags, Uri};
use pointsman_route_key::RouteKey;

use super::super::message;
use super::form::{Catalogue, Instance, Protocol, Route};
use crate::route_uri;

/// Where problems are told: the key, what is wrong with it, what would be right.
pub(super) type Refuse<'a> = &'a mut dyn FnMut(&str, String, String);

/// One route with its endpoints.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Declared {
    /// The route.
    pub(super) uri: Uri,
    /// The isolation segment; empty for the shared one.
    pub(super) segment: Arc<str>,
    /// What it says of itself.
    pub(super) options: Arc<Options>,
    /// Its endpoints by address.
    pub(super) endpoints: BTreeMap<Arc<str>, Arc<Description>>,
}

/// What makes a route another one.
pub(super) type Name = (Arc<RouteKey>, Arc<str>);

impl Declared {
    pub(super) fn name(&self) -> Name {
        (Arc::clone(self.uri.key()), Arc::clone(&self.segment))
    }
}

/// The longest name of an isolation segment, in bytes.
const MAX_SEGMENT: usize = 128;

impl Route {
    /// The route in the words of the registry; `None` where it is none.
    pub(super) fn declared(&self, key: &str, refuse: Refuse<'_>) -> Option<Declared> {
        let uri = uri(&self.host, &self.path, (key, refuse))?;
        let options = self.rules.options(self.strip_prefix, (key, refuse))?;
        let mut endpoints = BTreeMap::new();
        let common = Instance::default();
        for (at, address) in self.endpoints.iter().enumerate() {
            let key = format!("{key}.endpoints[{at}]");
            put(&mut endpoints, (address, &common), (&key, refuse));
        }
        for (at, instance) in self.instances.iter().enumerate() {
            let key = format!("{key}.instances[{at}]");
            put(
                &mut endpoints,
                (&instance.address, instance),
                (&key, refuse),
            );
        }
        check_segment(&self.segment, (key, refuse));
        Some(Declared {
            uri,
            segment: self.segment.as_str().into(),
            options: Arc::new(options),
            endpoints,
        })
    }
}

impl Catalogue {
    /// What is wrong with how services are served, whichever they are.
    pub(super) fn check(&self, refuse: Refuse<'_>) {
        let both = format!("{}{}", self.host, self.path);
        for part in ["{name}", "{version}"] {
            if !both.contains(part) {
                refuse(
                    "catalogue.path",
                    format!("does not say where {part} stands"),
                    "write both in host or path, as /{name}/{version}".to_owned(),
                );
            }
        }
        if !self.instances.address.is_empty() {
            refuse(
                "catalogue.instances.address",
                "is one address for all services".to_owned(),
                "write addresses under services".to_owned(),
            );
        }
        let _ = self.rules.options(self.strip_prefix, ("catalogue", refuse));
        check_segment(&self.segment, ("catalogue", refuse));
    }

    /// One version of a service in the words of the registry; `None` where it is none.
    pub(super) fn declared(
        &self,
        (name, version, addresses): (&str, &str, &[String]),
        key: &str,
        refuse: Refuse<'_>,
    ) -> Option<Declared> {
        for part in [name, version] {
            let plain = |byte: u8| byte.is_ascii_graphic() && !b"/?#%{}".contains(&byte);
            if part.is_empty() || !part.bytes().all(plain) {
                refuse(
                    key,
                    format!("`{part}` cannot stand between two slashes"),
                    "write names of visible ASCII without / ? # % { }".to_owned(),
                );
                return None;
            }
        }
        let filled = |text: &str| text.replace("{name}", name).replace("{version}", version);
        let (host, path) = (filled(&self.host), filled(&self.path));
        let uri = uri(&host, &path, (key, refuse))?;
        // What is wrong with the rules was told of the catalogue.
        let options = self
            .rules
            .options(self.strip_prefix, ("", &mut |_, _, _| {}))?;
        let mut endpoints = BTreeMap::new();
        for (at, address) in addresses.iter().enumerate() {
            let key = format!("{key}[{at}]");
            put(&mut endpoints, (address, &self.instances), (&key, refuse));
        }
        Some(Declared {
            uri,
            segment: self.segment.as_str().into(),
            options: Arc::new(options),
            endpoints,
        })
    }
}

fn check_segment(segment: &str, (key, refuse): (&str, Refuse<'_>)) {
    if segment.len() > MAX_SEGMENT {
        refuse(
            &format!("{key}.segment"),
            format!("has {} bytes", segment.len()),
            format!("{MAX_SEGMENT} are the most"),
        );
    }
}

fn uri(host: &str, path: &str, (key, refuse): (&str, Refuse<'_>)) -> Option<Uri> {
    if !path.is_empty() && !path.starts_with('/') {
        refuse(
            &format!("{key}.path"),
            format!("`{path}` begins with no slash"),
            format!("write /{path}"),
        );
        return None;
    }
    if path.contains('?') {
        refuse(
            &format!("{key}.path"),
            format!("`{path}` has a query"),
            "write a path only; requests are led by their path".to_owned(),
        );
        return None;
    }
    let read = route_uri::parse_named(&format!("{host}{path}"));
    read.inspect_err(|cause| {
        refuse(
            &format!("{key}.host"),
            format!("with its path is no route: {cause}"),
            "write app.example.com, *.example.com, or * for every host".to_owned(),
        );
    })
    .ok()
}

/// Puts an endpoint, unless something is wrong with it.
fn put(
    endpoints: &mut BTreeMap<Arc<str>, Arc<Description>>,
    (address, instance): (&str, &Instance),
    (key, refuse): (&str, Refuse<'_>),
) {
    let said = [
        &instance.app_id,
        &instance.instance_id,
        &instance.instance_index,
        &instance.availability_zone,
    ];
    let unsayable = |text: &&String| text.bytes().any(|byte| byte.is_ascii_control());
    if said.iter().any(unsayable) {
        let what = "says something with a control character, which no header field can carry";
        return refuse(key, what.to_owned(), "leave it out".to_owned());
    }
    let mut wrong = |what: String| {
        let hint = "write HOST:PORT, as 10.0.0.1:8080";
        refuse(key, what, hint.to_owned());
    };
    let Ok(HostPort { host, port }) = address.parse() else {
        return wrong(format!("`{address}` is no endpoint"));
    };
    // Whoever writes the file may send requests to the machines of the data planes, as 127.0.0.1.
    let address = match message::parse_address(&host, port, true) {
        Ok(address) => address,
        Err(cause) => return wrong(format!("`{address}` is no endpoint: {cause}")),
    };
    let description = match instance.description() {
        Ok(description) => description,
        Err(too_long) => return wrong(too_long.to_string()),
    };
    if endpoints
        .insert(Arc::clone(&address), Arc::new(description))
        .is_some()
    {
        let hint = "once is enough; an endpoint gets one share".to_owned();
        refuse(key, format!("`{address}` stands here a second time"), hint);
    }
}

impl Instance {
    fn description(&self) -> Result<Description, pointsman_registry::TooLong> {
        let tags = self.tags.iter();
        let tags: Tags<'_> = tags
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Description::new(Fields {
            protocol: match self.protocol {
                Protocol::Http1 => "http1",
                Protocol::Http2 => "http2",
            },
            tls: self.tls.as_ref().map(|tls| &*tls.server_cert_domain_san),
            app_id: &self.app_id,
            instance_id: &self.instance_id,
            instance_index: &self.instance_index,
            availability_zone: &self.availability_zone,
            tags: (!tags.is_empty()).then_some(tags),
            ..Fields::default()
        })
    }
}
