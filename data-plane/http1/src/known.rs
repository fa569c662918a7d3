//! Field names that the router reads, sets, removes or meets in nearly every message.
//!
//! A name is recognised once, when a field enters a list; from then on a name is a number and a
//! set of names is a word of bits.

use crate::scan::{find_in_word, load_word, lower_word, tail_mask};

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

        /// The spellings with what stands between a name and its value.
        static LINE_STARTS: &[&str] = &[$(concat!($spelling, ": "),)*];

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

/// A name in small letters, in words of eight bytes, the first byte lowest: the first eight bytes,
/// the second eight of a name longer than sixteen, and the last eight of one longer than eight.
/// Overlapping words save a loop: together they hold every byte of a name of up to 24.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Signature {
    len: usize,
    first: u64,
    second: u64,
    last: u64,
}

const LONGEST: usize = 24;

impl Signature {
    const fn of_spelling(spelling: &str) -> Self {
        let bytes = spelling.as_bytes();
        let len = bytes.len();
        assert!(len <= LONGEST, "a known name has at most 24 bytes");
        Self {
            len,
            first: lower_word(const_word(bytes, 0)),
            second: if len > 16 {
                lower_word(const_word(bytes, 8))
            } else {
                0
            },
            last: if len > 8 {
                lower_word(const_word(bytes, len - 8))
            } else {
                0
            },
        }
    }
}

const fn const_word(bytes: &[u8], at: usize) -> u64 {
    let mut word = 0;
    let mut index = 0;
    while index < 8 && at + index < bytes.len() {
        word |= (bytes[at + index] as u64) << (8 * index);
        index += 1;
    }
    word
}

const SIGNATURES: [Signature; NAMES.len()] = {
    let mut signatures = [Signature::of_spelling(""); NAMES.len()];
    let mut index = 0;
    while index < NAMES.len() {
        signatures[index] = Signature::of_spelling(SPELLINGS[index]);
        index += 1;
    }
    signatures
};

const SLOTS: usize = 512;
const VACANT: u8 = u8::MAX;

/// A factor for which no two known names share a slot, so that one comparison decides; found by
/// trying odd multiples of the golden ratio.
const FACTOR: u64 = {
    let mut factor: u64 = 0x9e37_79b9_7f4a_7c15;
    while !is_perfect(factor) {
        factor = factor.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    factor
};

const fn is_perfect(factor: u64) -> bool {
    let mut taken = [false; SLOTS];
    let mut index = 0;
    while index < NAMES.len() {
        let slot = slot_of(SIGNATURES[index].first, SIGNATURES[index].last, factor);
        if taken[slot] {
            return false;
        }
        taken[slot] = true;
        index += 1;
    }
    true
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "nine bits are left")]
const fn slot_of(first: u64, last: u64, factor: u64) -> usize {
    ((first ^ last.rotate_left(29)).wrapping_mul(factor) >> (64 - SLOTS.trailing_zeros())) as usize
}

static TABLE: [u8; SLOTS] = {
    let mut table = [VACANT; SLOTS];
    let mut index = 0;
    while index < NAMES.len() {
        let slot = slot_of(SIGNATURES[index].first, SIGNATURES[index].last, FACTOR);
        table[slot] = NAMES[index] as u8;
        index += 1;
    }
    table
};

static KEYS: [Signature; NAMES.len()] = SIGNATURES;

