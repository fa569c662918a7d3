//! Which hosts are reached within the platform (`route_services_hairpinning_allowlist`, D-570 to
//! D-573).

use std::collections::HashSet;
use std::fmt;

/// Hosts whose services are reached directly where they are a route of the table: names, and
/// `*.domain` for the names directly under a domain. Case does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowList {
    /// Every host of the table. Whoever may register routes can then take the place of any service
    /// outside of the platform (CVE-2019-3789).
    All,
    /// These.
    Only(HashSet<Box<str>>),
}

/// An entry that is neither a name nor `*.` before one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEntry(pub String);

impl fmt::Display for BadEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid route service hairpinning allowlist entry: {}. Must be wildcard (*.domain.com) or FQDN \
             (hostname.domain.com)",
            self.0
        )
    }
}

impl std::error::Error for BadEntry {}

impl AllowList {
    /// A list of these entries.
    ///
    /// # Errors
    /// The first entry that is none.
    pub fn parse<'e>(entries: impl IntoIterator<Item = &'e str>) -> Result<Self, BadEntry> {
        let entries = entries.into_iter().map(|entry| {
            if is_entry(entry) {
                Ok(entry.to_ascii_lowercase().into())
            } else {
                Err(BadEntry(entry.to_owned()))
            }
        });
        entries.collect::<Result<_, _>>().map(Self::Only)
    }

    /// Whether the host of a route, which is `*.domain` for a wildcard route, is in the list.
    #[must_use]
    pub fn permits(&self, host: &str) -> bool {
        let Self::Only(entries) = self else {
            return true;
        };
        let host = host.to_ascii_lowercase();
        if entries.contains(&*host) {
            return true;
        }
        host.split_once('.')
            .is_some_and(|(_, domain)| entries.contains(&*format!("*.{domain}")))
    }
}

/// A host name with a dot in it, or `*.` and one.
fn is_entry(entry: &str) -> bool {
    let name = entry.strip_prefix("*.").unwrap_or(entry);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.contains('.') && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(entries: &[&str], host: &str) -> bool {
        let list = AllowList::parse(entries.iter().copied());
        list.expect("a good list").permits(host)
    }

    /// D-573: entries are names or one wildcard label before a domain, compared without case.
    /// what is not in the list is not reached within the platform.
    #[test]
    fn a_wildcard_stands_for_one_label() {
        for (entries, host, expected) in [
            (&["rs.example.com"][..], "rs.example.com", true),
            (&["rs.example.com"], "RS.Example.com", true),
            (&["RS.example.COM"], "rs.example.com", true),
            (&["rs.example.com"], "other.example.com", false),
            (&["rs.example.com"], "a.rs.example.com", false),
            (&["rs.example.com"], "example.com", false),
            (&["*.example.com"], "rs.example.com", true),
            (&["*.EXAMPLE.com"], "rs.example.COM", true),
            (&["*.example.com"], "a.rs.example.com", false),
            (&["*.example.com"], "example.com", false),
            (&["*.example.com"], "rs.example.com.evil.com", false),
            (&["*.example.com"], "rsexample.com", false),
            (&["*.wild-card.com"], "*.wild-card.com", true),
            (&["a.wild-card.com"], "*.wild-card.com", false),
            (&["a.b.c", "*.d.e"], "x.d.e", true),
            (&[], "rs.example.com", false),
            (&["rs.example.com"], "", false),
            (&["rs.example.com"], "localhost", false),
        ] {
            assert_eq!(permits(entries, host), expected, "{entries:?} {host}");
        }
        assert!(AllowList::All.permits("anything"));
    }

    /// D-573: other patterns are refused.
    #[test]
    fn what_is_no_host_is_refused_by_name() {
        for bad in [
            "",
            "*",
            "*.com",
            "**.example.com",
            "a.*.com",
            "rs.*",
            "localhost",
            ".example.com",
            "example.com.",
            "a..b",
            "-a.com",
            "a-.com",
            "https://a.com",
            "a.com/path",
            "a.com:80",
            "a_b.com",
            "ä.com",
        ] {
            let refused = AllowList::parse(["good.example.com", bad]);
            assert_eq!(refused, Err(BadEntry(bad.to_owned())));
        }
        let text = BadEntry("*".to_owned()).to_string();
        assert!(text.contains("allowlist entry: *. Must"), "{text}");
    }
}
