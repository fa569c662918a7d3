//! Taking over from a running data plane, and giving way to the next one.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;

use pointsman_process::readiness::Readiness;
use pointsman_process::shutdown::Tasks;

use crate::admin;
use crate::hand_over::{self, Claim, Offer};
use crate::listener::{Gate, Heirlooms, Inherited, Sockets};
use crate::start::Proxy;

/// What a process knows of the one before it and of the one after it.
pub(super) struct HandOver {
    path: Option<PathBuf>,
    claim: Option<Claim>,
    gate: Gate,
}

impl HandOver {
    /// Asks at `path` for the sockets of a running process, and adds them to those that were
    /// inherited otherwise.
    ///
    /// # Errors
    /// There is a process that does not answer as it should.
    pub(super) async fn prepare(
        path: Option<PathBuf>,
        inherited: &mut Inherited,
    ) -> io::Result<Self> {
        let mut claim = match &path {
            Some(path) => hand_over::claim(path).await?,
            None => None,
        };
        let gate = match &mut claim {
            Some(claim) => {
                inherited.extend(Inherited::new(claim.take_sockets())?);
                Gate::shut()
            }
            None => Gate::open(),
        };
        Ok(Self { path, claim, gate })
    }

    /// Keeps the socket of the admin API for a successor, beside those of the proxy.
    ///
    /// # Errors
    /// Descriptors have run out.
    pub(super) fn keep(
        &self,
        admin: Option<&pointsman_admin::Bound>,
        proxy: &Proxy,
    ) -> io::Result<()> {
        match admin {
            Some(admin) if self.path.is_some() => admin::keep(admin, proxy.heirlooms()),
            _ => Ok(()),
        }
    }

    /// What the proxy begins with.
    pub(super) fn sockets(&self, inherited: Inherited) -> Sockets {
        Sockets {
            inherited,
            gate: self.gate.clone(),
            keep: self.path.is_some(),
        }
    }

    /// Whether this process accepts yet, and still.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Takes over once this process is ready; from then on offers its own sockets, and drains once
    /// they are taken.
    pub(super) fn spawn(self, heirlooms: Heirlooms, tasks: &Tasks, readiness: &Readiness) {
        let (tasks, readiness) = (tasks.clone(), readiness.clone());
        let ending = tasks.stages().ending().clone();
        tasks.clone().spawn_vital("hand-over", async move {
            let run = self.run(&heirlooms, &tasks, &readiness);
            if let Some(Err(error)) = ending.run_until_cancelled(run).await {
                // What this process serves, it serves on; the next one cannot take over.
                tracing::error!(%error, "hand-over-not-offered");
            }
            ending.cancelled().await;
            Ok::<(), Infallible>(())
        });
    }

    async fn run(
        self,
        heirlooms: &Heirlooms,
        tasks: &Tasks,
        readiness: &Readiness,
    ) -> io::Result<()> {
        if self.claim.is_some() {
            readiness.ready().await;
        }
        self.gate.let_in();
        // The offer stands before the one before ends: there is always somebody to ask.
        let offer = self
            .path
            .map(|path| Offer::begin(&path, heirlooms.clone()))
            .transpose();
        if let Some(claim) = self.claim {
            claim.tell_ready().await;
            tracing::info!("hand-over-taken");
        }
        let Some(offer) = offer? else {
            return Ok(());
        };
        offer.until_taken().await;
        tracing::info!("hand-over-given");
        self.gate.pass_on();
        heirlooms.let_go();
        tasks.ask_to_drain();
        Ok(())
    }
}
