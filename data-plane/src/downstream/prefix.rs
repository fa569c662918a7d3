//! The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt): what a load balancer says about the client
//! behind it, before anything of the client's own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest line of version 1, with its end (section 2.1).
const LINE_MOST: usize = 107;

/// How version 2 begins (section 2.2).
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes of version 2 before the addresses.
const FIXED: usize = 16;

/// The longest header of version 2 that is read: its addresses, and room for extensions.
pub(super) const MOST: usize = 4096;

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// A header of so many bytes; the client behind it, or nobody but the sender itself.
    Header(usize, Option<SocketAddr>),
    /// It could still become one.
    Partial,
    /// Something else.
    Absent,
    /// A header that says nothing that could be used.
    Malformed,
}

/// How version 1 begins.
const WORD: &[u8] = b"PROXY ";

impl Prefix {
    /// Whether a front of a header can be the front of nothing else.
    pub(super) fn is_begun(bytes: &[u8]) -> bool {
        bytes.starts_with(WORD) || bytes.starts_with(SIGNATURE)
    }

    /// Reads the first bytes of a connection.
    pub(super) fn read(bytes: &[u8]) -> Self {
        if let Some(rest) = bytes.strip_prefix(WORD) {
            return line(WORD.len(), rest);
        }
        if bytes.starts_with(SIGNATURE) {
            return binary(bytes);
        }
        if WORD.starts_with(bytes) || SIGNATURE.starts_with(bytes) {
            return Self::Partial;
        }
        Self::Absent
    }
}

/// The rest of a line of version 1.
fn line(word: usize, rest: &[u8]) -> Prefix {
    let most = LINE_MOST - word;
    let searched = rest.get(..most).unwrap_or(rest);
    let Some(end) = searched.windows(2).position(|pair| pair == b"\r\n") else {
        return if rest.len() < most {
            Prefix::Partial
        } else {
            Prefix::Malformed
        };
    };
    let source = std::str::from_utf8(&rest[..end]).ok().and_then(source);
    match source {
        Some(source) => Prefix::Header(word + end + 2, Some(source)),
        None => Prefix::Malformed,
    }
}

/// The client of `TCP4 SOURCE DESTINATION PORT PORT`, or of the same with `TCP6`.
fn source(text: &str) -> Option<SocketAddr> {
    let [family, source, destination, port, other] =
        text.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let (source, destination): (IpAddr, IpAddr) = match family {
        "TCP4" => (
            source.parse::<Ipv4Addr>().ok()?.into(),
            destination.parse::<Ipv4Addr>().ok()?.into(),
        ),
        "TCP6" => (
            source.parse::<Ipv6Addr>().ok()?.into(),
            destination.parse::<Ipv6Addr>().ok()?.into(),
        ),
        _ => return None,
    };
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits)
    };
    let _ = (destination, number(other)?);
    Some(SocketAddr::new(source, number(port)?))
}

/// A header of version 2 that begins with the signature.
fn binary(bytes: &[u8]) -> Prefix {
    let Some(&[command, family, high, low]) = bytes.get(SIGNATURE.len()..FIXED) else {
        return Prefix::Partial;
    };
    let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if length > MOST {
        return Prefix::Malformed;
    }
    let Some(addresses) = bytes.get(FIXED..length) else {
        return Prefix::Partial;
    };
    match (command, family) {
        // LOCAL: the sender speaks for itself, as when it looks whether we are there.
        (0x20, _) => Prefix::Header(length, None),
        (0x21, 0x11) => behind::<4>(addresses, length),
        (0x21, 0x21) => behind::<16>(addresses, length),
        _ => Prefix::Malformed,
    }
}

