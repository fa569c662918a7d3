//! The commands as a whole.

use clap::Parser as _;

use super::*;

#[test]
fn only_the_first_word_asks_for_a_command() {
    for command in [
        "routes",
        "replicas",
        "explain",
        "watch",
        "history",
        "overrides",
        "check",
        "publish",
        "completions",
        "help",
    ] {
        assert!(is_asked(command), "{command}");
    }
    for other in ["-c", "gorouter.yml", "--check", "", "route"] {
        assert!(!is_asked(other), "{other}");
    }
}

#[test]
fn what_nobody_reads_on_is_no_failure() {
    let closed = io::Error::from(io::ErrorKind::BrokenPipe);
    assert_eq!(status(&Err(Failure::Output(closed))), 0);
    let full = io::Error::from(io::ErrorKind::StorageFull);
    assert_eq!(status(&Err(Failure::Output(full))), 3);
    assert_eq!(status(&Ok(Outcome::Bad)), 1);
}

#[test]
fn a_terminal_obeys_nothing_of_what_a_failure_says() {
    let failure = Failure::Usage("no \u{1b}[2Jsuch\nroute".to_owned());
    assert_eq!(failure.to_string(), "no \\u{1b}[2Jsuch\\nroute");
}

/// Takes nothing, for this reason.
struct Closed(io::ErrorKind);

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn completions_that_nobody_takes_end_as_any_other_command_does() {
    for (why, wanted) in [
        (io::ErrorKind::BrokenPipe, 0),
        (io::ErrorKind::StorageFull, 3),
    ] {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let operator = Operator::parse_from(["pointsman", "completions", shell]);
            let ended = run(operator, &mut Closed(why)).await;
            assert_eq!(status(&ended), wanted, "{shell}: {why}");
        }
    }
}

#[test]
fn the_command_line_is_consistent() {
    Operator::command().debug_assert();
}
