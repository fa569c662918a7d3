//! One assertion for each promise of the README, on real processes.

mod bad_input;
mod broker;
mod control_plane;
mod drain;
mod instances;
mod registration;
mod tls;

use hyper::StatusCode;
use pointsman_tests::requests::Tally;

/// No request was lost, and there were enough of them to say so.
#[track_caller]
fn assert_none_lost(tally: &Tally) {
    assert!(
        tally.failed.is_empty(),
        "{} lost: {:#?}",
        tally.failed.len(),
        tally.failed
    );
    assert!(tally.total() > 100, "too few to say: {tally:?}");
}

const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
