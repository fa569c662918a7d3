//! How following goes, for people and for metrics.

use tokio::time::Instant;

/// How following goes at one moment.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The session, while there is one.
    pub connection: Option<Connection>,
    /// Why there is none, or why the last one ended.
    pub trouble: Option<String>,
    /// The control plane's life that the table came from; 0 for none.
    pub epoch: u64,
    /// The revision of that life which the table is at.
    pub revision: u64,
    /// Things that are rejected.
    pub rejected: u64,
    /// Things that are kept though the control plane that is followed has not sent them.
    pub unconfirmed: u64,
    /// When a control plane last confirmed the table.
    pub confirmed: Option<Instant>,
    /// Sessions since the process started.
    pub sessions: u64,
    /// Times that the table was found to differ from the control plane's.
    pub divergences: u64,
    /// Tables published.
    pub publications: u64,
}

/// A session with a control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where it is.
    pub address: String,
    /// It is fit to fill an empty data plane.
    pub open: bool,
    /// What it has not heard may be taken for gone.
    pub authoritative: bool,
    /// Why it is not yet.
    pub reason: String,
}
