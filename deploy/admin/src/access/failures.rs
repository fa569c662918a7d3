//! Whoever guesses gets slower.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Wrong credentials of one address at once, after a rest.
const BURST: u32 = 20;

/// How long an address rests for each further one.
const REST: Duration = Duration::from_secs(1);

/// Addresses that are remembered. All others share one account.
const ADDRESSES: usize = 1024;

/// The addresses that wrong credentials came from, each with when it has rested from them.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<Option<IpAddr>, Instant>>);

impl Failures {
    /// Whether credentials from this address are looked at. Nobody else is slowed down by it.
    pub(super) fn may_try(&self, address: IpAddr) -> bool {
        let now = Instant::now();
        // An address has no half-written account.
        let accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts.get(&Some(address)).or_else(|| {
            let crowded = accounts.len() >= ADDRESSES;
            crowded.then(|| accounts.get(&None)).flatten()
        });
        account.is_none_or(|rested| *rested < now + REST * BURST)
    }

    /// Wrong credentials came from this address.
    pub(super) fn failed(&self, address: IpAddr) {
        let now = Instant::now();
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut account = Some(address);
        if accounts.len() >= ADDRESSES && !accounts.contains_key(&account) {
            accounts.retain(|_, rested| *rested > now);
            if accounts.len() >= ADDRESSES {
                account = None;
            }
        }
        let rested = accounts.entry(account).or_insert(now);
        *rested = (*rested).max(now) + REST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    /// who guesses is slowed down, and nobody else; and what is remembered of them is bounded
    #[tokio::test(start_paused = true)]
    async fn who_guesses_rests() {
        let failures = Failures::default();
        for _ in 0..BURST {
            assert!(failures.may_try(address(1)));
            failures.failed(address(1));
        }
        assert!(!failures.may_try(address(1)));
        assert!(failures.may_try(address(2)));
        tokio::time::sleep(REST).await;
        assert!(failures.may_try(address(1)));
        failures.failed(address(1));
        assert!(!failures.may_try(address(1)));
        for number in 0..3000 {
            failures.failed(address(number));
        }
        assert!(failures.0.lock().unwrap().len() <= ADDRESSES + 1);
        assert!(
            !failures.may_try(address(5000)),
            "a crowd shares an account"
        );
        tokio::time::sleep(Duration::from_secs(4000)).await;
        assert!(failures.may_try(address(5000)) && failures.may_try(address(1)));
    }
}
