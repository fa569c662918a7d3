//! Dials that go on after the request that wanted them has gone elsewhere.

use std::cell::RefCell;

use pointsman_routing::EndpointIndex;

/// How many of them one worker sees through; the others are dropped.
const MOST: usize = 64;

/// The endpoints that such dials lead to, each at most once.
#[derive(Debug, Default)]
pub(crate) struct LateDials(RefCell<Vec<EndpointIndex>>);

impl LateDials {
    /// Whether one more may go on; it counts until [`LateDials::end`].
    pub(crate) fn begin(&self, endpoint: EndpointIndex) -> bool {
        let mut dials = self.0.borrow_mut();
        let begins = dials.len() < MOST && !dials.contains(&endpoint);
        if begins {
            dials.push(endpoint);
        }
        begins
    }

    /// It has ended.
    pub(crate) fn end(&self, endpoint: EndpointIndex) {
        self.0.borrow_mut().retain(|other| *other != endpoint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dial_per_endpoint_goes_on_and_a_bounded_number_in_all() {
        let late = LateDials::default();
        let endpoint = |slot: usize| EndpointIndex {
            slot: slot.try_into().unwrap(),
            life: 0,
        };
        assert!(late.begin(endpoint(0)));
        assert!(!late.begin(endpoint(0)));
        late.end(endpoint(0));
        assert_eq!(
            (0..2 * MOST).filter(|&n| late.begin(endpoint(n))).count(),
            MOST
        );
    }
}
