//! Envoy, where `PyPI` has one for this machine.

use std::fmt::Write as _;

use pointsman_tests::environment;

use super::process::Start;
use super::{INSTANCE, Peer, Setup};
use crate::machine::Cores;

/// Starts an Envoy of one worker on the proxy's core. It has but one setting: buffers and the log's buffer are large as
/// they come.
pub(crate) async fn start(setup: Setup, cores: Cores) -> Result<Peer, String> {
    let program = environment("ENVOY").ok_or("there is no Envoy for this machine")?;
    let start = Start {
        program: &program,
        arguments: &[
            "--concurrency",
            "1",
            "--log-level",
            "error",
            "--disable-hot-restart",
            "--config-path",
        ],
        configuration: configuration(setup),
        files: Vec::new(),
        has_worker: false,
    };
    Peer::start(cores.proxy(), start).await
}

fn configuration(setup: Setup) -> String {
    let log = if setup.access_log { LOG } else { "" };
    let (host, port) = (setup.backend.ip(), setup.backend.port());
    let instance = INSTANCE
        .iter()
        .fold(String::new(), |mut lines, (name, value)| {
            // Writing to a string does not fail.
            let _written = write!(
                lines,
                "\n            - header: {{ key: {name}, value: '{value}' }}"
            );
            lines
        });
    format!(
        r#"static_resources:
  listeners:
  - address: {{ socket_address: {{ address: @ADDRESS@, port_value: @PORT@ }} }}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: router
          codec_type: HTTP1
          use_remote_address: true
          stream_idle_timeout: 0s
          always_set_request_id_in_response: true
{log}
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            request_headers_to_add:
            - header: {{ key: X-Request-Start, value: '%START_TIME(%s.%3f)%' }}{instance}
            virtual_hosts:
            - name: app
              domains: ['*']
              routes:
              - match: {{ prefix: / }}
                route: {{ cluster: backend, timeout: 0s }}
  clusters:
  - name: backend
    type: STATIC
    circuit_breakers:
      thresholds:
      - {{ max_connections: 100000, max_pending_requests: 100000, max_requests: 100000 }}
    load_assignment:
      cluster_name: backend
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {{ socket_address: {{ address: {host}, port_value: {port} }} }}
"#
    )
}

const LOG: &str = r#"          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              '@type': type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: @FOLDER@/access.log
              log_format:
                text_format_source:
                  inline_string: |
                    %REQ(:AUTHORITY)% - [%START_TIME%] "%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%" %RESPONSE_CODE% %BYTES_RECEIVED% %BYTES_SENT% "%REQ(REFERER)%" "%REQ(USER-AGENT)%" "%DOWNSTREAM_REMOTE_ADDRESS%" "%UPSTREAM_HOST%" x_forwarded_for:"%REQ(X-FORWARDED-FOR)%" x_forwarded_proto:"%REQ(X-FORWARDED-PROTO)%" vcap_request_id:"%REQ(X-REQUEST-ID)%" response_time:%DURATION% gorouter_time:%DURATION% app_id:"a" app_index:"0" instance_id:"i" x_cf_routererror:"-""#;
