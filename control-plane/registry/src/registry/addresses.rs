//! The addresses of endpoints, each once.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::keys::Hashed;

/// One copy of each address, which all endpoints with it share. The table keeps each hash, so that it reads no address
/// when it grows.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    addresses: HashTable<Address>,
    state: RandomState,
}

#[derive(Debug)]
struct Address {
    hash: Hashed,
    /// How many endpoints have it.
    endpoints: u32,
    text: Arc<str>,
}

impl Address {
    fn is(&self, hash: Hashed, text: &str) -> bool {
        self.hash == hash && *self.text == *text
    }
}

impl Addresses {
    /// The address in the one copy, for one endpoint more.
    pub(super) fn take(&mut self, text: &Arc<str>) -> Arc<str> {
        let hash = Hashed::of(&**text, &self.state);
        let entry = self.addresses.entry(
            hash.whole(),
            |address| address.is(hash, text),
            |address| address.hash.whole(),
        );
        let mut entry = entry.or_insert_with(|| Address {
            hash,
            endpoints: 0,
            text: Arc::clone(text),
        });
        let address = entry.get_mut();
        address.endpoints += 1;
        Arc::clone(&address.text)
    }

    /// One endpoint less has it.
    pub(super) fn give_back(&mut self, text: &str) {
        let hash = Hashed::of(text, &self.state);
        let found = self
            .addresses
            .find_entry(hash.whole(), |address| address.is(hash, text));
        if let Ok(mut entry) = found {
            entry.get_mut().endpoints -= 1;
            if entry.get().endpoints == 0 {
                entry.remove();
            }
        }
    }

    /// The one copy, where any endpoint has it.
    pub(super) fn find(&self, text: &str) -> Option<&Arc<str>> {
        let hash = Hashed::of(text, &self.state);
        let found = self
            .addresses
            .find(hash.whole(), |address| address.is(hash, text));
        found.map(|address| &address.text)
    }

    pub(super) fn len(&self) -> usize {
        self.addresses.len()
    }

    /// The addresses, with how many endpoints have each.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        let addresses = self.addresses.iter();
        addresses.map(|address| (&*address.text, address.endpoints))
    }
}
