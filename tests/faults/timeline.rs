//! What was done when, for the message of a failed round.

use std::fmt;

use pointsman_tests::Moment;

/// What happened in a round, in order.
#[derive(Debug)]
pub(crate) struct Timeline {
    start: Moment,
    marks: Vec<(Moment, String)>,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self {
            start: Moment::now(),
            marks: Vec::new(),
        }
    }

    /// Notes that something happens now.
    pub(crate) fn mark(&mut self, what: impl Into<String>) -> Moment {
        let now = Moment::now();
        self.marks.push((now, what.into()));
        now
    }

    /// Whether this was after its beginning.
    pub(crate) fn covers(&self, moment: Moment) -> bool {
        moment >= self.start
    }

    /// Milliseconds from the beginning.
    pub(crate) fn at(&self, moment: Moment) -> String {
        format!("{} ms", moment.since(self.start).as_millis())
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (moment, what) in &self.marks {
            writeln!(formatter, "    {:>8}  {what}", self.at(*moment))?;
        }
        Ok(())
    }
}
