//! Which isolation segments a data plane may see.

use std::collections::{BTreeMap, BTreeSet};

use pointsman_process::tls;
use pointsman_registry::SegmentFilter;
use rustls::pki_types::CertificateDer;
use tonic::Status;

use super::SegmentBounds;

/// What the URI names of segments begin with.
const SEGMENTS: &str = "pointsman://segments/";

/// All segments, as a certificate or a mapping says it.
const ALL: &str = "*";

/// The segments that a certificate grants.
#[derive(Debug, PartialEq, Eq)]
struct Granted {
    all: bool,
    segments: BTreeSet<String>,
}

impl SegmentBounds {
    /// Whether the bearer of these certificates, leaf first, may see what it asks for.
    ///
    /// # Errors
    ///
    /// What is not granted, by name.
    pub(super) fn check(
        &self,
        certificates: Option<&[CertificateDer<'_>]>,
        wanted: &SegmentFilter,
    ) -> Result<(), Status> {
        let Self::Certificate { mapping } = self else {
            return Ok(());
        };
        let leaf = certificates.and_then(<[_]>::first);
        let leaf = leaf.ok_or_else(|| {
            Status::unauthenticated("a client certificate is needed, which grants the segments")
        })?;
        let granted = granted(leaf, mapping)?;
        if granted.all {
            return Ok(());
        }
        let listed = match wanted {
            SegmentFilter::All => {
                return Err(Status::permission_denied(format!(
                    "the certificate does not grant all segments; it grants {}",
                    spelled(granted.segments.iter().map(String::as_str))
                )));
            }
            SegmentFilter::SharedAnd(listed) => [""].into_iter().chain(names(listed)).collect(),
            SegmentFilter::Only(listed) => names(listed).collect::<Vec<_>>(),
        };
        let refused = listed
            .into_iter()
            .filter(|name| !granted.segments.contains(*name));
        let refused: Vec<_> = refused.collect();
        if refused.is_empty() {
            return Ok(());
        }
        Err(Status::permission_denied(format!(
            "the certificate does not grant {}; it grants {}",
            spelled(refused),
            spelled(granted.segments.iter().map(String::as_str))
        )))
    }
}

fn names(listed: &[Box<str>]) -> impl Iterator<Item = &str> {
    listed.iter().map(|name| &**name)
}

/// Segments in a sentence.
fn spelled<'a>(segments: impl IntoIterator<Item = &'a str>) -> String {
    let spelled = segments.into_iter().map(|name| match name {
        "" => "the shared segment".to_owned(),
        name => format!("{name:?}"),
    });
    let spelled: Vec<_> = spelled.collect();
    if spelled.is_empty() {
        "none".to_owned()
    } else {
        spelled.join(", ")
    }
}

/// By its own names, and by what its names are mapped to.
fn granted(
    leaf: &CertificateDer<'_>,
    mapping: &BTreeMap<String, Vec<String>>,
) -> Result<Granted, Status> {
    let unreadable = |_| Status::unauthenticated("the client certificate cannot be read");
    let uris = tls::uri_sans(leaf).map_err(unreadable)?;
    let names = tls::dns_sans(leaf).map_err(unreadable)?;
    let own = uris
        .iter()
        .filter_map(|uri| uri.strip_prefix(SEGMENTS))
        .map(str::to_owned);
    let mapped = uris
        .iter()
        .chain(&names)
        .filter_map(|name| mapping.get(name))
        .flatten()
        .cloned();
    let mut segments: BTreeSet<_> = own.chain(mapped).collect();
    let all = segments.remove(ALL);
    Ok(Granted { all, segments })
}

#[cfg(test)]
mod tests;
