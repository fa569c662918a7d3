//! Which endpoints come first.

use std::time::Duration;

use pointsman_routing::Near;

/// What a data plane prefers where endpoints are alike otherwise.
#[derive(Clone, Debug, Default)]
pub struct Balancing {
    /// The availability zone of this data plane; empty where it has none, and then it prefers none.
    pub zone: String,
    /// When endpoints of that zone come first.
    pub zone_preference: ZonePreference,
    /// How long a new endpoint takes until its share is as large as another's; zero for at once.
    pub slow_start: Duration,
}

/// When endpoints of the own zone come before others (D-376 to D-384, D-395 to D-401).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZonePreference {
    /// Never.
    #[default]
    None,
    /// For the first attempt of a request; further ones go to any zone.
    LocallyOptimistic,
    /// For every attempt. Other zones are used all the same where the own one has nobody left.
    LocallyAlways,
}

impl Balancing {
    /// What a choice is told.
    #[inline]
    pub(crate) fn near(&self) -> Option<Near<'_>> {
        let always = match self.zone_preference {
            ZonePreference::None => return None,
            ZonePreference::LocallyOptimistic => false,
            ZonePreference::LocallyAlways => true,
        };
        let zone = self.zone.as_str();
        (!zone.is_empty()).then_some(Near { zone, always })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_zone_prefers_none() {
        let near = |zone: &str, zone_preference| {
            let balancing = Balancing {
                zone: zone.to_owned(),
                zone_preference,
                ..Balancing::default()
            };
            let near = balancing.near();
            near.map(|near| (near.zone.to_owned(), near.always))
        };
        assert_eq!(near("z1", ZonePreference::None), None);
        assert_eq!(near("", ZonePreference::LocallyAlways), None);
        assert_eq!(
            near("z1", ZonePreference::LocallyOptimistic),
            Some(("z1".to_owned(), false))
        );
        assert_eq!(
            near("z1", ZonePreference::LocallyAlways),
            Some(("z1".to_owned(), true))
        );
    }
}
