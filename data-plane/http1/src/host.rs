//! The `host[:port]` of a request (RFC 3986 §3.2, R-012).

use std::fmt;
use std::net::Ipv6Addr;

/// A host that is not `host[:port]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidHost {
    /// There is no host.
    Empty,
    /// A byte that may not stand in a host, user information, a path, a list, or a bad address.
    Host,
    /// A port that is not a number up to 65535.
    Port,
}

impl fmt::Display for InvalidHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty host",
            Self::Host => "invalid host",
            Self::Port => "invalid port",
        })
    }
}

impl std::error::Error for InvalidHost {}

/// A valid host and its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    /// The host as given; an IPv6 address keeps its brackets.
    pub name: &'a [u8],
    /// The port, if one is given. `host:` has none (RFC 3986 §3.2.3).
    pub port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads `host[:port]`.
    ///
    /// # Errors
    /// Why it is not that.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, InvalidHost> {
        let end = match bytes.first() {
            None => return Err(InvalidHost::Empty),
            Some(b'[') => ipv6_end(bytes)?,
            Some(_) => name_end(bytes)?,
        };
        let (name, rest) = bytes.split_at_checked(end).ok_or(InvalidHost::Host)?;
        match rest {
            [] | [b':'] => Ok(Self { name, port: None }),
            [b':', digits @ ..] => Ok(Self {
                name,
                port: Some(parse_port(digits)?),
            }),
            _ => Err(InvalidHost::Host),
        }
    }
}

/// Bytes of a registered name: RFC 3986's unreserved and sub-delims without the comma, which would
/// make a list of it.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b';'
                    | b'='
            );
        byte += 1;
    }
    table
};

/// Where a registered name ends: at its port or at the end.
fn name_end(bytes: &[u8]) -> Result<usize, InvalidHost> {
    let mut at = bytes
        .iter()
        .position(|&byte| !NAME[usize::from(byte)])
        .unwrap_or(bytes.len());
    while let Some(&byte) = bytes.get(at) {
        match byte {
            _ if NAME[usize::from(byte)] => at += 1,
            b'%' if is_escape(bytes, at) => at += 3,
            b':' => break,
            _ => return Err(InvalidHost::Host),
        }
    }
    if at == 0 {
        Err(InvalidHost::Empty)
    } else {
        Ok(at)
    }
}

/// Whether a percent sign with two hexadecimal digits stands at `at`.
pub(crate) fn is_escape(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at..at + 3), Some([b'%', high, low])
        if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// Where an IPv6 address in brackets ends. Zone identifiers and future versions are refused.
fn ipv6_end(bytes: &[u8]) -> Result<usize, InvalidHost> {
    let close = memchr::memchr(b']', bytes).ok_or(InvalidHost::Host)?;
    let address = bytes.get(1..close).unwrap_or_default();
    let address = std::str::from_utf8(address).map_err(|_| InvalidHost::Host)?;
    address.parse::<Ipv6Addr>().map_err(|_| InvalidHost::Host)?;
    Ok(close + 1)
}

fn parse_port(digits: &[u8]) -> Result<u16, InvalidHost> {
    let mut port: u16 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return Err(InvalidHost::Port);
        }
        port = port
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u16::from(digit - b'0')))
            .ok_or(InvalidHost::Port)?;
    }
    Ok(port)
}
