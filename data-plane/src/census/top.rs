//! How many requests each app had in the last minute.

use std::collections::{HashMap, VecDeque};

/// For how many seconds requests count.
pub(super) const WINDOW: u64 = 60;

/// How many apps are counted at a time; requests of further ones are not.
const APPS: usize = 100_000;

/// Requests of apps, second by second: only those seconds that had any.
#[derive(Debug, Default)]
pub(super) struct Top(HashMap<Box<str>, VecDeque<(u64, u32)>>);

impl Top {
    /// One request more, which came at this second.
    pub(super) fn mark(&mut self, app: &str, second: u64) {
        if !self.0.contains_key(app) {
            if self.0.len() >= APPS {
                return;
            }
            self.0.insert(app.into(), VecDeque::new());
        }
        let Some(slots) = self.0.get_mut(app) else {
            return;
        };
        // A request that took long comes after others that began later.
        let later = slots.iter().rev().take_while(|slot| slot.0 > second);
        let at = slots.len() - later.count();
        let same = at.checked_sub(1).and_then(|before| slots.get_mut(before));
        match same.filter(|slot| slot.0 == second) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => slots.insert(at, (second, 1)),
        }
        let newest = slots.back().map_or(0, |slot| slot.0);
        forget(slots, newest.saturating_sub(WINDOW));
    }

    /// Forgets seconds up to this one, and apps that have none left.
    pub(super) fn trim(&mut self, up_to: u64) {
        self.0.retain(|_, slots| {
            forget(slots, up_to);
            !slots.is_empty()
        });
    }

    /// Adds what is counted to that of others.
    pub(super) fn add_to(&self, sums: &mut HashMap<Box<str>, u64>) {
        for (app, slots) in &self.0 {
            let count: u64 = slots.iter().map(|(_, count)| u64::from(*count)).sum();
            match sums.get_mut(app) {
                Some(sum) => *sum += count,
                None => drop(sums.insert(app.clone(), count)),
            }
        }
    }
}

fn forget(slots: &mut VecDeque<(u64, u32)>, up_to: u64) {
    while slots.front().is_some_and(|slot| slot.0 <= up_to) {
        slots.pop_front();
    }
}

/// The apps with the most requests, at most `count`, the most first.
pub(super) fn most(sums: HashMap<Box<str>, u64>, count: usize) -> Vec<(Box<str>, u64)> {
    let mut sums: Vec<_> = sums.into_iter().collect();
    // Those with as many stand in the order of their names, so that the list does not flicker.
    sums.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sums.truncate(count);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(top: &Top, count: usize) -> Vec<(String, u64)> {
        let mut sums = HashMap::new();
        top.add_to(&mut sums);
        let most = most(sums, count).into_iter();
        most.map(|(app, count)| (app.into(), count)).collect()
    }

    fn marked(marks: &[(&str, u64)]) -> Top {
        let mut top = Top::default();
        for (app, second) in marks {
            top.mark(app, *second);
        }
        top
    }

    fn expected(apps: &[(&str, u64)]) -> Vec<(String, u64)> {
        let apps = apps.iter();
        apps.map(|(app, count)| ((*app).to_owned(), *count))
            .collect()
    }

    /// C-430: two apps that had requests are both in the list
    /// C-431: an app stands in it once
    /// C-433: it is sorted by requests in the window, and has at most as many as are wanted
    #[test]
    fn the_list_has_the_apps_with_the_most_requests() {
        let top = marked(&[
            ("a", 1),
            ("b", 1),
            ("b", 2),
            ("c", 3),
            ("b", 1),
            ("c", 2),
            ("d", 3),
        ]);
        assert_eq!(
            listed(&top, 9),
            expected(&[("b", 3), ("c", 2), ("a", 1), ("d", 1)])
        );
        assert_eq!(listed(&top, 3), expected(&[("b", 3), ("c", 2), ("a", 1)]));
    }

    /// C-432: seconds up to the one that is named are forgotten, and apps without any
    #[test]
    fn seconds_are_forgotten() {
        let mut top = marked(&[("a", 1), ("a", 2), ("a", 3), ("b", 2), ("c", 3)]);
        top.trim(2);
        assert_eq!(listed(&top, 9), expected(&[("a", 1), ("c", 1)]));
        assert_eq!(top.0.len(), 2);
        top.trim(3);
        assert!(top.0.is_empty());
        // Only the window is kept of an app, also where nobody trims.
        let top = marked(&[
            ("a", 10),
            ("a", 11),
            ("a", 71),
            ("a", 9),
            ("a", 12),
            ("a", 40),
        ]);
        assert_eq!(top.0["a"], [(12, 1), (40, 1), (71, 1)]);
    }
}
