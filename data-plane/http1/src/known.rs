//! Field names that the router reads, sets, removes or meets in nearly every message.
//!
//! A name is recognised once, when a field enters a list; from then on a name is a number and a
//! set of names is a word of bits.

use crate::scan::{load_word, lower_word, tail_mask};

macro_rules! known_names {
    ($($variant:ident = $spelling:literal,)*) => {
        /// A field name known at compile time, or [`Known::Other`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Known {
            $(
                #[doc = concat!("`", $spelling, "`")]
                $variant,
            )*
            /// A name that is not in this list; its bytes stand in the field.
            Other,
        }

        /// The spellings as the writers write them, in the order of the enum.
        const SPELLINGS: &[&str] = &[$($spelling,)*];

        /// The names in the order of the enum.
        const NAMES: &[Known] = &[$(Known::$variant,)*];
    };
}

known_names! {
    Host = "Host",
    ContentLength = "Content-Length",
    TransferEncoding = "Transfer-Encoding",
    Connection = "Connection",
    KeepAlive = "Keep-Alive",
    ProxyConnection = "Proxy-Connection",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    Te = "TE",
    Trailer = "Trailer",
    Upgrade = "Upgrade",
    Expect = "Expect",
    XForwardedFor = "X-Forwarded-For",
    XForwardedProto = "X-Forwarded-Proto",
    XForwardedHost = "X-Forwarded-Host",
    XForwardedPort = "X-Forwarded-Port",
    XForwardedClientCert = "X-Forwarded-Client-Cert",
    Forwarded = "Forwarded",
    XRealIp = "X-Real-IP",
    XRequestStart = "X-Request-Start",
    XVcapRequestId = "X-Vcap-Request-Id",
    XVcapTrace = "X-Vcap-Trace",
    XVcapRouter = "X-Vcap-Router",
    XVcapBackend = "X-Vcap-Backend",
    XCfRouteEndpoint = "X-Cf-RouteEndpoint",
    XCfApplicationId = "X-CF-ApplicationID",
    XCfInstanceId = "X-CF-InstanceID",
    XCfInstanceIndex = "X-CF-InstanceIndex",
    XCfAppInstance = "X-CF-App-Instance",
    XCfProcessInstance = "X-CF-Process-Instance",
    XCfForwardedUrl = "X-CF-Forwarded-Url",
    XCfProxySignature = "X-CF-Proxy-Signature",
    XCfProxyMetadata = "X-CF-Proxy-Metadata",
    XCfRouterError = "X-Cf-RouterError",
    UserAgent = "User-Agent",
    Referer = "Referer",
    Cookie = "Cookie",
    SetCookie = "Set-Cookie",
    Authorization = "Authorization",
    Date = "Date",
    Server = "Server",
    ContentType = "Content-Type",
    ContentEncoding = "Content-Encoding",
    Proxy = "Proxy",
    Traceparent = "traceparent",
    Tracestate = "tracestate",
    B3 = "b3",
    XB3TraceId = "X-B3-TraceId",
    XB3SpanId = "X-B3-SpanId",
    XB3ParentSpanId = "X-B3-ParentSpanId",
    IdempotencyKey = "Idempotency-Key",
    XIdempotencyKey = "X-Idempotency-Key",
    Via = "Via",
    Accept = "Accept",
    AcceptEncoding = "Accept-Encoding",
    AcceptLanguage = "Accept-Language",
    CacheControl = "Cache-Control",
    Etag = "ETag",
    LastModified = "Last-Modified",
    Location = "Location",
    Origin = "Origin",
    Vary = "Vary",
    XContentTypeOptions = "X-Content-Type-Options",
}

const _: () = assert!(NAMES.len() < 64, "a set of names is one word");

impl Known {
    /// Recognises a name in any case.
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        todo!()
    }

    /// The spelling that writers use; empty for [`Known::Other`].
    #[inline]
    pub const fn as_str(self) -> &'static str {
        let index = self as usize;
        if index < SPELLINGS.len() {
            SPELLINGS[index]
        } else {
            ""
        }
    }
}

/// A set of known names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownSet(u64);

impl KnownSet {
    /// No name.
    pub const EMPTY: Self = Self(0);

    /// These names.
    pub const fn of(names: &[Known]) -> Self {
        let mut set = Self::EMPTY;
        let mut index = 0;
        while index < names.len() {
            set.insert(names[index]);
            index += 1;
        }
        set
    }

    /// Adds a name. [`Known::Other`] is no name and is never in a set.
    #[inline]
    pub const fn insert(&mut self, name: Known) {
        self.0 |= Self::bit(name);
    }

    /// Whether the name is in the set.
    #[inline]
    pub const fn contains(self, name: Known) -> bool {
        self.0 & Self::bit(name) != 0
    }

    /// Whether the sets share a name.
    #[inline]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The names of both sets.
    #[must_use]
    #[inline]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The names of this set that are not in `other`.
    #[must_use]
    #[inline]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    #[inline]
    const fn bit(name: Known) -> u64 {
        match name {
            Known::Other => 0,
            _ => 1 << (name as u8),
        }
    }
}
