//! The lower-case form of a request's host and path.

use pointsman_route_key::lowercase;

/// Room for the lower-case form of a host and path that came in upper case. One per worker; it is
/// reused from request to request.
#[derive(Debug, Default)]
pub struct Scratch(Vec<u8>);

impl Scratch {
    /// Host and path in lower case: as they are where nothing is upper case, which is almost
    /// always.
    pub(crate) fn lower<'a>(&'a mut self, host: &'a [u8], path: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        if is_lower(host) && is_lower(path) {
            return (host, path);
        }
        self.0.clear();
        if host.is_ascii() && path.is_ascii() {
            self.0.extend_from_slice(host);
            self.0.extend_from_slice(path);
            self.0.make_ascii_lowercase();
            return self.0.split_at(host.len());
        }
        let lower = |text| lowercase(&String::from_utf8_lossy(text)).into_owned();
        self.0.extend_from_slice(lower(host).as_bytes());
        let end = self.0.len();
        self.0.extend_from_slice(lower(path).as_bytes());
        self.0.split_at(end)
    }
}

/// Whether nothing needs a second look. All bytes are looked at in any case: that compiles to a
/// few vector instructions, which stopping early does not.
fn is_lower(text: &[u8]) -> bool {
    !text.iter().fold(false, |upper, byte| {
        upper | byte.is_ascii_uppercase() | !byte.is_ascii()
    })
}

#[cfg(test)]
impl Scratch {
    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }
}
