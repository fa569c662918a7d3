//! HAProxy.

use std::fmt::Write as _;

use super::process::Start;
use super::{INSTANCE, Peer, Setup};
use crate::machine::{Cores, program};

/// Starts a HAProxy of one thread on the proxy's core.
pub(crate) async fn start(setup: Setup, cores: Cores) -> Result<Peer, String> {
    let map = if setup.routes > 1 {
        setup.map("backend", "")
    } else {
        String::new()
    };
    let start = Start {
        program: &program("haproxy"),
        arguments: &["-db", "-f"],
        configuration: configuration(setup),
        files: vec![("map", map)],
        has_worker: false,
    };
    Peer::start(cores.proxy(), start).await
}

fn configuration(setup: Setup) -> String {
    let tuning = if setup.tuned {
        "tune.bufsize 65536
  tune.pipesize 262144
  maxpipes 256
  tune.idle-pool.shared off"
    } else {
        ""
    };
    let reuse = if setup.tuned { "always" } else { "safe" };
    let splice = if setup.tuned {
        "option splice-auto"
    } else {
        ""
    };
    let pool = if setup.routes > 1 {
        "use_backend %[req.hdr(host),map_str(@FOLDER@/map,unknown)]\n  default_backend unknown"
    } else {
        "default_backend backend"
    };
    let (log, backend) = (log(setup), setup.backend);
    let instance = INSTANCE
        .iter()
        .fold(String::new(), |mut lines, (name, value)| {
            // Writing to a string does not fail.
            let _written = write!(lines, "http-request set-header {name} {value}\n  ");
            lines
        });
    format!(
        r#"global
  nbthread 1
  maxconn 9000
  {tuning}
  log stdout format raw local0 info
defaults
  mode http
  timeout client 1h
  timeout server 1h
  timeout connect 5s
  timeout http-keep-alive 1h
  http-reuse {reuse}
  {splice}
frontend router
  bind @LISTEN@ backlog 1024
  {log}
  option forwardfor
  unique-id-format %[uuid()]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Request-Start %[date()]
  http-request set-header X-Vcap-Request-Id %[unique-id]
  {instance}
  http-response set-header X-Vcap-Request-Id %[unique-id]
  {pool}
backend backend
  server one {backend} pool-max-conn 256 pool-purge-delay 1h
backend unknown
  http-request return status 404
"#
    )
}

/// One line for each request to the standard output, which is a file: HAProxy has no log buffer of its own.
fn log(setup: Setup) -> &'static str {
    if !setup.access_log {
        return "no log";
    }
    r#"log global
  option dontlognull
  log-format '%[capture.req.hdr(0)] - [%trl] "%HM %HP %HV" %ST %U %B "%[capture.req.hdr(1)]" "%[capture.req.hdr(2)]" "%ci:%cp" "%si:%sp" x_forwarded_for:"%ci" x_forwarded_proto:"http" vcap_request_id:"%ID" response_time:%Tt gorouter_time:%Tr app_id:"a" app_index:"0" instance_id:"i" x_cf_routererror:"-"'
  capture request header Host len 64
  capture request header Referer len 64
  capture request header User-Agent len 64"#
}
