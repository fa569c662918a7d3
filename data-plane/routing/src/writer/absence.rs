//! What it means that a control plane does not name a thing.

/// What a control plane's silence about a thing is worth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    authoritative: bool,
    /// Everything that this epoch holds was sent at least once.
    whole: bool,
}

/// What is to be done with a thing that was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// It is gone.
    Gone,
    /// It stays.
    Kept,
}

impl Standing {
    /// Another epoch begins.
    pub(super) const fn begin(&mut self) {
        self.authoritative = false;
        self.whole = false;
    }

    pub(super) const fn set_authoritative(&mut self, authoritative: bool) {
        self.authoritative = authoritative;
    }

    /// A complete closing step came.
    pub(super) const fn set_whole(&mut self) {
        self.whole = true;
    }

    /// Whether things of earlier epochs may be taken for gone.
    pub(super) const fn may_infer(self) -> bool {
        self.authoritative && self.whole
    }

    /// The one place that decides about absence.
    ///
    /// A thing that this very epoch sent before, and that its complete table lacks, was removed
    /// there. A thing that this epoch never sent may only not have been heard yet: that it is gone
    /// can be inferred only from a control plane that has listened long enough.
    pub(super) const fn absent(self, sent_in_epoch: bool) -> Absence {
        if sent_in_epoch || self.may_infer() {
            Absence::Gone
        } else {
            Absence::Kept
        }
    }
}
