//! What stands behind every proxy: an nginx that answers 1 KiB from memory.

use crate::nginx::Nginx;
use crate::options::Options;

pub(crate) async fn start(options: &Options) -> Nginx {
    let body = "x".repeat(1024);
    let http = format!(
        "  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  server {{
    listen LISTEN reuseport backlog=1024;
    location / {{ return 200 \"{body}\"; }}
  }}"
    );
    Nginx::start(&options.other_cores, &http).await
}
