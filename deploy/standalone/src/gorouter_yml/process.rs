//! Process and identity: ports, the instance's place, workers.

use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;

keys! {
    /// The keys of this group; they stand at the top of the file.
    #[serde(rename = "Config")]
    pub struct Process {
        /// Port of the plain HTTP listener, on all addresses; 0 for any free one. Unused with `disable_http`.
        port: u16 = 8081,
        /// Port of the TLS listener, with `enable_ssl`.
        ssl_port: u16 = 443,
        /// No plain HTTP listener.
        disable_http: bool = false,
        /// A TLS listener, and all that is checked about TLS.
        enable_ssl: bool = false,
        /// HTTP/2 by ALPN on TLS listeners, and towards endpoints that are registered as `http2`.
        enable_http2: bool = true,
        /// Responses over HTTP/1 may begin while the request's body is still read.
        enable_http1_concurrent_read_write: bool = false,
        /// Connections may begin with a PROXY protocol header.
        enable_proxy: bool = false,
        /// Number of this instance in its group.
        index: u64 = 0,
        /// Availability zone of this instance.
        zone: String = String::new(),
        /// Worker threads: -1 for one per CPU; 0 and other negatives leave it to the runtime.
        go_max_procs: i64 = -1,
        /// Address of the debug server; empty for none.
        debug_addr: String = String::new(),
        /// Cookies of the router's own are `Secure` always.
        secure_cookies: bool = false,
        /// A request whose `X-Vcap-Trace` equals it is told who served it; empty for nobody.
        trace_key: String = String::new(),
    }
}

impl Validate for Process {
    fn validate(&self, check: &mut Check<'_>) {
        if self.disable_http && !self.enable_ssl {
            check.refuse_plainly(
                "disable_http",
                "neither http nor https listener is enabled: router.enable_ssl: false, \
                 router.disable_http: true",
            );
        }
    }
}
