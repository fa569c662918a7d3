//! What a test needs of the descriptors that a process may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process, and those that it starts from now on, have all the descriptors that they may.
///
/// # Panics
/// Each of them may have fewer than this.
pub fn need(count: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    assert!(
        maximum.is_none_or(|most| most >= count),
        "this test needs {count} descriptors in one process, and the hard limit allows {}: raise it, as with `ulimit -Hn {count}`",
        maximum.unwrap_or_default()
    );
    if current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        setrlimit(Resource::Nofile, raised).expect("a limit up to the hard one");
    }
}
