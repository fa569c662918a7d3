//! How many sockets the process may have, and what part of them clients get (L-21).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::settings::Limits;

/// Raises the soft limit on descriptors to the hard one, as Go does for Gorouter: the soft one is
/// low for the sake of programs that use `select`.
pub(crate) fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        // Where it is refused, the lower limit holds.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// How many client connections may be open at the same time: what is configured, otherwise nine
/// tenths of the descriptors.
pub(crate) fn connections(limits: &Limits) -> usize {
    limits.connections.unwrap_or_else(most_connections)
}

/// How many client connections the descriptors of the process leave room for.
pub(crate) fn most_connections() -> usize {
    nine_tenths(getrlimit(Resource::Nofile).current)
}

fn nine_tenths(descriptors: Option<u64>) -> usize {
    let part = descriptors.map(|descriptors| descriptors - descriptors.div_ceil(10));
    part.and_then(|part| usize::try_from(part).ok())
        .map_or(usize::MAX, |part| part.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_nine_tenths_of_the_descriptors() {
        for (descriptors, connections) in [
            (Some(20_000), 18_000),
            (Some(1024), 921),
            (Some(1), 1),
            (None, usize::MAX),
        ] {
            assert_eq!(nine_tenths(descriptors), connections, "{descriptors:?}");
        }
    }

    #[test]
    fn what_is_configured_wins() {
        let limits = Limits {
            connections: Some(5),
            ..Limits::default()
        };
        assert_eq!(connections(&limits), 5);
    }
}
