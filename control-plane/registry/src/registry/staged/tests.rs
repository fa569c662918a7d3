//! What is staged stands where the index says.

use crate::registry::Registry;
use crate::registry::records::Entry;

impl Registry {
    /// What is staged is what stands there.
    pub(in crate::registry) fn check_staged(&self) {
        let mut removals = 0;
        for (revision, entry) in &self.staged.entries {
            assert!(entry.versions.is_sorted_by(|a, b| a.revision < b.revision));
            let last = entry.versions.last().expect("something was there before");
            assert!(last.revision < *revision);
            let share = match self.segments[entry.segment].index.get(*revision).unwrap() {
                Entry::Removal => None,
                Entry::Endpoint(id) => Some(self.endpoints[id].share()),
                Entry::Route(id) => Some(self.routes[id].presence(entry.segment).share()),
            };
            assert_eq!(entry.share, share);
            if share.is_none() {
                removals += 1;
                let name = &entry.name;
                let removal = (name.route.clone(), name.address.clone(), *revision);
                assert!(self.staged.buried.contains(&removal));
            }
        }
        assert_eq!(self.staged.buried.len(), removals);
    }
}
