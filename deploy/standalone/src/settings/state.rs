//! Where the table is kept.

use std::path::PathBuf;
use std::time::Duration;

use pointsman_data_plane::subscription::{Restore, filter_digest};
use pointsman_proto::v1;

use crate::gorouter_yml::GorouterYml;

/// How long two writes of the table lie apart at least.
pub const WRITE_INTERVAL: Duration = Duration::from_secs(60);

/// How long the own control plane is waited for: it is there at once, and young.
const WAIT: Duration = Duration::from_secs(2);

/// How long endpoints may be served after they were last confirmed, in clear text and over TLS.
const LIFETIMES: [Duration; 2] = [Duration::from_secs(3600), Duration::from_secs(24 * 3600)];

/// Where the table is kept for a start while NATS is away; `None` where no folder is configured.
#[must_use]
pub fn state(file: &GorouterYml) -> Option<Restore> {
    let table = &file.routing_table;
    if table.state_folder.is_empty() {
        return None;
    }
    let mode = match table.routing_table_sharding_mode.as_str() {
        "segments" => v1::SegmentMode::Segments,
        "shared-and-segments" => v1::SegmentMode::SharedAndSegments,
        _ => v1::SegmentMode::All,
    };
    let [plain, tls] = LIFETIMES;
    Some(Restore {
        folder: PathBuf::from(&table.state_folder),
        filter: filter_digest(&v1::SegmentFilter {
            mode: mode.into(),
            segments: table.isolation_segments.0.clone(),
        }),
        wait: WAIT,
        plain,
        tls,
    })
}
