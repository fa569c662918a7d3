//! Ports for what is killed and comes back where it was.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port that is chosen; below it are those of well-known services.
const FIRST: u16 = 10_000;

/// What the kernel takes the ports of outgoing connections from, where it does not say.
const OUTGOING: u16 = 32_768;

/// An address of this machine where nobody listens, and that no outgoing connection takes while nobody does: its port
/// lies below those that the kernel gives to connections.
///
/// # Panics
///
/// When all ports are taken.
#[must_use]
pub fn lasting() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);

    let ports = FIRST..outgoing().max(FIRST + 1);
    let count = ports.end - ports.start;
    // Tests that run at the same time in other processes begin elsewhere.
    let begin = u16::try_from(std::process::id() % u32::from(count)).unwrap_or_default();
    let free = (0..count).find_map(|_| {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed) % count;
        let port = ports.start + begin.wrapping_mul(61).wrapping_add(turn) % count;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        TcpListener::bind(address).is_ok().then_some(address)
    });
    free.unwrap_or_else(|| panic!("no port of {ports:?} is free"))
}

/// The first port of outgoing connections.
fn outgoing() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let range = range.unwrap_or_default();
    let first = range.split_whitespace().next();
    first
        .and_then(|first| first.parse().ok())
        .unwrap_or(OUTGOING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_free_and_none_is_given_twice() {
        let addresses: Vec<_> = (0..50).map(|_| lasting()).collect();
        for (index, address) in addresses.iter().enumerate() {
            assert!((FIRST..outgoing()).contains(&address.port()), "{address}");
            assert!(!addresses[..index].contains(address), "{address}");
            TcpListener::bind(address).expect("a free port");
        }
    }
}
