//! Addresses that lead to no machine of a platform: to this one, to everybody on its link, or to what answers for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where clouds answer for the machine that asks, apart from the link-local 169.254.0.0/16.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether the name of an endpoint may lead there: to no address that could not be registered as it is. Which
/// control plane lets loopback addresses be registered is not known here.
pub(crate) fn may_be_of_an_endpoint(address: IpAddr) -> bool {
    let mut forms = forms(address).into_iter().flatten();
    forms.all(|form| form.is_loopback() || !is_special(form))
}

/// The address, and the IPv4 address that a translator on the way would make of it.
pub(crate) fn forms(address: IpAddr) -> [Option<IpAddr>; 2] {
    let address = address.to_canonical();
    let IpAddr::V6(six) = address else {
        return [Some(address), None];
    };
    let [.., a, b, c, d] = six.octets();
    let last = Ipv4Addr::new(a, b, c, d);
    let within = match six.segments() {
        // NAT64 (RFC 6052), and the abandoned form of IPv4 in IPv6. ::1 and :: are themselves.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(last),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => Some(last),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    };
    [Some(address), within.map(IpAddr::V4)]
}

/// Whether an address is no other machine's, or answers for the machine itself that asks.
pub(crate) fn is_special(address: IpAddr) -> bool {
    let kind = match address {
        IpAddr::V4(four) => {
            four.octets()[0] == 0
                || four.is_loopback()
                || four.is_link_local()
                || four.is_broadcast()
                || four.is_multicast()
        }
        IpAddr::V6(six) => {
            six.is_unspecified()
                || six.is_loopback()
                || six.is_unicast_link_local()
                || six.is_multicast()
        }
    };
    kind || METADATA.contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_what_could_be_registered() {
        for (address, may) in [
            ("10.0.0.1", true),
            ("2001:db8::1", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("::", false),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("100.100.100.200", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(may_be_of_an_endpoint(address), may, "{address}");
        }
    }
}
