//! The commands as a whole.

pub(super) mod scripted;

use clap::Parser as _;

use scripted::{Scripted, answer, command, problem};
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
            let ended = Box::pin(run(operator, &mut Closed(why))).await;
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

#[tokio::test]
async fn what_is_no_admin_api_says_nothing_about_routes() {
    let admin = Scripted::start(|asked| match asked.split_once("/nope") {
        Some(_) => problem(404, "nothing of the id \"nope\" is here"),
        None => problem(404, "the admin API has no such path"),
    })
    .await;
    let web = Scripted::start(|_| answer(404, &json!("nothing is here"))).await;
    for server in [&admin, &web] {
        for asked in [
            &["routes"][..],
            &["replicas"],
            &["replicas", "else"],
            &["history", "a.b"],
            &["explain", "a.b"],
            &["watch"],
            &["overrides"],
            &["check"],
        ] {
            let (ended, shown) = server.command(asked).await;
            assert_eq!(status(&ended), 3, "{asked:?}: {shown}");
            assert_eq!(shown, "", "{asked:?}");
            let told = ended.expect_err("nobody").to_string();
            assert!(
                told.ends_with("expected the address of an admin API that has this"),
                "{told}"
            );
        }
    }
    for asked in [&["replicas", "nope"][..], &["overrides", "end", "nope"]] {
        let (ended, _) = admin.command(asked).await;
        assert_eq!(status(&ended), 1, "{asked:?}");
        let told = ended.expect_err("it is not there").to_string();
        assert!(told.contains("nothing of the id \"nope\""), "{told}");
    }
    for more in ["?q", "#f", "/x?"] {
        let server = format!("http://{}/{more}", admin.address);
        let (ended, _) = command(&["routes", "--server", &server]).await;
        assert_eq!(status(&ended), 2, "{server}");
    }
}

#[tokio::test]
async fn a_refusal_says_whose_fault_it_is() {
    for (answered, wanted) in [(400, 2), (422, 2), (401, 3), (403, 3), (429, 3), (503, 3)] {
        let server = Scripted::start(move |_| problem(answered, "for this reason")).await;
        for asked in [&["routes"][..], &["watch"], &["overrides", "release"]] {
            let (ended, _) = server.command(asked).await;
            assert_eq!(status(&ended), wanted, "{answered} to {asked:?}");
            let told = ended.expect_err("it was refused").to_string();
            assert!(told.ends_with("for this reason"), "{told}");
        }
    }
}

#[tokio::test]
async fn what_can_be_no_route_is_not_asked_for() {
    for arguments in [
        &["routes", "https://a.example.com"][..],
        &["routes", "a.example.com:80"],
        &["routes", "--host", "a.example.com:80"],
        &["history", "https://a.example.com/"],
        &[
            "overrides",
            "eject",
            "10.0.0.1:80",
            "--reason",
            "r",
            "--route",
            "http://a.b",
        ],
    ] {
        let refused = Operator::try_parse_from([&["pointsman"], arguments].concat());
        let refused = refused.expect_err("it is no route");
        assert_eq!(refused.exit_code(), 2, "{arguments:?}");
        assert!(refused.to_string().contains("expected HOST"), "{refused}");
    }
    let server = Scripted::start(|_| answer(200, &json!({ "routes": [] }))).await;
    for lost in ["true", "false"] {
        let (ended, _) = server.command(&["routes", "--stale", lost]).await;
        assert_eq!(status(&ended), 2, "{lost}");
        let told = ended.expect_err("a lost value").to_string();
        assert!(
            told.ends_with(&format!("expected --stale={lost}")),
            "{told}"
        );
    }
    for (arguments, query) in [
        (&["--stale=false"][..], "stale=false&limit=5000"),
        (&["--stale", "a.b"], "uri=a.b&stale=true&limit=5000"),
        (&["false", "--host", "*"], "uri=false&host=*&limit=5000"),
    ] {
        let (ended, _) = server.command(&[&["routes"], arguments].concat()).await;
        assert_eq!(status(&ended), 1, "{arguments:?}");
        assert_eq!(
            server.asked().pop(),
            Some(format!("GET /v1/routes?{query}"))
        );
    }
}

#[tokio::test]
async fn an_id_leads_to_no_other_path() {
    let server = Scripted::start(|_| answer(200, &json!({}))).await;
    for (command, id, asked) in [
        (
            &["replicas"][..],
            "../overrides",
            "GET /v1/replicas/..%2Foverrides",
        ),
        (
            &["replicas"],
            "a b?c#d%2e",
            "GET /v1/replicas/a%20b%3Fc%23d%252e",
        ),
        (
            &["replicas"],
            "dp-1_2.3~ä",
            "GET /v1/replicas/dp-1_2.3~%C3%A4",
        ),
        (
            &["overrides", "end"],
            "../../health",
            "DELETE /v1/overrides/..%2F..%2Fhealth",
        ),
    ] {
        let (ended, _) = server.command(&[command, &[id]].concat()).await;
        assert_eq!(status(&ended), 0, "{id}");
        assert_eq!(server.asked().last().map(String::as_str), Some(asked));
        for id in ["", ".", ".."] {
            let refused = Operator::try_parse_from([&["pointsman"], command, &[id]].concat());
            assert_eq!(refused.expect_err("no id").exit_code(), 2, "{id:?}");
        }
    }
}

#[test]
fn the_command_line_is_consistent() {
    Operator::command().debug_assert();
}
