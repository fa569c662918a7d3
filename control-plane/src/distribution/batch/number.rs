//! The numbers of the fields that are written, as `proto/pointsman/distribution/v1` gives them out. They never change.

pub(super) mod response {
    pub(crate) const BATCH: u32 = 2;
}

pub(super) mod batch {
    pub(crate) const THINGS: u32 = 1;
}

pub(super) mod thing {
    pub(crate) const ROUTE: u32 = 1;
    pub(crate) const ENDPOINT: u32 = 2;
}

pub(super) mod route_key {
    pub(crate) const EXACT_HOST: u32 = 1;
    pub(crate) const HOST_SUFFIX: u32 = 2;
    pub(crate) const ANY_HOST: u32 = 3;
    pub(crate) const PATH_PREFIX: u32 = 4;
    pub(crate) const EXACT_PATH: u32 = 5;
    pub(crate) const PATH_TEMPLATE: u32 = 6;
}

pub(super) mod route {
    pub(crate) const KEY: u32 = 1;
    pub(crate) const SEGMENT: u32 = 2;
    pub(crate) const REVISION: u32 = 3;
    pub(crate) const BIRTH: u32 = 4;
    pub(crate) const GENERATION: u32 = 5;
    pub(crate) const HOST_AS_REGISTERED: u32 = 6;
    pub(crate) const PATH_AS_REGISTERED: u32 = 7;
    pub(crate) const FILTERS: u32 = 9;
    pub(crate) const TIMEOUTS: u32 = 10;
    pub(crate) const RETRY_POLICY: u32 = 11;
    pub(crate) const EMPTY_POOL: u32 = 12;
    pub(crate) const POLICY: u32 = 13;
    pub(crate) const GROUPS: u32 = 14;
}

pub(super) mod filter {
    pub(crate) const REQUEST_HEADERS: u32 = 1;
    pub(crate) const RESPONSE_HEADERS: u32 = 2;
    pub(crate) const REWRITE: u32 = 3;
}

pub(super) mod header_filter {
    pub(crate) const REMOVE: u32 = 1;
    pub(crate) const SET: u32 = 2;
    pub(crate) const ADD: u32 = 3;
}

pub(super) mod header_field {
    pub(crate) const NAME: u32 = 1;
    pub(crate) const VALUE: u32 = 2;
}

pub(super) mod rewrite {
    pub(crate) const HOST: u32 = 1;
    pub(crate) const FULL_PATH: u32 = 2;
    pub(crate) const PREFIX: u32 = 3;
}

pub(super) mod timeouts {
    pub(crate) const REQUEST: u32 = 1;
    pub(crate) const ATTEMPT: u32 = 2;
    pub(crate) const IDLE: u32 = 3;
}

pub(super) mod duration {
    pub(crate) const SECONDS: u32 = 1;
    pub(crate) const NANOS: u32 = 2;
}

pub(super) mod retry_policy {
    pub(crate) const MAX_ATTEMPTS: u32 = 1;
    pub(crate) const REPEATABLE: u32 = 4;
}

pub(super) mod empty_pool {
    pub(crate) const STATUS: u32 = 1;
}

pub(super) mod policy {
    pub(crate) const SCOPE: u32 = 1;
    pub(crate) const SOURCES: u32 = 2;
}

pub(super) mod group {
    pub(crate) const WEIGHT: u32 = 2;
    pub(crate) const POOL: u32 = 4;
}

pub(super) mod pool {
    pub(crate) const BALANCING: u32 = 1;
    pub(crate) const ROUTE_SERVICE_URL: u32 = 2;
}

pub(super) mod balancing {
    pub(crate) const ALGORITHM: u32 = 1;
    pub(crate) const HASH_HEADER: u32 = 2;
    pub(crate) const HASH_BALANCE: u32 = 3;
}

pub(super) mod endpoint {
    pub(crate) const ROUTE: u32 = 1;
    pub(crate) const ADDRESS: u32 = 3;
    pub(crate) const SEGMENT: u32 = 4;
    pub(crate) const GENERATION: u32 = 5;
    pub(crate) const PROTOCOL: u32 = 6;
    pub(crate) const TLS: u32 = 7;
    pub(crate) const APP_ID: u32 = 8;
    pub(crate) const INSTANCE_ID: u32 = 9;
    pub(crate) const INSTANCE_INDEX: u32 = 10;
    pub(crate) const TAGS: u32 = 11;
    pub(crate) const HAS_TAGS: u32 = 12;
    pub(crate) const AVAILABILITY_ZONE: u32 = 13;
    pub(crate) const ROUTE_SERVICE_URL: u32 = 14;
    pub(crate) const BALANCING: u32 = 15;
    pub(crate) const UPDATED_AT_NS: u32 = 17;
    pub(crate) const STALE_THRESHOLD_SECONDS: u32 = 18;
    pub(crate) const SILENT: u32 = 19;
}

pub(super) mod tag {
    pub(crate) const KEY: u32 = 1;
    pub(crate) const VALUE: u32 = 2;
}

pub(super) mod tls_identity {
    pub(crate) const SERVER_CERT_DOMAIN_SAN: u32 = 1;
}

pub(super) mod registered_balancing {
    pub(crate) const ALGORITHM: u32 = 1;
    pub(crate) const HASH_HEADER: u32 = 2;
    pub(crate) const HASH_BALANCE: u32 = 3;
}
