//! What can be measured.

use serde::Serialize;

use crate::client::Kind;

/// One table of the report.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Workload {
    /// 1 KiB answers over keep-alive connections, no access log.
    KeepAlive,
    /// The same with the access log.
    KeepAliveLog,
    /// The first, with wrk as the load.
    KeepAliveWrk,
    /// The second, with wrk as the load.
    KeepAliveLogWrk,
    /// A client connection for each request.
    NewConnection,
    /// 1 MiB answers.
    Download,
    /// 1 MiB requests.
    Upload,
    /// What each feature adds to a request, beside one without any.
    Features,
    /// Requests to all routes of tables of several sizes.
    Routes,
    /// From the publication of many routes to their first answers.
    Registrations,
    /// Saturated load beside heartbeats and changes of other routes.
    Beside,
    /// Latency at a fixed rate, beside the same.
    Latency,
    /// Memory per route and per idle connection.
    Memory,
    /// Registrations and heartbeats that one core of the control plane absorbs.
    Absorb,
    /// What a million registrations hold in the control plane.
    Capacity,
    /// How long a change takes to the data planes of a fleet.
    Convergence,
    /// Data planes that all reconnect at once.
    Storm,
}

impl Workload {
    pub(crate) const ALL: [Self; 17] = [
        Self::KeepAlive,
        Self::KeepAliveLog,
        Self::KeepAliveWrk,
        Self::KeepAliveLogWrk,
        Self::NewConnection,
        Self::Download,
        Self::Upload,
        Self::Features,
        Self::Routes,
        Self::Registrations,
        Self::Beside,
        Self::Latency,
        Self::Memory,
        Self::Absorb,
        Self::Capacity,
        Self::Convergence,
        Self::Storm,
    ];

    /// Those of the control plane, which have a name together.
    pub(crate) const CONTROL_PLANE: [Self; 4] =
        [Self::Absorb, Self::Capacity, Self::Convergence, Self::Storm];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep-alive",
            Self::KeepAliveLog => "keep-alive-log",
            Self::KeepAliveWrk => "keep-alive-wrk",
            Self::KeepAliveLogWrk => "keep-alive-log-wrk",
            Self::NewConnection => "new-connection",
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Features => "features",
            Self::Routes => "routes",
            Self::Registrations => "registrations",
            Self::Beside => "beside",
            Self::Latency => "latency",
            Self::Memory => "memory",
            Self::Absorb => "absorb",
            Self::Capacity => "capacity",
            Self::Convergence => "convergence",
            Self::Storm => "storm",
        }
    }

    /// What its table shows.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep-alive, 1 KiB, no access log; load: our own",
            Self::KeepAliveLog => "keep-alive, 1 KiB, access log; load: our own",
            Self::KeepAliveWrk => "keep-alive, 1 KiB, no access log; load: wrk",
            Self::KeepAliveLogWrk => "keep-alive, 1 KiB, access log; load: wrk",
            Self::NewConnection => "a new client connection per request, 1 KiB; load: our own",
            Self::Download => "1 MiB answers, keep-alive; load: our own",
            Self::Upload => "1 MiB requests, keep-alive; load: our own",
            Self::Features => "keep-alive, 1 KiB, one feature after the other; load: our own",
            Self::Routes => {
                "1 KiB over tables of several sizes, every route by chance; load: our own"
            }
            Self::Registrations => {
                "100,000 routes as route-emitter sends them (one URI, full tags, TLS) on one NATS connection, \
                 from the first publish until both data planes answer the last"
            }
            Self::Beside => {
                "keep-alive, 1 KiB, beside 100,000 routes and what happens to them; load: our own"
            }
            Self::Latency => {
                "latency at 2,000 requests/s, open loop, beside 100,000 routes and what happens to them"
            }
            Self::Memory => {
                "memory: routes with full tags after two full re-registrations; connections after one exchange"
            }
            Self::Absorb => {
                "registrations as route-emitter sends them (one URI, full tags, TLS) from one NATS connection to a \
                 control plane on one core"
            }
            Self::Capacity => {
                "1,000,000 registrations with full tags and TLS, one more in ten unregistered, snapshots to two data \
                 planes"
            }
            Self::Storm => {
                "500 data planes with four filters over mutual TLS, from the moment at which a stranger takes the place \
                 of their control plane until all of them hold what it has"
            }
            Self::Convergence => {
                "from the publish of a new route, in a fleet of 100 of which one always takes a snapshot, beside \
                 100,000 routes, 5,000 heartbeats/s and 500 changes/s"
            }
        }
    }

    /// How its load asks, where it compares saturated proxies.
    pub(crate) fn kind(self) -> Option<Kind> {
        match self {
            Self::KeepAlive | Self::KeepAliveLog | Self::KeepAliveWrk | Self::KeepAliveLogWrk => {
                Some(Kind::Small)
            }
            Self::NewConnection => Some(Kind::NewConnection),
            Self::Download => Some(Kind::Download),
            Self::Upload => Some(Kind::Upload),
            Self::Features
            | Self::Routes
            | Self::Registrations
            | Self::Beside
            | Self::Latency
            | Self::Memory
            | Self::Absorb
            | Self::Capacity
            | Self::Convergence
            | Self::Storm => None,
        }
    }

    /// Whether load and backend need more of a core than the proxy does.
    pub(crate) fn is_hard_on_the_load(self) -> bool {
        matches!(
            self,
            Self::KeepAliveWrk
                | Self::KeepAliveLogWrk
                | Self::NewConnection
                | Self::Download
                | Self::Upload
                | Self::Features
                | Self::Beside
        )
    }

    pub(crate) fn has_access_log(self) -> bool {
        matches!(self, Self::KeepAliveLog | Self::KeepAliveLogWrk)
    }

    pub(crate) fn is_by_wrk(self) -> bool {
        matches!(self, Self::KeepAliveWrk | Self::KeepAliveLogWrk)
    }
}
