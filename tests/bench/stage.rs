//! Everybody who takes part, started once and kept for the whole run. Who is not measured is idle.

use std::net::SocketAddr;

use pointsman_tests::Process;
use serde::Serialize;

use crate::backend;
use crate::nginx::Nginx;
use crate::options::Options;
use crate::ours::Fleet;

/// The host that is asked for.
pub(crate) const HOST: &str = "bench.example.com";

/// What is measured against what.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Proxy {
    /// Our data plane.
    Pointsman,
    /// nginx as it comes, with upstream keep-alive.
    NginxDefault,
    /// nginx with the buffers and the log buffer that its documentation recommends.
    NginxTuned,
}

impl Proxy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pointsman => "pointsman",
            Self::NginxDefault => "nginx",
            Self::NginxTuned => "nginx, tuned",
        }
    }
}

/// One proxy in one setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub(crate) proxy: Proxy,
    pub(crate) access_log: bool,
    pub(crate) address: SocketAddr,
    /// The process whose CPU time counts.
    pub(crate) pid: u32,
}

/// The running processes.
#[derive(Debug)]
pub(crate) struct Stage {
    subjects: Vec<Subject>,
    _nginxes: Vec<Nginx>,
    _processes: Vec<Process>,
    _fleet: Fleet,
}

impl Stage {
    /// Starts everybody.
    pub(crate) async fn set(options: &Options) -> Self {
        let backend = backend::start(options).await;
        let behind = backend.address();
        let fleet = Fleet::start(behind, options).await;
        let (mut nginxes, mut processes, mut subjects) = (vec![backend], Vec::new(), Vec::new());
        for access_log in [false, true] {
            let process = fleet.data_plane(access_log, options).await;
            let (address, pid) = (process.address("http"), process.id());
            subjects.push(Subject {
                proxy: Proxy::Pointsman,
                access_log,
                address,
                pid,
            });
            processes.push(process);
            for proxy in [Proxy::NginxDefault, Proxy::NginxTuned] {
                let core = options.proxy_core.to_string();
                let nginx = Nginx::start(&core, &proxying(proxy, access_log, behind)).await;
                let (address, pid) = (nginx.address(), nginx.worker());
                subjects.push(Subject {
                    proxy,
                    access_log,
                    address,
                    pid,
                });
                nginxes.push(nginx);
            }
        }
        Self {
            subjects,
            _nginxes: nginxes,
            _processes: processes,
            _fleet: fleet,
        }
    }

    /// The subjects in the order of a round: each starts at another one, so that nobody is always first.
    pub(crate) fn subjects(&self, round: usize) -> impl Iterator<Item = Subject> {
        let count = self.subjects.len();
        (0..count).map(move |at| self.subjects[(at + round) % count])
    }
}

/// nginx as a router of one route, with the header fields that the data plane sets.
fn proxying(proxy: Proxy, access_log: bool, backend: SocketAddr) -> String {
    let tuned = proxy == Proxy::NginxTuned;
    let log_buffer = if tuned { " buffer=32k flush=1s" } else { "" };
    let log = if access_log {
        format!("access_log FOLDER/access.log router{log_buffer};")
    } else {
        "access_log off;".to_owned()
    };
    let tuning = if tuned {
        "proxy_buffer_size 64k; proxy_buffers 4 64k; proxy_busy_buffers_size 128k; tcp_nodelay on;"
    } else {
        ""
    };
    format!(
        r#"  log_format router '$host - [$time_iso8601] "$request" $status $request_length $body_bytes_sent '
    '"$http_referer" "$http_user_agent" "$remote_addr:$remote_port" "$upstream_addr" '
    'x_forwarded_for:"$proxy_add_x_forwarded_for" x_forwarded_proto:"$scheme" vcap_request_id:"$request_id" '
    'response_time:$request_time gorouter_time:$request_time app_id:"a" app_index:"0" instance_id:"i" '
    'x_cf_routererror:"-"';
  {log}
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  {tuning}
  upstream backend {{
    server {backend};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen LISTEN backlog=1024;
    server_name {HOST};
    add_header X-Vcap-Request-Id $request_id;
    location / {{
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Request-Start $msec;
      proxy_set_header X-Vcap-Request-Id $request_id;
      proxy_set_header X-CF-ApplicationID a8e14e2e-57b1-4c5c-b1cf-2d2f3b3c9a01;
      proxy_set_header X-CF-InstanceID instance-0;
      proxy_set_header X-CF-InstanceIndex 0;
    }}
  }}"#
    )
}
