//! Keys that Gorouter takes, and that change nothing there.

use pointsman_process::configuration::go::Duration;
use pointsman_process::configuration::{Check, Validate};

use super::keys::keys;
use super::scalars::Anything;

keys! {
    /// The keys of this group; they stand at the top of the file.
    #[serde(rename = "Config")]
    pub struct Inert {
        /// No such file is written.
        pid_file: String = String::new(),
        /// Read by nothing.
        publish_start_message_interval: Duration = Duration::from_secs(30),
        /// Read by nothing.
        healthcheck_poll_interval: Duration = Duration::from_secs(10),
        /// Read by nothing.
        healthcheck_timeout: Duration = Duration::from_secs(5),
        /// Derived, then read by nothing; 0: `endpoint_dial_timeout`.
        websocket_dial_timeout: Duration = Duration::default(),
        /// Read by a script of the BOSH job.
        load_balancer_healthy_threshold: Duration = Duration::default(),
        /// Applied to the kernel by a script of the BOSH job.
        ip_local_port_range: Option<Anything> = None,
    }
}

impl Validate for Inert {
    fn validate(&self, check: &mut Check<'_>) {
        let threshold = self.load_balancer_healthy_threshold;
        if threshold.is_negative() {
            let text = format!("Invalid load balancer healthy threshold: {threshold}");
            check.refuse_plainly("load_balancer_healthy_threshold", text);
        }
    }
}
