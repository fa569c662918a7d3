//! Fields that end at this hop (RFC 9110 §7.6.1, R-021, R-022).

use super::Fields;
use crate::known::{Known, KnownSet};
use crate::name::Name;

impl KnownSet {
    /// The fields that never pass a hop by themselves, whether `Connection` names them or not.
    pub const HOP_BY_HOP: Self = Self::of(&[
        Known::Connection,
        Known::KeepAlive,
        Known::ProxyConnection,
        Known::ProxyAuthenticate,
        Known::ProxyAuthorization,
        Known::Te,
        Known::Trailer,
        Known::TransferEncoding,
        Known::Upgrade,
    ]);
}

impl Fields {
    /// Removes [`KnownSet::HOP_BY_HOP`] and every field that `Connection` names, except those for
    /// which `protected` says that a peer may not remove them so. Names that the router sets have
    /// to be set after this call.
    pub fn strip_hop_by_hop(&mut self, protected: impl Fn(Name<'_>) -> bool) {
        if self.present.contains(Known::Connection) {
            self.remove_named_by_connection(protected);
        }
        self.remove_all(KnownSet::HOP_BY_HOP);
    }

    /// Most often `Connection` says `keep-alive` or `close` and names no field at all.
    fn remove_named_by_connection(&mut self, protected: impl Fn(Name<'_>) -> bool) {
        let mut known = KnownSet::EMPTY;
        let mut others: Vec<Vec<u8>> = Vec::new();
        for option in self.list(Known::Connection) {
            let name = Name::from(option);
            if protected(name) {
                continue;
            }
            match name.known() {
                Known::Other if is_option(option) => {}
                Known::Other => others.push(option.to_vec()),
                field => known.insert(field),
            }
        }
        self.remove_all(known);
        for name in others {
            self.remove(name.as_slice());
        }
    }
}

/// Options of `Connection` itself that name no field.
fn is_option(option: &[u8]) -> bool {
    option.eq_ignore_ascii_case(b"close") || option.eq_ignore_ascii_case(b"keep-alive")
}
