//! Which traces are kept going.

/// Which traces are kept going: without the headers of one on a request, it begins here.
#[derive(Clone, Debug, Default)]
pub struct Tracing {
    /// Those of Zipkin: `b3`, `X-B3-TraceId`, `X-B3-SpanId` (`tracing.enable_zipkin`).
    pub b3: bool,
    /// Those of W3C, `traceparent` and `tracestate` (`tracing.enable_w3c`), with our own key in `tracestate`.
    pub w3c: Option<VendorKey>,
}

/// Our own key in `tracestate`: `gorouter`, or `tenant@gorouter` (D-150).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorKey(Box<str>);

impl VendorKey {
    /// The key with this tenant; without one where it is empty. `None`: the tenant could not stand in a list of keys.
    #[must_use]
    pub fn of_tenant(tenant: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_graphic() && byte != b',' && byte != b'=';
        let key = if tenant.is_empty() {
            "gorouter".to_owned()
        } else {
            format!("{tenant}@gorouter")
        };
        tenant.bytes().all(fits).then(|| Self(key.into()))
    }

    /// The key as it is written.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Tracing {
    /// The fields of a request that tell its trace, in the order in which the access log shows them.
    #[must_use]
    pub fn fields(&self) -> Vec<&'static str> {
        let mut fields = Vec::new();
        if self.b3 {
            fields.extend(["X-B3-TraceId", "X-B3-SpanId", "X-B3-ParentSpanId", "b3"]);
        }
        if self.w3c.is_some() {
            fields.extend(["traceparent", "tracestate"]);
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D-150: our key is `gorouter`, with a tenant `tenant@gorouter`.
    #[test]
    fn our_key_names_the_tenant() {
        let key = |tenant| VendorKey::of_tenant(tenant).map(|key| key.0.into_string());
        assert_eq!(key("").as_deref(), Some("gorouter"));
        assert_eq!(key("t1").as_deref(), Some("t1@gorouter"));
        for bad in ["a b", "a,b", "a=b", "a\nb", "ä"] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }
}
