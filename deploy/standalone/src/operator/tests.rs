//! The commands as a whole.

pub(super) mod scripted;

use clap::Parser as _;

use scripted::{Scripted, answer, command};
use serde_json::json;

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

#[tokio::test]
async fn a_failure_tells_no_password() {
    let stranger = Scripted::start(|_| answer(500, &json!("no"))).await;
    let refuses = format!("http://user:s3cret@{}", stranger.address);
    let publish = ["publish", "--once", "10.0.0.1:1", "a.b", "--nats"];
    for (arguments, place) in [
        (
            &["routes", "--server"][..],
            "http://user:s3cret@127.0.0.1:1",
        ),
        (&["routes", "--server"], "http://user:s3cret@127.0.0.1:port"),
        (&["routes", "--server"], "ftp://user:s3cret@127.0.0.1"),
        (&["routes", "--server"], "user:s3cret@127.0.0.1"),
        (&["routes", "--server"], &refuses),
        (&["watch", "--server"], &refuses),
        (&publish, "nats://user:s3cret@127.0.0.1:1"),
        (&publish, "user:s3cret@127.0.0.1:1"),
        (&publish, "nats://s3cret@127.0.0.1:port"),
    ] {
        let (ended, _) = command(&[arguments, &[place]].concat()).await;
        let told = ended.expect_err("nobody is there").to_string();
        assert!(told.contains("127.0.0.1"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn help_shows_no_address_of_the_environment() {
    let mut command = Operator::command();
    command.build();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let mut seen = 0;
    for argument in commands.flat_map(clap::Command::get_arguments) {
        if ["server", "nats"].contains(&argument.get_id().as_str()) {
            assert!(argument.is_hide_env_values_set(), "{argument}");
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn the_command_line_is_consistent() {
    Operator::command().debug_assert();
}
