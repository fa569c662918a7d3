//! One edition, as it goes out.

use std::sync::Arc;

use pointsman_registry::{Capabilities, Closing, Sum, Thing};

use crate::distribution::to_proto;
use crate::distribution::wire::{Encoded, Parcel};

/// How many things are kept from a view, by what it would need for them.
pub(in crate::distribution) type Withheld = Vec<(Capabilities, u64)>;

/// Everything that changed between two revisions, for one view.
pub(in crate::distribution) struct Edition {
    /// It is for whoever rests here, or later.
    pub(in crate::distribution) from: u64,
    /// The revision of its closing step.
    pub(in crate::distribution) to: u64,
    /// What is held then.
    pub(in crate::distribution) sum: Sum,
    pub(in crate::distribution) withheld: Withheld,
    pub(in crate::distribution) things: usize,
    pub(in crate::distribution) removals: usize,
    /// Upserts, where there are any.
    batch: Option<Encoded>,
    /// The removals as a part of a later closing step, where there are any.
    part: Option<Encoded>,
    closing: Encoded,
}

impl Edition {
    pub(super) fn new(from: u64, things: &[Thing], closing: Closing, withheld: Withheld) -> Self {
        let last = Encoded::of(&to_proto::closing(&closing));
        let (to, sum, removals) = (closing.revision, closing.sum, closing.removals.len());
        let part = (removals > 0).then(|| {
            Encoded::of(&to_proto::closing(&Closing {
                continues: true,
                sum: Sum::default(),
                ..closing
            }))
        });
        Self {
            from,
            to,
            sum,
            withheld,
            things: things.len(),
            removals,
            batch: (!things.is_empty()).then(|| Encoded::batch(things)),
            part,
            closing: last,
        }
    }

    /// How many bytes it has on the wire.
    pub(super) fn size(&self) -> usize {
        let size = |message: &Option<Encoded>| message.as_ref().map_or(0, Encoded::size);
        size(&self.batch) + size(&self.part) + self.closing.size()
    }
}

/// Editions that follow one on the other, as one: a data plane acks the last of them only.
pub(in crate::distribution) fn parcel(editions: &[Arc<Edition>]) -> Parcel {
    let mut parcel = Parcel::with_capacity(2 * editions.len());
    if let Some((latest, earlier)) = editions.split_last() {
        for edition in earlier {
            parcel.extend(edition.batch.clone());
            parcel.extend(edition.part.clone());
        }
        parcel.extend(latest.batch.clone());
        parcel.push_back(latest.closing.clone());
    }
    parcel
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pointsman_proto::v1::follow_response::Message;
    use pointsman_registry::{Closing, Removal, Sum, Uri};

    use super::{Edition, parcel};

    fn edition(from: u64, gone: &str) -> Arc<Edition> {
        let uri = Uri::parse("foo").unwrap();
        let removal = Removal {
            route: Arc::clone(uri.key()),
            address: gone.into(),
            segment: "".into(),
        };
        let closing = Closing {
            removals: if gone.is_empty() {
                vec![]
            } else {
                vec![removal]
            },
            continues: false,
            revision: from + 1,
            complete: false,
            sum: Sum::default(),
        };
        Arc::new(Edition::new(from, &[], closing, Vec::new()))
    }

    /// Revision, whether more follows, and what is gone, of each closing step.
    fn closing_steps(editions: &[Arc<Edition>]) -> Vec<(u64, bool, Vec<String>)> {
        let messages = parcel(editions).into_iter();
        let steps = messages.map(|message| match message.decoded().message {
            Some(Message::ClosingStep(closing)) => {
                let gone = closing.removals.into_iter().map(|it| it.address);
                (closing.revision, closing.continues, gone.collect())
            }
            other => panic!("{other:?}"),
        });
        steps.collect()
    }

    #[test]
    fn several_editions_have_one_end_and_every_removal() {
        let gone = |address: &str| vec![address.to_owned()];
        let editions = [edition(1, "a:1"), edition(2, ""), edition(3, "b:1")];
        let steps = [(2, true, gone("a:1")), (4, false, gone("b:1"))];
        assert_eq!(closing_steps(&editions), steps);
        assert_eq!(
            closing_steps(&editions[..2]),
            [(2, true, gone("a:1")), (3, false, vec![])]
        );
        assert_eq!(closing_steps(&editions[..1]), [(2, false, gone("a:1"))]);
    }
}
