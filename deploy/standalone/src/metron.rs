//! Figures for the agent for metrics on the same machine: Dropsonde's `ValueMetric`, in an envelope of its first version (7
//! of the observability reference).
//!
//! An agent that is not there, or too slow, costs figures, and nobody's time.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use pointsman_process::shutdown::Tasks;
use prost::Message;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Who says so, to the agent.
pub const ORIGIN: &str = "gorouter";

/// Figures that may wait to be sent.
const WAITING: usize = 4096;

/// `Envelope.EventType.ValueMetric`.
const VALUE_METRIC: i32 = 6;

/// The fields of Dropsonde's `events.Envelope` that a figure has.
#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(string, tag = "1")]
    origin: String,
    #[prost(int32, tag = "2")]
    event_type: i32,
    #[prost(int64, tag = "6")]
    timestamp: i64,
    #[prost(message, optional, tag = "9")]
    value: Option<ValueMetric>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueMetric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(string, tag = "3")]
    unit: String,
}

/// A way to the agent.
#[derive(Clone, Debug)]
pub struct Metron {
    figures: mpsc::Sender<(&'static str, f64, &'static str)>,
}

impl Metron {
    /// Opens a socket towards the agent, and spawns what sends.
    ///
    /// # Errors
    ///
    /// There is no socket to be had.
    pub async fn start(agent: SocketAddr, tasks: &Tasks) -> io::Result<Self> {
        let anywhere = match agent {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let socket = UdpSocket::bind(anywhere).await?;
        socket.connect(agent).await?;
        let (figures, mut waiting) = mpsc::channel(WAITING);
        let end = tasks.stages().ending().clone();
        tasks.spawn_vital("metron", async move {
            let sending = async {
                while let Some(figure) = waiting.recv().await {
                    // That nobody listens is told by the next datagram's error; the agent may come back.
                    let _lost = socket.send(&encoded(figure)).await;
                }
            };
            end.run_until_cancelled(sending).await;
            end.cancelled().await;
            Ok::<(), Infallible>(())
        });
        Ok(Self { figures })
    }

    /// Tells how long new endpoints took to be registered, in whole milliseconds; nothing of those that are registered
    /// while the start is not `muzzle` ago, which are old (C-134).
    pub fn registration_latencies(self, muzzle: Duration) -> impl Fn(Duration) + Send + 'static {
        let from = Instant::now() + muzzle;
        move |took| {
            if Instant::now() < from {
                return;
            }
            let millis = took.as_millis();
            let millis = u32::try_from(millis).map_or(f64::from(u32::MAX), f64::from);
            // One too many is lost.
            let _lost = self
                .figures
                .try_send(("route_registration_latency", millis, "ms"));
        }
    }
}

fn encoded((name, value, unit): (&str, f64, &str)) -> Vec<u8> {
    let now = jiff::Timestamp::now().as_nanosecond();
    let envelope = Envelope {
        origin: ORIGIN.to_owned(),
        event_type: VALUE_METRIC,
        timestamp: i64::try_from(now).unwrap_or_default(),
        value: Some(ValueMetric {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
        }),
    };
    envelope.encode_to_vec()
}
