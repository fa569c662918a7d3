//! Everything that is registered, for a watcher whose revision is too old.

use pointsman_registry::{Capabilities, Held, Reader, SegmentFilter, Step, Thing, View};
use serde_json::json;

use super::{Cut, Watcher};
use crate::admin::v1_routes::shown;

/// Things of one look at the registry.
const LOOK: usize = 256;

impl Watcher {
    /// Tells everything, between two lines that say so. Whatever changes meanwhile is told as it is at the end, and what
    /// goes as `absent`: after the last line the client knows the state of the revision that the line names.
    pub(super) async fn snapshot(&mut self) -> Result<u64, Cut> {
        let view = View {
            filter: SegmentFilter::All,
            capabilities: Capabilities::ONLOOKER,
        };
        let begun = self.registry.read(move |registry, _| {
            let (reader, _) = Reader::new(registry, view, Held::default());
            (reader, registry.head())
        });
        let (mut reader, head) = begun.await?;
        self.line(&json!({ "type": "snapshot-begins", "revision": head }))
            .await?;
        loop {
            let next = self.registry.read(move |registry, _| {
                let step = reader.next(registry, LOOK);
                (reader, step)
            });
            let (again, step) = next.await?;
            reader = again;
            match step {
                Step::Batch(things) => self.send(present(&things)).await?,
                Step::Closing(closing) => {
                    let gone = closing.removals.iter().map(|name| {
                        let line = json!({
                            "type": "absent",
                            "route": name.route.to_string(),
                            "address": Some(&*name.address).filter(|it| !it.is_empty()),
                            "segment": &*name.segment,
                        });
                        format!("{line}\n")
                    });
                    self.send(gone.collect()).await?;
                    if !closing.continues {
                        let revision = closing.revision;
                        self.line(&json!({ "type": "snapshot-ends", "revision": revision }))
                            .await?;
                        return Ok(revision);
                    }
                }
                // It owes an answer, so there is a closing step before it rests.
                Step::Idle => return Ok(head),
            }
        }
    }
}

fn present(things: &[Thing]) -> String {
    let lines = things.iter().map(|thing| {
        let (route, segment, attributes, endpoint) = match thing {
            Thing::Route(route) => {
                let attributes = shown::attributes(route);
                (&route.key, &route.segment, Some(attributes), None)
            }
            Thing::Endpoint(it) => {
                let endpoint = shown::registered(it);
                (&it.route, &it.segment, None, Some(endpoint))
            }
        };
        let line = json!({
            "type": "present",
            "route": route.to_string(),
            "segment": &**segment,
            "attributes": attributes,
            "endpoint": endpoint,
        });
        format!("{line}\n")
    });
    lines.collect()
}
