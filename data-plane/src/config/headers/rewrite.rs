//! The section `headers.rewrite`.

use pointsman_process::configuration::{Check, Validate};
use serde::Deserialize;

use crate::BadRule;

/// What is changed in the heads of answers: fields are removed, then added.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rewrite {
    /// Names of fields that are removed.
    pub remove: Vec<String>,
    /// Fields that are added where the answer has none of their name. A name may stand here several times: all its
    /// values are added, or none.
    pub add_if_absent: Vec<Added>,
}

/// A field that is added.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Added {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Validate for Rewrite {
    fn validate(&self, check: &mut Check<'_>) {
        self.rules(|key, bad| {
            check.refuse(
                &key,
                bad.to_string(),
                "write a field as it is sent, as X-Name",
            );
        });
    }
}

impl Rewrite {
    /// The rules, if there are any. Those that cannot be kept are left out: validation has refused them.
    pub(super) fn settings(&self) -> Option<crate::Rewrite> {
        let rules = self.rules(|_, _| {});
        (!rules.is_empty()).then_some(rules)
    }

    fn rules(&self, mut refuse: impl FnMut(String, BadRule)) -> crate::Rewrite {
        let mut rules = crate::Rewrite::default();
        for (at, name) in self.remove.iter().enumerate() {
            if let Err(bad) = rules.remove(name) {
                refuse(format!("remove[{at}]"), bad);
            }
        }
        for (at, field) in self.add_if_absent.iter().enumerate() {
            if let Err(bad) = rules.add(&field.name, &field.value) {
                refuse(format!("add_if_absent[{at}]"), bad);
            }
        }
        rules
    }
}
