//! Which apps had requests.

use std::collections::HashMap;

/// How many apps are remembered; requests of further ones are noted when there is room again.
const APPS: usize = 100_000;

/// The apps that had requests since they were last taken, and the second of each one's last request.
#[derive(Debug, Default)]
pub(super) struct Active(HashMap<Box<str>, u64>);

impl Active {
    /// Notes a request.
    pub(super) fn mark(&mut self, app: &str, second: u64) {
        if let Some(last) = self.0.get_mut(app) {
            *last = second.max(*last);
        } else if self.0.len() < APPS {
            self.0.insert(app.into(), second);
        }
    }

    /// Moves apps to others, which may be `most` in all.
    pub(super) fn take_into(&mut self, taken: &mut HashMap<Box<str>, u64>, most: usize) {
        let room = most.saturating_sub(taken.len());
        let mut left = HashMap::new();
        if self.0.len() > room {
            let whole = std::mem::take(&mut self.0);
            for (at, (app, second)) in whole.into_iter().enumerate() {
                let to = if at < room { &mut self.0 } else { &mut left };
                to.insert(app, second);
            }
        }
        for (app, second) in std::mem::replace(&mut self.0, left) {
            let last = taken.entry(app).or_default();
            *last = second.max(*last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(active: &mut Active, most: usize) -> HashMap<Box<str>, u64> {
        let mut taken = HashMap::new();
        active.take_into(&mut taken, most);
        taken
    }

    /// C-426: an app that had a request is active, with the second of that
    /// C-427: of several requests the latest counts, and it is one entry
    /// C-428: what was told is not told again without a further request
    #[test]
    fn an_app_is_active_since_its_last_request() {
        let mut active = Active::default();
        active.mark("a", 5);
        active.mark("b", 6);
        active.mark("a", 9);
        active.mark("a", 8);
        let expected = HashMap::from([("a".into(), 9), ("b".into(), 6)]);
        assert_eq!(taken(&mut active, 10), expected);
        assert!(taken(&mut active, 10).is_empty());
        active.mark("b", 12);
        assert_eq!(taken(&mut active, 10), HashMap::from([("b".into(), 12)]));
    }

    #[test]
    fn what_there_is_no_room_for_is_taken_the_next_time() {
        let mut active = Active::default();
        for app in 0..5 {
            active.mark(&app.to_string(), app);
        }
        let mut all = taken(&mut active, 2);
        assert_eq!(all.len(), 2);
        all.extend(taken(&mut active, 2));
        all.extend(taken(&mut active, 2));
        assert_eq!(all.len(), 5);
        for app in 0..APPS + 500 {
            active.mark(&app.to_string(), 1);
        }
        assert_eq!(taken(&mut active, usize::MAX).len(), APPS);
    }
}
