//! Which hosts may be registered as an endpoint.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use pointsman_registry::{MAX_HOST, MAX_LABEL};

use super::cause::Cause;

/// Addresses at which clouds hand out the credentials of their machines, beside the link-local one.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// The machine's own metadata service; link-local, and named for what it is.
const LINK_LOCAL_METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The address of an endpoint as `HOST:PORT`: the host as it was registered, an IPv6 address in brackets.
///
/// # Errors
///
/// Why an endpoint must not be there.
pub(in crate::sources) fn address(
    host: &str,
    port: u16,
    allow_loopback: bool,
) -> Result<Arc<str>, Cause> {
    if host.is_empty() {
        return Err(Cause::NoHost);
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let parsed: Option<IpAddr> = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    };
    match parsed {
        Some(ip) => check_ip(ip, allow_loopback)?,
        None => check_name(host, allow_loopback)?,
    }
    if port == 0 {
        return Err(Cause::NoPort);
    }
    // Gorouter joins an IPv6 address without brackets to a text that nobody can dial.
    let is_open = bare.is_none() && matches!(parsed, Some(IpAddr::V6(_)));
    let mut joined = String::with_capacity(host.len() + "[]:".len() + LONGEST_PORT);
    if is_open {
        joined.push('[');
    }
    joined.push_str(host);
    if is_open {
        joined.push(']');
    }
    joined.push(':');
    joined.push_str(decimal(port, &mut [0; LONGEST_PORT]));
    Ok(joined.into())
}

/// The digits of the highest port.
const LONGEST_PORT: usize = 5;

/// A number in decimal, without what formatting allows for.
fn decimal(mut number: u16, digits: &mut [u8; LONGEST_PORT]) -> &str {
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[first..]).unwrap_or_default()
}

fn check_ip(ip: IpAddr, allow_loopback: bool) -> Result<(), Cause> {
    // An IPv4 address in IPv6 clothes leads to the same machine.
    let ip = ip.to_canonical();
    if ip == IpAddr::V4(LINK_LOCAL_METADATA) || METADATA.contains(&ip) {
        return Err(Cause::HostMetadata);
    }
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    // All of 0.0.0.0/8 means this host (RFC 1122 section 3.2.1.3), and the kernel dials some of it as such.
    let unspecified = ip.is_unspecified() || matches!(ip, IpAddr::V4(ip) if ip.octets()[0] == 0);
    // The deprecated IPv4-compatible form, ::a.b.c.d, hides an address from the checks above.
    let compatible =
        matches!(ip, IpAddr::V6(ip) if ip.segments()[..6] == [0; 6] && !ip.is_loopback());
    match () {
        () if unspecified => Err(Cause::HostUnspecified),
        () if broadcast => Err(Cause::HostBroadcast),
        () if ip.is_multicast() => Err(Cause::HostMulticast),
        () if link_local => Err(Cause::HostLinkLocal),
        () if ip.is_loopback() && !allow_loopback => Err(Cause::HostLoopback),
        () if compatible => Err(Cause::HostInvalid),
        () => Ok(()),
    }
}

fn check_name(host: &str, allow_loopback: bool) -> Result<(), Cause> {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let mut labels = name.split('.');
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if name.len() > MAX_HOST || !labels.clone().all(is_label) {
        return Err(Cause::HostInvalid);
    }
    let last = labels.next_back().unwrap_or_default();
    // Resolvers take 127.1, 0x7f.1 and 2130706433 for addresses, which the checks of addresses have not seen.
    if last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Cause::HostInvalid);
    }
    if name == "metadata.google.internal" || name == "metadata" {
        return Err(Cause::HostMetadata);
    }
    if last == "localhost" && !allow_loopback {
        return Err(Cause::HostLoopback);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// an endpoint's host is an address or a name, and none that must not be reached.
    #[test]
    fn hosts_that_must_not_be_reached_are_refused_by_cause() {
        let cases = [
            ("", Cause::NoHost),
            ("0.0.0.0", Cause::HostUnspecified),
            ("0.1.2.3", Cause::HostUnspecified),
            ("::", Cause::HostUnspecified),
            ("::ffff:0.0.0.0", Cause::HostUnspecified),
            ("255.255.255.255", Cause::HostBroadcast),
            ("224.0.0.1", Cause::HostMulticast),
            ("ff02::1", Cause::HostMulticast),
            ("169.254.1.1", Cause::HostLinkLocal),
            ("fe80::1", Cause::HostLinkLocal),
            ("169.254.169.254", Cause::HostMetadata),
            ("::ffff:169.254.169.254", Cause::HostMetadata),
            ("fd00:ec2::254", Cause::HostMetadata),
            ("100.100.100.200", Cause::HostMetadata),
            ("metadata.google.internal", Cause::HostMetadata),
            ("Metadata.Google.Internal.", Cause::HostMetadata),
            ("127.0.0.1", Cause::HostLoopback),
            ("127.9.9.9", Cause::HostLoopback),
            ("::1", Cause::HostLoopback),
            ("[::1]", Cause::HostLoopback),
            ("::ffff:127.0.0.1", Cause::HostLoopback),
            ("localhost", Cause::HostLoopback),
            ("LOCALHOST.", Cause::HostLoopback),
            ("a.localhost", Cause::HostLoopback),
            ("::127.0.0.1", Cause::HostInvalid),
            ("127.1", Cause::HostInvalid),
            ("2130706433", Cause::HostInvalid),
            ("0x7f000001", Cause::HostInvalid),
            ("0x7f.1", Cause::HostInvalid),
            ("0177.0.0.1", Cause::HostInvalid),
            ("10.0.0.256", Cause::HostInvalid),
            ("a b", Cause::HostInvalid),
            ("a/b", Cause::HostInvalid),
            ("user@a", Cause::HostInvalid),
            ("a:80", Cause::HostInvalid),
            ("[a]", Cause::HostInvalid),
            ("fe80::1%eth0", Cause::HostInvalid),
            ("a..b", Cause::HostInvalid),
            (".", Cause::HostInvalid),
            ("ä.example.com", Cause::HostInvalid),
        ];
        for (host, cause) in cases {
            assert_eq!(address(host, 80, false), Err(cause), "{host}");
        }
        let long = format!("{}.example.com", "x".repeat(64));
        assert_eq!(address(&long, 80, false), Err(Cause::HostInvalid));
    }

    #[test]
    fn hosts_that_may_be_reached_keep_their_spelling() {
        for (host, joined) in [
            ("10.0.0.1", "10.0.0.1:80"),
            ("App-1.Internal", "App-1.Internal:80"),
            ("a_b.internal.", "a_b.internal.:80"),
            ("2001:db8::1", "[2001:db8::1]:80"),
            ("[2001:db8::1]", "[2001:db8::1]:80"),
            ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:80"),
            ("1a.example.com", "1a.example.com:80"),
        ] {
            assert_eq!(address(host, 80, false).as_deref(), Ok(joined), "{host}");
        }
        for host in ["127.0.0.1", "localhost", "::1"] {
            assert!(address(host, 80, true).is_ok(), "{host}");
        }
        assert_eq!(address("0.0.0.0", 80, true), Err(Cause::HostUnspecified));
    }

    #[test]
    fn every_port_keeps_its_digits() {
        for port in 1..=u16::MAX {
            let joined = address("a", port, false);
            assert_eq!(joined.as_deref(), Ok(&*format!("a:{port}")));
        }
    }

    /// port 0 is no port.
    #[test]
    fn a_port_is_needed() {
        assert_eq!(address("10.0.0.1", 0, false), Err(Cause::NoPort));
    }
}
