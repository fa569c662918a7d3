//! Field names with a `_`. Apps behind CGI and its heirs cannot tell it from a `-`, so that such a name may stand for a
//! field that the router has checked, replaced or removed.

use pointsman_http1::{Field, Known};

use super::{Journey, Refusal};
use crate::settings::Underscores;

impl Journey<'_, '_> {
    /// Looks for such names, and does with them what is configured.
    #[inline]
    pub(super) fn look_at_names(&mut self) -> Result<(), Refusal> {
        let fields = self.exchange.request.fields();
        // As many names as known ones: there is no other.
        if fields.len() == fields.present().len() {
            Ok(())
        } else {
            self.look_at_other_names()
        }
    }

    fn look_at_other_names(&mut self) -> Result<(), Refusal> {
        if !self.exchange.request.fields().iter().any(has_underscore) {
            return Ok(());
        }
        self.worker.counters.underscored_names.increment();
        match self.worker.settings.checks.underscores {
            Underscores::Pass => Ok(()),
            Underscores::Drop => {
                let fields = self.exchange.request.fields_mut();
                fields.retain(|field| !has_underscore(field));
                Ok(())
            }
            Underscores::Refuse => Err(Refusal::UnderscoredName),
        }
    }
}

fn has_underscore(field: Field<'_>) -> bool {
    field.name.known() == Known::Other && field.name.as_bytes().contains(&b'_')
}
