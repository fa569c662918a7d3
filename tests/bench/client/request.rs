//! The bytes of a request.

use super::{BULK, Kind};

/// The host of the route of this number: always of the same length.
pub(crate) fn host(route: u32) -> String {
    format!("app-{route:0DIGITS$}.apps.example.com")
}

const DIGITS: usize = 7;

/// One route with head fields of its own, in the place of random routes without any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Special {
    /// The number of the route.
    pub(crate) route: u32,
    /// Whole lines for the head.
    pub(crate) fields: &'static str,
}

/// A request whose route can be changed in place.
#[derive(Debug)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// Where the route's digits begin.
    digits: usize,
    routes: u32,
    state: u32,
}

impl Request {
    pub(crate) fn new(kind: Kind, routes: u32) -> Self {
        let (line, more, body) = match kind {
            Kind::Small => ("GET / HTTP/1.1", String::new(), 0),
            Kind::NewConnection => ("GET / HTTP/1.1", "Connection: close\r\n".to_owned(), 0),
            Kind::Download => ("GET /large HTTP/1.1", String::new(), 0),
            Kind::Upload => {
                let length = format!("Content-Length: {BULK}\r\n");
                ("POST / HTTP/1.1", length, BULK)
            }
        };
        let before = format!("{line}\r\nHost: app-");
        let head = format!("{line}\r\nHost: {}\r\n{more}\r\n", host(0));
        let digits = before.len();
        Self {
            bytes: [head.into_bytes(), vec![b'x'; body]].concat(),
            digits,
            routes,
            state: 0x9e37_79b9,
        }
    }

    /// Always the same small request.
    pub(crate) fn special(special: Special) -> Self {
        let Special { route, fields } = special;
        let head = format!("GET / HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", host(route));
        Self {
            bytes: head.into_bytes(),
            digits: 0,
            routes: 1,
            state: 0,
        }
    }

    /// The bytes of the next request, to a route by chance.
    pub(crate) fn next(&mut self) -> &[u8] {
        if self.routes > 1 {
            // Xorshift: every run asks for the same routes in the same order.
            self.state ^= self.state << 13;
            self.state ^= self.state >> 17;
            self.state ^= self.state << 5;
            let mut route = self.state % self.routes;
            for digit in self.bytes[self.digits..self.digits + DIGITS]
                .iter_mut()
                .rev()
            {
                *digit = b"0123456789"[(route % 10) as usize];
                route /= 10;
            }
        }
        &self.bytes
    }

    /// The bytes of the request that was sent last.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Request, Special, host};

    #[test]
    fn the_route_is_written_into_its_place() {
        let mut request = Request::new(Kind::Small, 1000);
        for _ in 0..100 {
            let text = String::from_utf8(request.next().to_vec()).unwrap();
            let (_, named) = text.split_once("Host: ").unwrap();
            let number: u32 = named[4..11].parse().unwrap();
            assert!(number < 1000);
            assert!(named.starts_with(&host(number)), "{text}");
            assert!(text.ends_with("\r\n\r\n"));
        }
    }

    #[test]
    fn a_special_request_has_its_route_and_its_fields() {
        let special = Special {
            route: 7,
            fields: "Cookie: a=b\r\n",
        };
        let mut request = Request::special(special);
        for _ in 0..2 {
            let text = String::from_utf8(request.next().to_vec()).unwrap();
            let host = host(7);
            assert_eq!(
                text,
                format!("GET / HTTP/1.1\r\nHost: {host}\r\nCookie: a=b\r\n\r\n")
            );
        }
    }
}
