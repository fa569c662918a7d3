//! Which of several certificates a client is shown (D-014 to D-019).

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use pointsman_process::tls::{Identity, common_name, dns_sans};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use smallvec::SmallVec;

/// The names of a list of certificates.
#[derive(Debug, Default)]
struct Names {
    /// In lower case, with the certificates that carry it: the later in the list, the earlier here.
    carried: HashMap<Box<str>, SmallVec<[usize; 1]>>,
}

impl Names {
    /// Of certificates with these names, in the order of the list.
    fn new<I: IntoIterator<Item = String>>(certificates: impl IntoIterator<Item = I>) -> Self {
        let mut names = Self::default();
        for (at, carried) in certificates.into_iter().enumerate() {
            for mut name in carried {
                name.make_ascii_lowercase();
                let places = names.carried.entry(name.into()).or_default();
                if places.first() != Some(&at) {
                    places.insert(0, at);
                }
            }
        }
        names
    }

    /// The place of the certificate for a client that asks for `asked` and can use those for which `usable` says so: one
    /// that carries the name, else one that has a `*` for its first label, else the first of the list. A certificate
    /// that the client cannot use comes after all of the same kind that it can.
    fn choose(&self, asked: Option<&str>, count: usize, usable: impl Fn(usize) -> bool) -> usize {
        let carrying = asked.and_then(|asked| {
            let asked = asked.to_ascii_lowercase();
            let exact = self.carried.get(asked.as_str());
            exact.or_else(|| {
                let (_, rest) = asked.split_once('.')?;
                self.carried.get(format!("*.{rest}").as_str())
            })
        });
        let first = |places: &[usize]| {
            let good = places.iter().copied().find(|at| usable(*at));
            good.or_else(|| places.first().copied())
        };
        carrying
            .and_then(|places| first(places))
            .or_else(|| (0..count).find(|at| usable(*at)))
            .unwrap_or_default()
    }
}

/// The certificates of a listener, each of which may be replaced while it is in use.
#[derive(Debug)]
pub(super) struct Certificates {
    identities: Vec<Arc<Identity>>,
    current: ArcSwap<Current>,
}

/// What they were at one moment.
#[derive(Debug)]
struct Current {
    keys: Vec<Arc<CertifiedKey>>,
    names: Names,
}

impl Current {
    fn of(identities: &[Arc<Identity>]) -> Self {
        let keys: Vec<_> = identities.iter().map(|each| each.current()).collect();
        let names = Names::new(keys.iter().map(|key| names(key)));
        Self { keys, names }
    }

    fn is_of(&self, identities: &[Arc<Identity>]) -> bool {
        let keys = self.keys.iter().zip(identities);
        keys.into_iter()
            .all(|(key, identity)| Arc::ptr_eq(key, &identity.current()))
    }
}

/// The names of a certificate: its DNS names, or its common name where it has no alternative names.
fn names(key: &CertifiedKey) -> Vec<String> {
    let Some(leaf) = key.cert.first() else {
        return Vec::new();
    };
    let names = dns_sans(leaf).unwrap_or_default();
    if names.is_empty() {
        return common_name(leaf).ok().flatten().into_iter().collect();
    }
    names
}

impl Certificates {
    pub(super) fn new(identities: Vec<Arc<Identity>>) -> Self {
        let current = ArcSwap::from_pointee(Current::of(&identities));
        Self {
            identities,
            current,
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut current = self.current.load_full();
        if !current.is_of(&self.identities) {
            current = Arc::new(Current::of(&self.identities));
            self.current.store(Arc::clone(&current));
        }
        let usable = |at: usize| {
            let key = current.keys.get(at);
            key.is_some_and(|key| key.key.choose_scheme(hello.signature_schemes()).is_some())
        };
        let count = current.keys.len();
        let chosen = current.names.choose(hello.server_name(), count, usable);
        current.keys.get(chosen).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(asked: Option<&str>, unusable: &[usize]) -> usize {
        let list: [&[&str]; 6] = [
            &["default.test"],
            &["*.example.com"],
            &["a.example.com", "Other.Test"],
            &["*.b.example.com"],
            &["twice.test"],
            &["twice.test", "twice.test"],
        ];
        let names = Names::new(list.map(|names| names.iter().map(|name| (*name).to_owned())));
        names.choose(asked, list.len(), |at| !unusable.contains(&at))
    }

    /// D-014: the certificate with the name that was asked for is shown.
    /// D-016: without one, the first.
    /// D-019: the very name comes before a wildcard, wherever it stands.
    /// the very name comes before a wildcard.
    #[test]
    fn the_very_name_comes_before_a_wildcard_and_that_before_the_first() {
        for (asked, expected) in [
            (Some("a.example.com"), 2),
            (Some("A.Example.COM"), 2),
            (Some("other.test"), 2),
            (Some("z.example.com"), 1),
            (Some("z.b.example.com"), 3),
            (Some("b.example.com"), 1),
            (Some("y.z.example.com"), 0),
            (Some("example.com"), 0),
            (Some("com"), 0),
            (Some(""), 0),
            (Some("nobody.test"), 0),
            (None, 0),
            (Some("twice.test"), 5),
        ] {
            assert_eq!(chosen(asked, &[]), expected, "{asked:?}");
        }
    }

    #[test]
    fn what_a_client_cannot_use_comes_last_among_its_like() {
        assert_eq!(chosen(Some("twice.test"), &[5]), 4);
        assert_eq!(chosen(Some("twice.test"), &[4, 5]), 5);
        assert_eq!(chosen(Some("a.example.com"), &[2]), 2);
        assert_eq!(chosen(None, &[0, 1]), 2);
        assert_eq!(chosen(None, &[0, 1, 2, 3, 4, 5]), 0);
    }
}
