//! Requests that come back: a route may lead to a router, and then round and round.
//!
//! What a router hands to an endpoint names the instance that it is for. So a request that names one on its arrival has
//! been through a router, and only such a request gets a count of its ways back, in a field of its own, which goes up by
//! one each time. A request that comes from a client has no such field and gets none. Applications that call each other
//! through the router and pass on what they got are counted as well; they do not come near the bound.

use pointsman_http1::{Fields, Known, KnownSet};

use super::{Journey, Refusal};
use crate::decimal;

/// What a router says to endpoints, and a client does not.
const FROM_A_ROUTER: KnownSet = KnownSet::of(&[Known::XCfInstanceId]);

/// The field of the count.
pub(super) const HOPS: &str = "X-Pointsman-Hops";

impl Journey<'_, '_> {
    /// Counts the ways back of a request that has been through a router, and refuses it after too many.
    #[inline]
    pub(super) fn count_hops(&mut self) -> Result<(), Refusal> {
        let fields = self.exchange.request.fields();
        let text = &mut self.desk.prepared.hops;
        text.clear();
        if !fields.present().intersects(FROM_A_ROUTER) {
            return Ok(());
        }
        let hops = hops(fields);
        if hops > self.worker.settings.limits.hops {
            self.worker.counters.loops.increment();
            return Err(Refusal::Loop);
        }
        decimal::push(text, hops.into());
        Ok(())
    }
}

/// How often the request has come back with this time. Of several counts the highest counts, and what is no number does
/// not.
#[cold]
fn hops(fields: &Fields) -> u32 {
    let counts = fields.get_all(HOPS).filter_map(|value| {
        let text = std::str::from_utf8(value).ok()?;
        text.parse::<u32>().ok()
    });
    counts.max().unwrap_or_default().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_goes_up_by_one() {
        let counted = |values: &[&str]| {
            let mut fields = Fields::new();
            for value in values {
                fields.push(HOPS, value.as_bytes()).expect("a field");
            }
            hops(&fields)
        };
        assert_eq!(counted(&[]), 1);
        assert_eq!(counted(&["1"]), 2);
        assert_eq!(
            counted(&["2", "8", "3"]),
            9,
            "nobody hides a count behind another"
        );
        assert_eq!(counted(&["many", "-1", "1e3"]), 1);
        assert_eq!(counted(&["4294967295"]), u32::MAX);
        assert_eq!(counted(&["4294967296"]), 1);
    }
}
