//! Which addresses a route service may have. Whoever binds a service to an app chooses its
//! URL; it must not lead the router to what only the router's own network can reach.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::addresses::{forms, is_special};

/// Which addresses may be connected to. What is denied is, whatever else is said; of the rest,
/// addresses that are no other machine's, or that answer for the machine itself, have to be allowed
/// by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressRules {
    /// Never connected to.
    pub denied: Vec<IpNet>,
    /// Connected to though they are loopback, link-local, multicast, unspecified or of a metadata
    /// service.
    pub allowed: Vec<IpNet>,
}

impl AddressRules {
    /// Everything may be connected to but what is denied later, as in Gorouter.
    #[must_use]
    pub fn open() -> Self {
        let everything = [IpAddr::from([0; 4]), IpAddr::from([0_u16; 8])];
        Self {
            denied: Vec::new(),
            allowed: everything
                .into_iter()
                .filter_map(|address| IpNet::new(address, 0).ok())
                .collect(),
        }
    }

    /// Whether a connection to this address may be made.
    #[must_use]
    pub fn permit(&self, address: IpAddr) -> bool {
        let within =
            |nets: &[IpNet], address: &IpAddr| nets.iter().any(|net| net.contains(address));
        let forms = forms(address);
        let mut forms = forms.iter().flatten();
        forms.all(|form| {
            !within(&self.denied, form) && (!is_special(*form) || within(&self.allowed, form))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(rules: &AddressRules, address: &str) -> bool {
        rules.permit(address.parse().expect("an address"))
    }

    fn nets(nets: &[&str]) -> Vec<IpNet> {
        let nets = nets.iter().map(|net| net.parse().expect("a network"));
        nets.collect()
    }

    /// loopback, link-local, metadata and multicast are no route services, in any spelling.
    #[test]
    fn what_is_no_other_machine_is_not_connected_to() {
        let rules = AddressRules::default();
        for special in [
            "127.0.0.1",
            "127.8.9.10",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "224.0.0.1",
            "239.1.2.3",
            "255.255.255.255",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(!permits(&rules, special), "{special}");
        }
        for usual in [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "93.184.216.34",
            "2001:db8::1",
            "fd00::1",
            "64:ff9b::5db8:d822",
        ] {
            assert!(permits(&rules, usual), "{usual}");
        }
    }

    /// D-641: what an operator denies is not connected to, whatever is allowed.
    #[test]
    fn what_is_denied_is_denied() {
        let rules = AddressRules {
            denied: nets(&["10.1.0.0/16", "2001:db8::/32", "127.0.0.2/32"]),
            allowed: nets(&["127.0.0.0/8", "10.0.0.0/8"]),
        };
        for (address, expected) in [
            ("10.1.2.3", false),
            ("10.2.2.3", true),
            ("::ffff:10.1.2.3", false),
            ("64:ff9b::10.1.2.3", false),
            ("2001:db8::5", false),
            ("2001:db9::5", true),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", false),
        ] {
            assert_eq!(permits(&rules, address), expected, "{address}");
        }
        let open = AddressRules::open();
        assert!(permits(&open, "127.0.0.1") && permits(&open, "::1"));
        assert!(permits(&open, "169.254.169.254"));
        let open = AddressRules {
            denied: nets(&["169.254.0.0/16"]),
            ..open
        };
        assert!(!permits(&open, "169.254.169.254"));
    }
}