/// The source of a pair of addresses of `N` bytes, with their ports behind them.
fn behind<const N: usize>(addresses: &[u8], length: usize) -> Prefix
where
    IpAddr: From<[u8; N]>,
{
    let source = addresses.first_chunk::<N>();
    let port = addresses.get(2 * N..2 * N + 4);
    match (source, port) {
        (Some(source), Some(&[high, low, ..])) => {
            let port = u16::from_be_bytes([high, low]);
            let source = SocketAddr::new(IpAddr::from(*source), port);
            Prefix::Header(length, Some(source))
        }
        _ => Prefix::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary_of(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend(u16::try_from(rest.len()).expect("short").to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    fn address(text: &str) -> Option<SocketAddr> {
        Some(text.parse().expect("an address"))
    }

    /// D-036: a line that names no client is malformed.
    #[test]
    fn lines_of_version_1() {
        for (line, expected) in [
            (
                "TCP4 192.168.0.1 10.0.0.1 56324 443",
                address("192.168.0.1:56324"),
            ),
            (
                "TCP6 2001:db8::1 ::1 4124 443",
                address("[2001:db8::1]:4124"),
            ),
            ("UNKNOWN", None),
            ("UNKNOWN 1.2.3.4 1.2.3.4 1 2", None),
            ("TCP4 192.168.0.1 10.0.0.1 56324", None),
            ("TCP4 192.168.0.1 10.0.0.1 56324 443 9", None),
            ("TCP4 192.168.0.1  10.0.0.1 56324 443", None),
            ("TCP4 192.168.0.256 10.0.0.1 56324 443", None),
            ("TCP4 ::1 ::1 1 2", None),
            ("TCP6 1.2.3.4 1.2.3.4 1 2", None),
            ("TCP4 192.168.0.1 10.0.0.1 +1 443", None),
            ("TCP4 192.168.0.1 10.0.0.1 65536 443", None),
            ("tcp4 192.168.0.1 10.0.0.1 1 443", None),
            ("", None),
        ] {
            let text = format!("PROXY {line}\r\nGET / HTTP/1.1\r\n");
            let length = "PROXY \r\n".len() + line.len();
            let expected = match expected {
                Some(source) => Prefix::Header(length, Some(source)),
                None => Prefix::Malformed,
            };
            assert_eq!(Prefix::read(text.as_bytes()), expected, "{line}");
            for end in 1..length {
                assert_eq!(Prefix::read(&text.as_bytes()[..end]), Prefix::Partial);
            }
        }
        let endless = [b'x'; 200];
        let endless = [b"PROXY ", &endless[..]].concat();
        assert_eq!(Prefix::read(&endless), Prefix::Malformed);
        assert_eq!(Prefix::read(&endless[..LINE_MOST - 1]), Prefix::Partial);
    }

    #[test]
    fn headers_of_version_2() {
        let four = [192, 168, 0, 1, 10, 0, 0, 1, 0xdc, 0x04, 1, 187];
        let mut six = [0; 36];
        six[..16].copy_from_slice(&"2001:db8::1".parse::<Ipv6Addr>().expect("it").octets());
        six[32..34].copy_from_slice(&4124_u16.to_be_bytes());
        let extended = [&four[..], &[4, 0, 1, 0]].concat();
        for (command, family, rest, expected) in [
            (0x21, 0x11, &four[..], Some(address("192.168.0.1:56324"))),
            (0x21, 0x11, &extended, Some(address("192.168.0.1:56324"))),
            (0x21, 0x21, &six, Some(address("[2001:db8::1]:4124"))),
            (0x20, 0x00, &[], Some(None)),
            (0x20, 0x11, &four, Some(None)),
            (0x21, 0x11, &four[..11], None),
            (0x21, 0x21, &four, None),
            (0x21, 0x00, &[], None),
            (0x21, 0x12, &four, None),
            (0x21, 0x31, &[0; 216], None),
            (0x11, 0x11, &four, None),
            (0x22, 0x11, &four, None),
        ] {
            let bytes = binary_of(command, family, rest);
            let expected = match expected {
                Some(source) => Prefix::Header(bytes.len(), source),
                None => Prefix::Malformed,
            };
            let more = [&bytes[..], b"GET /"].concat();
            assert_eq!(
                Prefix::read(&more),
                expected,
                "{command:x} {family:x} {rest:?}"
            );
            for end in 1..bytes.len() {
                assert_eq!(Prefix::read(&bytes[..end]), Prefix::Partial);
            }
        }
        let long = binary_of(0x20, 0, &[0; MOST]);
        assert_eq!(Prefix::read(&long), Prefix::Malformed);
    }

    #[test]
    fn everything_else_is_none() {
        for bytes in [
            &b"GET / HTTP/1.1"[..],
            b"PROXYX",
            b"PRI * HTTP/2.0",
            b"\x16\x03\x01",
            b"\r\nG",
        ] {
            assert_eq!(Prefix::read(bytes), Prefix::Absent);
        }
        let mut random = fastrand::Rng::with_seed(7);
        for start in [&b""[..], b"PROXY ", b"PROXY TCP4 ", SIGNATURE] {
            for _ in 0..2000 {
                let mut bytes = start.to_vec();
                bytes.extend((0..random.usize(..64)).map(|_| random.u8(..)));
                if let Prefix::Header(length, _) = Prefix::read(&bytes) {
                    assert!(length <= bytes.len());
                }
            }
        }
    }
}
