//! What a session has to do with tables that are lent: its data plane may have one to lend, or need one.

use std::sync::Arc;

use pointsman_proto::v1::{self, follow_response};
use pointsman_registry::{Reader, SegmentFilter};
use tokio::sync::watch;
use tonic::Status;

use super::{Progress, Session};
use crate::distribution::borrowed::{Borrowed, Claim, Loan, Part, Refused, Taken};
use crate::distribution::hello::Caller;
use crate::distribution::to_proto;
use crate::distribution::wire::Encoded;

/// The part of one session in lending.
#[derive(Debug)]
pub(in crate::distribution) struct Lending {
    borrowed: Arc<Borrowed>,
    news: watch::Receiver<()>,
    filter: SegmentFilter,
    digest: u64,
    role: Role,
    /// It was asked for its table, so parts of it may come.
    asked: bool,
}

#[derive(Debug)]
enum Role {
    /// It neither lends nor borrows, or not any more.
    None,
    /// It may be asked for so many things.
    Lender { things: u64 },
    /// It was asked.
    Asked(Claim),
    /// It has nothing.
    Borrower,
    /// It is being lent this, from this part on.
    Given { loan: Arc<Loan>, next: usize },
}

/// What is to be said.
enum Due {
    Ask(Claim),
    Part(Encoded),
    /// The last part.
    End(Encoded, Arc<Loan>),
}

impl Lending {
    /// The part of a data plane that has just said hello.
    pub(in crate::distribution) fn new(
        borrowed: &Arc<Borrowed>,
        caller: &Caller,
        epoch: u64,
    ) -> Self {
        let open = caller.lends_and_borrows && borrowed.is_open();
        let role = match caller.things {
            _ if !open || caller.held.epoch == epoch => Role::None,
            0 => Role::Borrower,
            things => Role::Lender { things },
        };
        let filter = caller.view.filter.clone();
        Self {
            news: borrowed.news(),
            borrowed: Arc::clone(borrowed),
            digest: filter.digest(),
            filter,
            role,
            asked: false,
        }
    }

    /// Whether there is something to say.
    pub(super) fn is_due(&self) -> bool {
        match &self.role {
            Role::None | Role::Asked(_) => false,
            Role::Lender { things } => self.borrowed.wants(self.digest, *things),
            Role::Borrower => self.borrowed.get(self.digest).is_some(),
            Role::Given { .. } => true,
        }
    }

    /// Waits until something may have become due. Pending for ever where nothing can.
    pub(super) async fn changed(&mut self) {
        let waits = matches!(self.role, Role::Lender { .. } | Role::Borrower);
        // The session holds what sends them.
        if !waits || self.news.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn step(&mut self) -> Option<Due> {
        match &mut self.role {
            Role::None | Role::Asked(_) => None,
            Role::Lender { things } => {
                let claim = self.borrowed.claim(self.digest, *things)?;
                self.role = Role::None;
                self.asked = true;
                Some(Due::Ask(claim))
            }
            Role::Borrower => {
                let loan = self.borrowed.get(self.digest)?;
                self.role = Role::Given { loan, next: 0 };
                self.step()
            }
            Role::Given { loan, next } => {
                let (part, last) = loan.message(*next)?;
                *next += 1;
                if !last {
                    return Some(Due::Part(part));
                }
                let loan = Arc::clone(loan);
                self.role = Role::None;
                Some(Due::End(part, loan))
            }
        }
    }

    fn take(&mut self, part: v1::TablePart) -> Result<Option<Arc<Loan>>, Refused> {
        let Role::Asked(claim) = std::mem::replace(&mut self.role, Role::None) else {
            // The rest of one that is not taken.
            return Ok(None);
        };
        match claim.take(Part::read(part, &self.filter)?)? {
            Taken::Part(claim) => {
                self.role = Role::Asked(claim);
                Ok(None)
            }
            Taken::All(loan) => Ok(Some(loan)),
        }
    }
}

impl Session {
    /// What is to be said of lending.
    pub(super) async fn lend(
        &mut self,
        progress: &mut Progress,
    ) -> Result<Option<Encoded>, Status> {
        match progress.lending.step() {
            None => Ok(None),
            Some(Due::Ask(claim)) => {
                progress.lending.role = Role::Asked(claim);
                let request = follow_response::Message::TableRequest(v1::TableRequest {});
                Ok(Some(Encoded::of(&to_proto::response(request))))
            }
            Some(Due::Part(part)) => Ok(Some(part)),
            Some(Due::End(part, loan)) => {
                self.lent(progress, &loan).await?;
                Ok(Some(part))
            }
        }
    }

    /// A data plane was lent what others serve. It now holds what this control plane never gave it, so it is given everything
    /// after that, and all that was removed here.
    async fn lent(&mut self, progress: &mut Progress, loan: &Loan) -> Result<(), Status> {
        self.metrics.lent();
        let (name, id) = self.names();
        tracing::info!(
            component = "distribution",
            name = &*name,
            id = &*id,
            things = loan.things(),
            age_seconds = loan.age().as_secs(),
            "table-lent"
        );
        self.give_all(progress, Reader::start_anew).await
    }

    /// Takes a part of a table that was asked for.
    pub(super) fn take_part(
        &self,
        part: v1::TablePart,
        progress: &mut Progress,
    ) -> Result<(), Status> {
        if !progress.lending.asked {
            return Err(Status::invalid_argument(
                "a part of a table, which was not asked for",
            ));
        }
        let (name, id) = self.names();
        match progress.lending.take(part) {
            Ok(None) => {}
            Ok(Some(loan)) if loan.things() == 0 => tracing::info!(
                component = "distribution",
                name = &*name,
                id = &*id,
                "no-table-borrowed"
            ),
            Ok(Some(loan)) => {
                self.metrics.borrowed();
                tracing::info!(
                    component = "distribution",
                    name = &*name,
                    id = &*id,
                    things = loan.things(),
                    bytes = loan.bytes(),
                    age_seconds = loan.age().as_secs(),
                    "table-borrowed"
                );
            }
            Err(refused) => {
                tracing::warn!(component = "distribution", name = &*name, id = &*id, reason = %refused, "table-not-borrowed");
                if matches!(refused, Refused::Unreadable(_) | Refused::OtherSegment(_)) {
                    return Err(Status::invalid_argument(refused.to_string()));
                }
            }
        }
        Ok(())
    }
}
