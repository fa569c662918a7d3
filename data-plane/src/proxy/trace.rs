//! Whose trace a request belongs to: read from its headers, written into them for the endpoint, and made the request's
//! id where it can be one (D-112 to D-156).

mod b3;
mod w3c;

#[cfg(test)]
mod tests;

use pointsman_http1::{Fields, InvalidField, Known};

use super::Journey;
use super::request_id::{self, RequestId};
use crate::hexadecimal;
use crate::settings::{Tracing, VendorKey};

/// Where a request stands in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    trace: u128,
    span: u64,
}

/// Random numbers for one request.
#[derive(Clone, Copy, Debug)]
struct Dice {
    /// The id of a trace that begins here: a UUID.
    trace: u128,
    /// The part of it that this request is.
    span: u64,
    /// The part that this hop is of a W3C trace that goes on.
    parent: u64,
}

impl Dice {
    /// Where a trace that begins here stands.
    fn place(self) -> Place {
        Place {
            trace: self.trace,
            span: self.span,
        }
    }
}

impl Place {
    /// The trace's id as the request's, where it is a UUID of a version from 1 to 5 (D-118, D-119).
    fn request_id(self) -> Option<RequestId> {
        let version = self.trace >> 76 & 0xf;
        (1..=5)
            .contains(&version)
            .then(|| request_id::text(self.trace))
    }

    /// The trace's id as B3 writes it: 32 digits, or 16 where they are enough.
    fn trace_digits(self) -> Vec<u8> {
        let digits = hexadecimal::of_u128(self.trace);
        let from = if self.trace >> 64 == 0 { 16 } else { 0 };
        digits.get(from..).unwrap_or_default().to_vec()
    }
}

impl Journey<'_, '_> {
    /// Keeps the traces of the request going that are to be.
    #[inline]
    pub(super) fn trace(&mut self) {
        let worker = self.worker;
        if let Some(tracing) = &worker.settings.tracing {
            let dice = Dice {
                trace: request_id::version_4(worker.random128()),
                span: worker.random(),
                parent: worker.random(),
            };
            // A head without room for more goes on as it is.
            let place = keep_going(self.exchange.request.fields_mut(), tracing, dice);
            if let Ok(Some(place)) = place
                && let Some(id) = place.request_id()
            {
                self.record.request_id = id;
            }
        }
    }
}

/// B3 first: its ids are W3C's where that trace begins here. Answers where the request stands, as its id knows it.
fn keep_going(
    fields: &mut Fields,
    tracing: &Tracing,
    dice: Dice,
) -> Result<Option<Place>, InvalidField> {
    let mut place = None;
    if tracing.b3 {
        place = keep_b3(fields, dice)?;
    }
    if let Some(key) = &tracing.w3c {
        place = Some(keep_w3c(fields, key, (place, dice))?);
    }
    Ok(place)
}

fn keep_b3(fields: &mut Fields, dice: Dice) -> Result<Option<Place>, InvalidField> {
    match b3::read(fields) {
        b3::Read::Single(place) => Ok(place),
        b3::Read::Several(place, single) => {
            fields.set(Known::B3, &single)?;
            Ok(Some(place))
        }
        b3::Read::Unclear => Ok(None),
        b3::Read::Nothing => {
            let place = dice.place();
            fields.set(Known::XB3TraceId, &place.trace_digits())?;
            fields.set(Known::XB3SpanId, &hexadecimal::of_u64(place.span))?;
            fields.set(Known::B3, &b3::single(place, None))?;
            Ok(Some(place))
        }
    }
}

/// What is known of the trace stays known; of one that W3C alone tells, this hop is the part.
fn keep_w3c(
    fields: &mut Fields,
    key: &VendorKey,
    (known, dice): (Option<Place>, Dice),
) -> Result<Place, InvalidField> {
    if let Some(parent) = fields.get(Known::Traceparent).and_then(w3c::read) {
        let state = w3c::state(key, dice.parent, fields.get(Known::Tracestate));
        let here = Place {
            trace: parent.trace,
            span: dice.parent,
        };
        fields.set(Known::Traceparent, &w3c::write(here, parent.flags))?;
        fields.set(Known::Tracestate, &state)?;
        return Ok(known.unwrap_or(here));
    }
    let here = known.unwrap_or(dice.place());
    fields.set(Known::Traceparent, &w3c::write(here, *b"01"))?;
    fields.set(Known::Tracestate, &w3c::state(key, here.span, None))?;
    Ok(here)
}
