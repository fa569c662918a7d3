//! The section `limits`. Names and defaults are those of the table of limits (L-01 to L-27).

use pointsman_http1::{RequestLimits, ResponseLimits};
use pointsman_process::configuration::{Check, Interval, Size, Validate};
use serde::Deserialize;

/// How much peers may send and hold.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// A request line (L-01).
    pub request_line: Size,
    /// A request head (L-02).
    pub request_head: Size,
    /// Fields of a request head (L-03).
    pub request_fields: u32,
    /// A field's name (L-04).
    pub field_name: Size,
    /// A field's value (L-04).
    pub field_value: Size,
    /// A response head (L-26).
    pub response_head: Size,
    /// Fields of a response head (L-26).
    pub response_fields: u32,
    /// Client connections open in the process (L-21). Absent: nine tenths of the descriptors that
    /// the process may have.
    pub connections: Option<usize>,
    /// Requests in flight in the process (L-22).
    pub requests_in_flight: usize,
    /// How many of a hundred of them may be at the endpoints of one route, by whichever of their routes they came, or at its
    /// route service, so that what is slow leaves the last places to others; 100 for all of them.
    pub requests_in_flight_route_percent: u32,
    /// Memory of the process: above nine tenths of it new requests are refused. Absent: what its control group may have. More
    /// than the machine has: never.
    pub memory: Option<Size>,
    /// Requests in flight at one endpoint that does not say otherwise (L-23); 0 for no bound.
    pub endpoint_connections: u32,
    /// How often a request may come back from an endpoint that is a router itself.
    pub hops: u32,
    /// Attempts for one request (L-27).
    pub attempts: u32,
    /// Requests on one client connection (L-24).
    pub requests_per_connection: u32,
    /// Life of a client connection (L-25).
    pub connection_age: Interval,
}

fn bytes(size: u32) -> Size {
    Size(u64::from(size))
}

impl Default for Limits {
    fn default() -> Self {
        let crate::Limits {
            request,
            response,
            connections,
            in_flight,
            route_percent,
            memory,
            endpoint_connections,
            hops,
            connection_requests,
            connection_age,
            attempts,
            ..
        } = crate::Limits::default();
        Self {
            request_line: bytes(request.request_line),
            request_head: bytes(request.head),
            request_fields: request.fields,
            field_name: bytes(request.field_name),
            field_value: bytes(request.field_value),
            response_head: bytes(response.head),
            response_fields: response.fields,
            connections,
            requests_in_flight: in_flight,
            requests_in_flight_route_percent: route_percent,
            memory: memory.map(Size),
            endpoint_connections,
            hops,
            attempts,
            requests_per_connection: connection_requests,
            connection_age: Interval(connection_age),
        }
    }
}

impl Validate for Limits {
    fn validate(&self, check: &mut Check<'_>) {
        let (requests, responses) = (RequestLimits::CEILING, ResponseLimits::CEILING);
        for (key, given, ceiling) in [
            ("request_line", self.request_line, requests.request_line),
            ("request_head", self.request_head, requests.head),
            (
                "request_fields",
                bytes(self.request_fields),
                requests.fields,
            ),
            ("field_name", self.field_name, requests.field_name),
            ("field_value", self.field_value, requests.field_value),
            ("response_head", self.response_head, responses.head),
            (
                "response_fields",
                bytes(self.response_fields),
                responses.fields,
            ),
            ("attempts", bytes(self.attempts), 100),
            ("hops", bytes(self.hops), 1000),
            (
                "requests_in_flight_route_percent",
                bytes(self.requests_in_flight_route_percent),
                100,
            ),
        ] {
            if given == Size(0) || given > bytes(ceiling) {
                check.refuse(
                    key,
                    format!("is {}", given.0),
                    format!("write a number from 1 to {ceiling}"),
                );
            }
        }
        if self.connections == Some(0) {
            check.refuse(
                "connections",
                "is 0, so nobody could connect",
                "write 1 or more, or leave it out",
            );
        }
        self.validate_room(check);
        if self.requests_per_connection == 0 {
            check.refuse(
                "requests_per_connection",
                "is 0, so nothing would be served",
                "write 1 or more",
            );
        }
        if self.connection_age.0.is_zero() {
            check.refuse("connection_age", "is 0", "write a time such as 24h");
        }
    }
}

impl Limits {
    /// What there has to be room for.
    fn validate_room(&self, check: &mut Check<'_>) {
        if self.requests_in_flight == 0 {
            check.refuse(
                "requests_in_flight",
                "is 0, so nothing would be served",
                "write 1 or more",
            );
        }
        if self.memory.is_some_and(|memory| memory < Size(64 << 20)) {
            check.refuse(
                "memory",
                "is less than a data plane needs for itself",
                "write 64MiB or more, or leave it out",
            );
        }
    }

    pub(super) fn settings(&self) -> crate::Limits {
        // Within the ceilings, which `validate` has seen to.
        let narrow = |size: Size| u32::try_from(size.0).unwrap_or(u32::MAX);
        let defaults = crate::Limits::default();
        crate::Limits {
            request: RequestLimits {
                request_line: narrow(self.request_line),
                head: narrow(self.request_head),
                fields: self.request_fields,
                field_name: narrow(self.field_name),
                field_value: narrow(self.field_value),
                ..defaults.request
            },
            response: ResponseLimits {
                head: narrow(self.response_head),
                fields: self.response_fields,
                ..defaults.response
            },
            connections: self.connections,
            in_flight: self.requests_in_flight,
            route_percent: self.requests_in_flight_route_percent,
            memory: self.memory.map(|size| size.0),
            endpoint_connections: self.endpoint_connections,
            hops: self.hops,
            connection_requests: self.requests_per_connection,
            connection_age: self.connection_age.0,
            attempts: self.attempts,
            ..defaults
        }
    }
}
