//! Whether the listeners of the process are accepted from: not before a successor is ready, and
//! not any more once one has taken over.

use tokio::sync::watch;

/// What becomes of fresh connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// They wait for this process, or are accepted by the one before it.
    Shut,
    /// They are accepted.
    Open,
    /// They are another process's.
    Passed,
}

/// The gate of one process, shared by its parts.
#[derive(Clone, Debug)]
pub struct Gate {
    state: watch::Sender<State>,
}

impl Gate {
    /// One that lets connections in.
    #[must_use]
    pub fn open() -> Self {
        Self {
            state: watch::Sender::new(State::Open),
        }
    }

    /// One that lets none in before [`Gate::let_in`].
    #[must_use]
    pub fn shut() -> Self {
        Self {
            state: watch::Sender::new(State::Shut),
        }
    }

    /// From now on connections are accepted.
    pub fn let_in(&self) {
        self.state.send_if_modified(|state| {
            let shut = *state == State::Shut;
            if shut {
                *state = State::Open;
            }
            shut
        });
    }

    /// From now on another process accepts them from the same sockets.
    pub fn pass_on(&self) {
        self.state.send_replace(State::Passed);
    }

    /// Waits until connections are accepted, or are another process's.
    pub(crate) async fn until_open(&self) {
        self.wait_for(|state| state != State::Shut).await;
    }

    /// Waits until they are another process's.
    pub(crate) async fn until_passed(&self) {
        self.wait_for(|state| state == State::Passed).await;
    }

    async fn wait_for(&self, what: impl Fn(State) -> bool) {
        let mut states = self.state.subscribe();
        // The sender lives as long as `self`.
        let _ = states.wait_for(|state| what(*state)).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::open()
    }
}
