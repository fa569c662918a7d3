//! What a session has to do with tables that are lent: its data plane may have one to lend, or need one.

use std::sync::Arc;

use pointsman_proto::v1::{self, follow_response};
use pointsman_registry::{Reader, View};
use tokio::sync::watch;
use tokio::time::Instant;
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
    view: View,
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
    /// It has no table of its own, and was lent so many things.
    Borrower { had: u64 },
    /// It is being lent this, from this part on.
    Given { loan: Arc<Loan>, next: usize },
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
            _ if !open => Role::None,
            _ if caller.wants_table => Role::Borrower { had: 0 },
            0 => Role::None,
            _ if caller.held.epoch == epoch => Role::None,
            things => Role::Lender { things },
        };
        Self {
            news: borrowed.news(),
            borrowed: Arc::clone(borrowed),
            view: caller.view.clone(),
            role,
            asked: false,
        }
    }

    /// Whether the data plane is to be asked, or has been waited for too long.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        match &self.role {
            Role::Lender { things } => self.borrowed.wants(&self.view, *things),
            Role::Asked(claim) => now >= claim.ends(),
            Role::None | Role::Borrower { .. } | Role::Given { .. } => false,
        }
    }

    /// Whether there is something that it is to be lent, which takes a turn as a snapshot does.
    pub(super) fn gives(&self) -> bool {
        match &self.role {
            Role::Borrower { had } => {
                let loan = self.borrowed.get(&self.view);
                loan.is_some_and(|loan| loan.things() > *had)
            }
            Role::Given { .. } => true,
            Role::None | Role::Lender { .. } | Role::Asked(_) => false,
        }
    }

    /// When to look again, if nothing else comes before that.
    pub(super) fn ends(&self) -> Option<Instant> {
        match &self.role {
            Role::Asked(claim) => Some(claim.ends()),
            _ => None,
        }
    }

    /// Waits until something may have become due. Pending for ever where nothing can.
    pub(super) async fn changed(&mut self) {
        let waits = matches!(self.role, Role::Lender { .. } | Role::Borrower { .. });
        // The session holds what sends them.
        if !waits || self.news.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Claims what the data plane has, if it is to be asked for it.
    fn claim(&mut self, head: u64) -> bool {
        let Role::Lender { things } = self.role else {
            return false;
        };
        let Some(claim) = self.borrowed.claim(&self.view, things, head) else {
            return false;
        };
        self.role = Role::Asked(claim);
        self.asked = true;
        true
    }

    /// The table that it begins to be lent, where it does not name what was removed and forgotten meanwhile.
    fn begin(&mut self, horizon: u64) {
        if let Role::Borrower { .. } = self.role
            && let Some(loan) = self.borrowed.get(&self.view)
        {
            if loan.head() < horizon {
                self.borrowed.forget(&self.view, &loan);
            } else {
                self.role = Role::Given { loan, next: 0 };
            }
        }
    }

    /// The next part, and the table where it was the last one.
    fn next(&mut self) -> Option<(Encoded, Option<Arc<Loan>>)> {
        let Role::Given { loan, next } = &mut self.role else {
            return None;
        };
        let (part, last) = loan.message(*next)?;
        *next += 1;
        let whole = last.then(|| Arc::clone(loan));
        if let Some(loan) = &whole {
            self.role = Role::Borrower { had: loan.things() };
        }
        Some((part, whole))
    }

    fn take(&mut self, part: v1::TablePart) -> Result<Option<Taken>, Refused> {
        let Role::Asked(claim) = std::mem::replace(&mut self.role, Role::None) else {
            // The rest of one that is not taken.
            return Ok(None);
        };
        match claim.take(Part::read(part, &self.view.filter)?)? {
            Taken::Part(claim) => {
                self.role = Role::Asked(claim);
                Ok(None)
            }
            taken => Ok(Some(taken)),
        }
    }
}

impl Session {
    /// Asks the data plane for its table, or gives that up.
    pub(super) fn borrow(&self, progress: &mut Progress) -> Option<Encoded> {
        if let Role::Asked(_) = progress.lending.role {
            if progress.lending.is_due(Instant::now()) {
                progress.lending.role = Role::None;
                self.not_borrowed(&Refused::Late);
            }
            return None;
        }
        let head = *self.head.borrow();
        let request = follow_response::Message::TableRequest(v1::TableRequest {});
        let asked = progress.lending.claim(head);
        asked.then(|| Encoded::of(&to_proto::response(request)))
    }

    /// The next part of what the data plane is lent.
    pub(super) async fn lend(
        &mut self,
        progress: &mut Progress,
    ) -> Result<Option<Encoded>, Status> {
        if !progress.lending.gives() {
            return Ok(None);
        }
        if let Role::Borrower { .. } = progress.lending.role {
            let horizon = self.look(|registry| registry.horizon()).await?;
            progress.lending.begin(horizon);
        }
        let Some((part, whole)) = progress.lending.next() else {
            return Ok(None);
        };
        if let Some(loan) = whole {
            self.lent(progress, &loan).await?;
        }
        Ok(Some(part))
    }

    /// A data plane was lent what others serve. It now holds what this control plane never gave it, so it is given everything
    /// after that, and all that was removed here.
    async fn lent(&self, progress: &mut Progress, loan: &Loan) -> Result<(), Status> {
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

    /// Takes a part of a table that was asked for. One that cannot be used costs the table, and not the session.
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
        match progress.lending.take(part) {
            Ok(None | Some(Taken::Part(_))) => {}
            Ok(Some(Taken::Nothing)) => {
                let (name, id) = self.names();
                tracing::info!(
                    component = "distribution",
                    name = &*name,
                    id = &*id,
                    "no-table-borrowed"
                );
            }
            Ok(Some(Taken::All(loan))) => self.borrowed(&loan),
            Err(refused) => self.not_borrowed(&refused),
        }
        Ok(())
    }

    fn borrowed(&self, loan: &Loan) {
        self.metrics.borrowed();
        let (name, id) = self.names();
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

    fn not_borrowed(&self, refused: &Refused) {
        let (name, id) = self.names();
        tracing::warn!(
            component = "distribution",
            name = &*name,
            id = &*id,
            reason = %refused,
            "table-not-borrowed"
        );
    }
}
