//! Connections that leave HTTP (D-515 to D-528).

use std::time::Duration;

/// Which protocols a connection may be switched to, and how long a tunnel may last.
#[derive(Clone, Debug)]
pub struct Tunnels {
    /// The protocols that an `Upgrade` may name, in any case. HTTP in whatever dress does not belong here: behind
    /// the switch nothing looks at it any more.
    pub protocols: Vec<String>,
    /// How long no byte may move in either direction (L-29); `None` for no bound.
    pub idle: Option<Duration>,
    /// How long a tunnel may last, give or take a tenth (L-29); `None` for no bound.
    pub life: Option<Duration>,
    /// How long no byte may move once one side has ended what it sends.
    pub half_closed: Duration,
}

impl Default for Tunnels {
    fn default() -> Self {
        Self {
            protocols: vec!["websocket".to_owned()],
            idle: None,
            life: None,
            half_closed: Duration::from_secs(1),
        }
    }
}

impl Tunnels {
    /// Whether a connection may be switched to this protocol.
    pub(crate) fn allow(&self, protocol: &[u8]) -> bool {
        let same = |allowed: &String| allowed.as_bytes().eq_ignore_ascii_case(protocol);
        self.protocols.iter().any(same)
    }
}
