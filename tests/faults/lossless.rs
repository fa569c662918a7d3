//! The rounds of a fault that may cost nothing.

use crate::fault::rounds;
use crate::stage::{Setup, Stage};

/// Plays all rounds of a fault that one step makes and another mends; no request may be lost by it.
pub(crate) async fn without_a_loss(
    setup: Setup,
    breaks: impl AsyncFn(&mut Stage),
    mends: impl AsyncFn(&mut Stage),
) {
    let mut stage = setup.build().await;
    for round in rounds() {
        stage.before(round).await;
        breaks(&mut stage).await;
        stage.during().await;
        mends(&mut stage).await;
        stage.after().await;
        stage.verdict(|_| false);
    }
    stage.finish().await;
}