impl Known {
    /// Recognises a name in any case.
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        let len = name.len();
        if len > LONGEST {
            return Self::Other;
        }
        let last = if len > 8 { load_word(name, len - 8) } else { 0 };
        Self::by_words(len, [load_word(name, 0), load_word(name, 8), last])
    }

    /// The name before the first colon of a line's first bytes, and its length; `None` if the colon
    /// is further away.
    #[inline]
    pub(crate) fn before_colon(line: &[u8; 32]) -> Option<(Self, usize)> {
        let (words, _) = line.as_chunks::<8>();
        let mut len = None;
        for (index, word) in words.iter().enumerate() {
            if let Some(lane) = find_in_word(u64::from_le_bytes(*word), b':') {
                len = Some(index * 8 + lane);
                break;
            }
        }
        let len = len?;
        if len > LONGEST {
            return Some((Self::Other, len));
        }
        let word = |at: usize| load_word(line, at);
        let last = if len > 8 { word(len - 8) } else { 0 };
        Some((Self::by_words(len, [word(0), word(8), last]), len))
    }

    /// Recognises the name of at most 24 bytes with these first, second and last eight bytes. Of
    /// the first, only those that belong to the name are looked at, of the others none if the name
    /// is too short to have them.
    #[inline]
    fn by_words(len: usize, [first, second, last]: [u64; 3]) -> Self {
        let first = lower_word(first & tail_mask(len));
        let last = if len > 8 { lower_word(last) } else { 0 };
        let index = usize::from(TABLE[slot_of(first, last, FACTOR)]);
        let Some(key) = KEYS.get(index) else {
            return Self::Other;
        };
        let second = if len > 16 { lower_word(second) } else { 0 };
        if *key
            == (Signature {
                len,
                first,
                second,
                last,
            })
        {
            NAMES[index]
        } else {
            Self::Other
        }
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

impl Known {
    /// The beginning of a line of this name; `None` for [`Known::Other`].
    #[inline]
    pub(crate) fn line_start(self) -> Option<&'static [u8]> {
        LINE_STARTS.get(self as usize).map(|start| start.as_bytes())
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
        self.0 |= Self::bit(name) & !Self::bit(Known::Other);
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

    /// How many names there are.
    #[inline]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
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
        1 << (name as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_recognised_in_any_case() {
        for (&name, spelling) in NAMES.iter().zip(SPELLINGS) {
            for written in [
                (*spelling).to_owned(),
                spelling.to_ascii_lowercase(),
                spelling.to_ascii_uppercase(),
            ] {
                assert_eq!(Known::of(written.as_bytes()), name, "{written}");
            }
        }
    }

    #[test]
    fn a_name_that_differs_in_any_byte_is_another() {
        for spelling in SPELLINGS {
            for position in 0..spelling.len() {
                for other in 0..=u8::MAX {
                    let mut written = spelling.as_bytes().to_vec();
                    if written[position].eq_ignore_ascii_case(&other) {
                        continue;
                    }
                    written[position] = other;
                    let known = Known::of(&written);
                    assert!(
                        known == Known::Other
                            || known.as_str().as_bytes().eq_ignore_ascii_case(&written),
                        "{spelling} with byte {other} at {position} became {known:?}"
                    );
                }
            }
            for written in [
                format!("{spelling}x"),
                format!("x{spelling}"),
                format!("{spelling} "),
            ] {
                assert_eq!(Known::of(written.as_bytes()), Known::Other, "{written}");
            }
        }
    }

    #[test]
    fn a_name_is_found_at_the_start_of_a_line() {
        for (&name, spelling) in NAMES.iter().zip(SPELLINGS) {
            let line = format!("{spelling}: and a value that fills it up");
            let start = line.as_bytes().first_chunk().expect("it is long enough");
            assert_eq!(Known::before_colon(start), Some((name, spelling.len())));
        }
        assert_eq!(
            Known::before_colon(b"a-name-of-twenty-five-byt: value"),
            Some((Known::Other, 25))
        );
        assert_eq!(Known::before_colon(&[b':'; 32]), Some((Known::Other, 0)));
        assert_eq!(Known::before_colon(&[b'a'; 32]), None);
        assert_eq!(Known::of(b""), Known::Other);
    }

    #[test]
    fn sets_hold_names_and_never_other() {
        let mut set = KnownSet::of(&[Known::Host, Known::XContentTypeOptions, Known::Other]);
        assert!(set.contains(Known::Host) && set.contains(Known::XContentTypeOptions));
        assert!(!set.contains(Known::Other) && !set.contains(Known::Via));
        set.insert(Known::Via);
        assert!(set.intersects(KnownSet::of(&[Known::Via])));
        let rest = set.without(KnownSet::of(&[Known::Host]));
        assert!(!rest.contains(Known::Host) && rest.contains(Known::Via));
        assert_eq!((set.len(), rest.len(), rest.is_empty()), (3, 2, false));
        assert_eq!(rest.union(KnownSet::of(&[Known::Host])), set);
    }
}
