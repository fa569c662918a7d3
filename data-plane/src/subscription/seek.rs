//! Finding a control plane to follow; see [`choice`](super::choice) for the rules.

use pointsman_proto::v1::{self, follow_response};
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::attend::Stopped;
use super::choice::Worth;
use super::client::Subscription;
use super::connect::ControlPlane;
use super::session::{Ended, Wire};

/// A session that has begun: the control plane has said who it is.
pub(super) struct Opened {
    pub(super) wire: Wire,
    pub(super) welcome: v1::FollowResponse,
    pub(super) worth: Worth,
}

/// Connects, says hello, and reads the welcome.
pub(super) async fn open(
    control_plane: &ControlPlane,
    hello: v1::FollowRequest,
    heartbeat: std::time::Duration,
) -> Result<Opened, Ended> {
    let channel = control_plane.connect(heartbeat).await;
    let mut wire = Wire::open(channel.map_err(Ended::Unreachable)?, hello).await?;
    let welcome = wire.hear().await?;
    let worth = match &welcome.message {
        Some(follow_response::Message::Welcome(welcome)) => {
            welcome.standing.as_ref().map_or(Worth::Young, Worth::of)
        }
        // The follower says what is wrong with it.
        _ => Worth::Young,
    };
    Ok(Opened {
        wire,
        welcome,
        worth,
    })
}

impl Subscription {
    /// Tries the control planes until there is one to follow.
    pub(super) async fn seek(&mut self) -> Result<Opened, Stopped> {
        loop {
            let round = self.choice.round(Instant::now());
            let mut best: Option<(usize, Opened)> = None;
            for at in &round {
                let open = best
                    .as_ref()
                    .is_some_and(|(_, best)| best.worth >= Worth::Open);
                if open && self.choice.is_silent(*at) {
                    continue;
                }
                let Some(opened) = self.try_one(*at, round.len() > 1).await? else {
                    continue;
                };
                let worth = opened.worth;
                if best.as_ref().is_none_or(|(_, best)| worth > best.worth) {
                    best = Some((*at, opened));
                }
                if worth == Worth::Authoritative || self.choice.is_preferred(*at) {
                    break;
                }
            }
            if let Some((at, opened)) = best {
                self.choice.follow(at, Instant::now());
                return Ok(opened);
            }
            self.show_choice();
            let next = self.choice.next_try();
            let next = next.unwrap_or_else(|| Instant::now() + self.silence());
            self.until(tokio::time::sleep_until(next)).await?;
        }
    }

    /// Nothing where this one cannot be followed. Whoever could turn to others waits less long.
    async fn try_one(&mut self, at: usize, others: bool) -> Result<Option<Opened>, Stopped> {
        let Some(control_plane) = self.control_plane(at).cloned() else {
            return Ok(None);
        };
        let patience = if others {
            self.heartbeat()
        } else {
            self.silence()
        };
        let hello = self.hello();
        let heartbeat = self.heartbeat();
        let opening = Box::pin(open(&control_plane, hello, heartbeat));
        let opened = self.until(timeout(patience, opening)).await?;
        match opened.unwrap_or(Err(Ended::Silent(patience))) {
            Ok(opened) => {
                self.choice.heard(at, opened.worth);
                Ok(Some(opened))
            }
            Err(ended) => {
                warn!(
                    component = "subscription",
                    control_plane = control_plane.name,
                    reason = %ended,
                    "control-plane-not-followed",
                );
                self.failed(at, &ended);
                Ok(None)
            }
        }
    }
}

/// The first of these whose word is worth more than `than`, and what each said.
pub(super) async fn look(
    others: Vec<(usize, ControlPlane)>,
    hello: v1::FollowRequest,
    (than, heartbeat): (Worth, std::time::Duration),
) -> Looked {
    let mut looked = Looked::default();
    for (at, control_plane) in others {
        let opening = Box::pin(open(&control_plane, hello.clone(), heartbeat));
        if let Ok(Ok(opened)) = timeout(heartbeat, opening).await {
            looked.heard.push((at, opened.worth));
            if opened.worth > than {
                looked.better = Some(at);
                break;
            }
        }
    }
    looked
}

/// What a look at the others came to.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// What each of them that answered is worth.
    pub(super) heard: Vec<(usize, Worth)>,
    /// The one to follow instead.
    pub(super) better: Option<usize>,
}
