//! Why a message, an endpoint, or one of its URIs is refused.

use std::fmt;

use crate::route_uri::NoRoute;

/// What a refusal costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole message: nothing could be made of it.
    Message,
    /// The endpoint, and with it every URI of the message.
    Endpoint,
    /// One URI; the others of the message are good.
    Uri,
    /// One option of the endpoint, which is registered without it.
    Option,
}

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident => $scope:ident, $label:literal, $text:expr;)*) => {
        /// The cause of a refusal: a bounded set, so that it can be a metric's label.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Cause {
            $($(#[$doc])* $name,)*
        }

        impl Cause {
            /// Every cause.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What the refusal costs.
            #[must_use]
            pub fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)* }
            }

            /// The name for metrics.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }
        }

        impl fmt::Display for Cause {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $text,)* })
            }
        }
    };
}

causes! {
    /// More bytes than are decoded (L-30).
    TooLarge => Message, "too_large", "the message is larger than is decoded";
    /// An end before the first value is complete.
    Truncated => Message, "truncated", "unexpected end of JSON input";
    /// No JSON.
    NotJson => Message, "not_json", "the message is no JSON";
    /// Nested deeper than is decoded.
    TooDeep => Message, "too_deep", "the message is nested too deeply";
    /// A value of another type than its key has.
    WrongType => Message, "wrong_type", "a value has the wrong type";
    /// More URIs than one message may name (L-31).
    TooManyUris => Message, "too_many_uris", "the message names too many URIs";
    /// A route service that is not reached over https. The words are Gorouter's.
    RouteServiceNotHttps => Message, "route_service_not_https", "Unable to validate message. route_service_url must be https";
    /// A field longer than its bound (L-32).
    FieldTooLong => Endpoint, "field_too_long", "a field is longer than its bound";
    /// A control character in what data planes say in header fields and cookies, which they would reject.
    ControlCharacter => Endpoint, "control_character", "a field has a control character, which no header field can carry";
    /// More tags than an endpoint may have (L-32).
    TooManyTags => Endpoint, "too_many_tags", "the endpoint has too many tags";
    /// Neither `port` nor `tls_port`.
    NoPort => Endpoint, "no_port", "the endpoint has no port; expected 1 to 65535 in port or tls_port";
    /// No `host`.
    NoHost => Endpoint, "no_host", "the endpoint has no host";
    /// A host that is neither an address nor a name.
    HostInvalid => Endpoint, "host_invalid", "the host is neither an IP address nor a DNS name";
    /// 0.0.0.0 or ::.
    HostUnspecified => Endpoint, "host_unspecified", "the host is the unspecified address";
    /// 255.255.255.255.
    HostBroadcast => Endpoint, "host_broadcast", "the host is the broadcast address";
    /// A group of hosts.
    HostMulticast => Endpoint, "host_multicast", "the host is a multicast address";
    /// An address that only its own link knows.
    HostLinkLocal => Endpoint, "host_link_local", "the host is a link-local address";
    /// A cloud's instance metadata, which holds credentials.
    HostMetadata => Endpoint, "host_metadata", "the host is a metadata service";
    /// The machine of the data plane itself.
    HostLoopback => Endpoint, "host_loopback", "the host is a loopback address, and registration.allow_loopback is off";
    /// A hash of nothing. The name is Gorouter's.
    HashHeader => Option, "hash_header", "hash-routing-properties-missing: options.hash_header is missing; the router-wide algorithm is used";
    /// A balance factor that is no factor.
    HashBalance => Option, "hash_balance", "options.hash_balance is no factor; expected 0 or more, usually above 1.1";
    /// An algorithm nobody knows. The name is Gorouter's.
    Algorithm => Option, "algorithm", "invalid-endpoint-load-balancing-algorithm-provided-keeping-pool-lb-algo";
    /// A URI that is too long as a whole, in its host, or in a label (L-31).
    UriTooLong => Uri, "uri_too_long", NoRoute::TooLong.text();
    /// A blank, a control character, or something beyond ASCII, which no request line carries.
    UriCharacter => Uri, "uri_character", NoRoute::Character.text();
    /// `https://…`.
    UriScheme => Uri, "uri_scheme", NoRoute::Scheme.text();
    /// `user@…`.
    UriUserinfo => Uri, "uri_userinfo", NoRoute::Userinfo.text();
    /// `…#part`.
    UriFragment => Uri, "uri_fragment", NoRoute::Fragment.text();
    /// `host:80`.
    UriPort => Uri, "uri_port", NoRoute::Port.text();
    /// Nothing in front of the first slash.
    UriNoHost => Uri, "uri_no_host", NoRoute::NoHost.text();
    /// A host that no request could name.
    UriHost => Uri, "uri_host", NoRoute::Host.text();
    /// A wildcard that is not the whole first label.
    UriWildcard => Uri, "uri_wildcard", NoRoute::Wildcard.text();
    /// A wildcard over a whole top-level domain that nobody allowed.
    UriTopLevelWildcard => Uri, "uri_top_level_wildcard", "a wildcard over a top-level domain is not allowed; see registration.top_level_wildcards";
}

impl From<NoRoute> for Cause {
    fn from(error: NoRoute) -> Self {
        match error {
            NoRoute::TooLong => Self::UriTooLong,
            NoRoute::Character => Self::UriCharacter,
            NoRoute::Scheme => Self::UriScheme,
            NoRoute::Userinfo => Self::UriUserinfo,
            NoRoute::Fragment => Self::UriFragment,
            NoRoute::Port => Self::UriPort,
            NoRoute::NoHost => Self::UriNoHost,
            NoRoute::Host => Self::UriHost,
            NoRoute::Wildcard => Self::UriWildcard,
        }
    }
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub cause: Cause,
    /// Which part, and how it was wrong, as far as the cause does not say it; made of foreign text.
    pub detail: String,
}

impl Refusal {
    /// A refusal for which the cause says everything.
    #[must_use]
    pub fn of(cause: Cause) -> Self {
        Self {
            cause,
            detail: String::new(),
        }
    }

    /// A refusal of one named part.
    pub fn with(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.detail.is_empty() {
            self.cause.fmt(f)
        } else {
            write!(f, "{}: {}", self.cause, self.detail)
        }
    }
}

impl std::error::Error for Refusal {}
