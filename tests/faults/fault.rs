//! How many rounds there are, and what is drawn for each.

use pointsman_tests::environment;

/// One round of one fault.
#[derive(Debug)]
pub(crate) struct Round {
    /// Counted from 1.
    pub(crate) number: u64,
    /// What everything that is drawn in it comes from.
    pub(crate) seed: u64,
}

/// Whether there is one round only, as in the gate: then nothing is waited for that another round would show as well.
pub(crate) fn is_short() -> bool {
    count() == 1
}

/// The rounds of one fault: one, or as many as the environment says.
pub(crate) fn rounds() -> impl Iterator<Item = Round> {
    let seed = number("POINTSMAN_FAULT_SEED").unwrap_or_else(|| fastrand::u64(..));
    (1..=count()).map(move |number| Round {
        number,
        seed: seed.wrapping_add(number - 1),
    })
}

fn count() -> u64 {
    number("POINTSMAN_FAULT_ROUNDS").unwrap_or(1)
}

fn number(name: &str) -> Option<u64> {
    let given = environment(name)?;
    let number = given.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is {given:?}, which is no number")))
}
