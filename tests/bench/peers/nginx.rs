//! nginx.

use std::fmt::Write as _;

use super::process::Start;
use super::{INSTANCE, Peer, Setup};
use crate::machine::{Cores, program};

/// Starts an nginx of one worker on the proxy's core.
pub(crate) async fn start(setup: Setup, cores: Cores) -> Result<Peer, String> {
    let map = if setup.routes > 1 {
        setup.map("backend", ";")
    } else {
        String::new()
    };
    let start = Start {
        program: &program("nginx"),
        arguments: &["-c"],
        configuration: configuration(setup),
        files: vec![("map", map)],
        has_worker: true,
    };
    Peer::start(cores.proxy(), start).await
}

fn configuration(setup: Setup) -> String {
    let tuning = if setup.tuned {
        "proxy_buffer_size 64k;
  proxy_buffers 4 256k;
  proxy_busy_buffers_size 256k;
  proxy_max_temp_file_size 0;
  proxy_request_buffering off;
  client_body_buffer_size 256k;
  tcp_nodelay on;"
    } else {
        ""
    };
    // A map is looked up as a variable; a route that is not in it is answered 404, as a router does.
    let (map, find) = if setup.routes > 1 {
        (
            "map_hash_max_size 4194304;
  map_hash_bucket_size 128;
  map $host $pool { include @FOLDER@/map; }",
            "if ($pool = \"\") { return 404; }\n      proxy_pass http://$pool;",
        )
    } else {
        ("", "proxy_pass http://backend;")
    };
    let (log, backend, fields) = (log(setup), setup.backend, fields());
    format!(
        r#"daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid @FOLDER@/pid;
error_log @FOLDER@/error.log;
events {{ worker_connections 32768; }}
http {{
  client_body_temp_path @FOLDER@/body;
  proxy_temp_path @FOLDER@/proxy;
  fastcgi_temp_path @FOLDER@/fastcgi;
  uwsgi_temp_path @FOLDER@/uwsgi;
  scgi_temp_path @FOLDER@/scgi;
  {log}
  client_max_body_size 16m;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  {tuning}
  {map}
  upstream backend {{
    server {backend};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen @LISTEN@ backlog=1024;
    add_header X-Vcap-Request-Id $request_id;
    location / {{
      {find}
      {fields}
    }}
  }}
}}
"#
    )
}

/// What is sent to the backend: the header fields that the data plane sets.
fn fields() -> String {
    let mut lines = "proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Start $msec;
      proxy_set_header X-Vcap-Request-Id $request_id;"
        .to_owned();
    for (name, value) in INSTANCE {
        // Writing to a string does not fail.
        let _written = write!(lines, "\n      proxy_set_header {name} {value};");
    }
    lines
}

fn log(setup: Setup) -> String {
    if !setup.access_log {
        return "access_log off;".to_owned();
    }
    let buffer = if setup.tuned {
        " buffer=32k flush=1s"
    } else {
        ""
    };
    format!(
        r#"log_format router '$host - [$time_iso8601] "$request" $status $request_length $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$remote_addr:$remote_port" "$upstream_addr" '
    'x_forwarded_for:"$proxy_add_x_forwarded_for" x_forwarded_proto:"$scheme" vcap_request_id:"$request_id" '
    'response_time:$request_time gorouter_time:$request_time app_id:"a" app_index:"0" instance_id:"i" '
    'x_cf_routererror:"-"';
  access_log @FOLDER@/access.log router{buffer};"#
    )
}
