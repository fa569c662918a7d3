//! The first look at a request: whether it is for the router at all, and whether there is room.

use super::{Journey, Refusal};
use crate::worker::Permit;

impl Journey<'_, '_> {
    /// Refuses what is not to be forwarded, and takes a place among the requests in flight.
    pub(super) fn identify(&self) -> Result<Permit, Refusal> {
        let request = &*self.exchange.request;
        if request.target() == b"*" {
            return Err(Refusal::AboutRouter);
        }
        if is_client_itself(request.host(), self.exchange.client.ip()) {
            return Err(Refusal::EmptyHost);
        }
        self.worker.admit().ok_or(Refusal::Overloaded)
    }
}

/// Whether the request is for the address of its own sender, which is what Gorouter takes for no
/// host at all (D-192).
fn is_client_itself(host: &[u8], client_ip: &str) -> bool {
    let bare = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"));
    bare.unwrap_or(host)
        .eq_ignore_ascii_case(client_ip.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D-192: a host that equals the peer's address is no host.
    #[test]
    fn the_clients_own_address_is_no_host() {
        assert!(is_client_itself(b"10.0.0.1", "10.0.0.1"));
        assert!(is_client_itself(b"[2001:DB8::1]", "2001:db8::1"));
        assert!(!is_client_itself(b"10.0.0.2", "10.0.0.1"));
        assert!(!is_client_itself(b"[::2]", "::1"));
        assert!(!is_client_itself(b"", "::1"));
    }
}
