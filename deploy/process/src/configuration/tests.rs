//! Files with faults, and what an operator is told.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Deserialize;

use super::*;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Process {
    name: String,
    workers: u16,
    drain: Drain,
    peers: Vec<Peer>,
    mode: Mode,
    limit: Option<Size>,
    verbose: bool,
    ratio: f64,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Drain {
    wait: Interval,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Peer {
    host: String,
    port: u16,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    #[default]
    All,
    SharedAndSegments,
    Only(Vec<String>),
}

impl Validate for Process {
    fn validate(&self, check: &mut Check<'_>) {
        if self.workers > 512 {
            check.refuse(
                "workers",
                format!("{} is too many", self.workers),
                "512 are the most",
            );
        }
        for (at, peer) in self.peers.iter().enumerate() {
            check.within(&format!("peers[{at}]"), |check| {
                if peer.host.is_empty() {
                    check.refuse_plainly("host", "is empty");
                }
                if peer.port == 1 {
                    check.warn("port", "is unusual");
                }
            });
        }
    }
}

fn load(text: &str) -> Result<Loaded<Process>, Vec<String>> {
    load_str("p.yml", text).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_right_file_is_read() {
    let text = "
name: 12
workers: 4
drain: {wait: 1m30s}
peers:
  - &first {host: a, port: 1}
  - {<<: *first, port: 2}
mode: {only: [x, y]}
limit: 64KiB
ratio: 1
";
    let loaded = load(text).unwrap();
    assert_eq!(
        loaded.value,
        Process {
            name: "12".to_owned(),
            workers: 4,
            drain: Drain {
                wait: Interval(Duration::from_secs(90))
            },
            peers: vec![
                Peer {
                    host: "a".to_owned(),
                    port: 1
                },
                Peer {
                    host: "a".to_owned(),
                    port: 2
                },
            ],
            mode: Mode::Only(vec!["x".to_owned(), "y".to_owned()]),
            limit: Some(Size(65_536)),
            verbose: false,
            ratio: 1.0,
        }
    );
    assert_eq!(
        loaded.warnings[0].to_string(),
        "p.yml:6:28: peers[0].port: is unusual"
    );
}

#[test]
fn a_file_without_keys_is_a_file_of_defaults() {
    for text in ["", "---\n", "# nothing\n", "drain:\nname:\nlimit:\n", "{}"] {
        assert_eq!(load(text).unwrap().value, Process::default(), "{text:?}");
    }
}

#[test]
fn every_problem_is_told_in_one_go_with_its_place() {
    let text = "
name: [x]
worksers: 3
workers: 70000
drain:
  wait: 20
peers:
  - host: a
    port: http
  - port: 80
  - just text
mode: shared-and-segment
limit: 3 apples
verbose: \"true\"
ratio: much
";
    assert_eq!(
        load(text).unwrap_err(),
        [
            "p.yml:2:7: name: must be a text, not a list",
            "p.yml:3:1: worksers: is no key of this file; did you mean `workers`?",
            "p.yml:4:10: workers: must be a whole number from 0 to 65535, not `70000`",
            "p.yml:6:9: drain.wait: `20` is no duration: a unit is missing; write numbers with units \
             (ms, s, m, h, d), such as 300ms, 90s or 1h30m",
            "p.yml:9:11: peers[0].port: must be a whole number from 0 to 65535, not `http`",
            "p.yml:10:5: peers[1]: the key `host` is missing",
            "p.yml:11:5: peers[2]: must be a map, not `just text`",
            "p.yml:12:7: mode: `shared-and-segment` is no choice here; did you mean `shared-and-segments`?",
            "p.yml:13:8: limit: `3 apples` is no size; write a number of bytes, or one with B, KiB, MiB, \
             GiB, kB, MB or GB, such as 64KiB",
            "p.yml:14:10: verbose: must be true or false, not the text `true`",
            "p.yml:15:8: ratio: must be a number, not `much`",
        ]
    );
}

#[test]
fn a_fault_deep_inside_is_told_once() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "it is never read")]
        middle: Middle,
    }
    #[derive(Debug, Deserialize)]
    struct Middle {
        #[expect(dead_code, reason = "it is never read")]
        peer: Peer,
    }
    let document = Document::parse("p.yml", "middle: {peer: {host: a, port: x}}").expect("YAML");
    let decoded: Decoded<Outer> = decode(&document, Manners::Ours);
    let told: Vec<_> = decoded
        .problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(told, ["middle.peer.port"]);
}

#[test]
fn checks_of_values_come_with_the_place_of_their_key() {
    let told = load("workers: 600\npeers:\n- {host: '', port: 1}\n").unwrap_err();
    assert_eq!(
        told,
        [
            "p.yml:1:10: workers: 600 is too many; 512 are the most",
            "p.yml:3:10: peers[0].host: is empty",
        ]
    );
}

#[test]
fn what_is_no_yaml_is_refused_with_its_place() {
    for (text, told) in [
        (
            "name: x\nname: y\n",
            "p.yml:2:1: mapping key \"name\" already defined at line 1",
        ),
        ("? [a]\n: b\n", "p.yml:1:3: a key must be a single word"),
        (
            "a: &x [*x]\n",
            "p.yml:1:8: refers to an anchor that contains it",
        ),
        (
            "<<: 5\n",
            "p.yml:1:5: map merge requires map or sequence of maps as the value",
        ),
    ] {
        assert_eq!(load(text).unwrap_err(), [told], "{text:?}");
    }
    for text in ["name: \"x\n", "name: *nobody\n", "a: b: c\n", "["] {
        let told = load(text).unwrap_err();
        assert!(told[0].starts_with("p.yml:"), "{text:?}: {told:?}");
    }
}

#[test]
fn nested_aliases_cannot_unfold_without_bound() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let previous = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!("a{level}: &a{level} [{previous}]\n"));
    }
    assert!(load(&text).unwrap_err()[0].contains("unfolds to more than"));
}

#[test]
fn a_second_document_is_refused_with_its_place() {
    for more in ["---\nname: b\n", "---\n", "...\nname: b\n"] {
        let told = load(&format!("---\nname: a\n{more}")).unwrap_err();
        assert_eq!(told.len(), 1, "{told:?}");
        let words = "begins a second document; write everything into one";
        assert!(told[0].contains(words), "{told:?}");
        assert!(told[0].starts_with("p.yml:3:") || more.starts_with('.'));
    }
    let told = load("{name: a} more\n").unwrap_err();
    assert!(told[0].starts_with("p.yml:1:11: "), "{told:?}");
    assert!(load("name: a\n...\n").is_ok());
}

#[test]
fn a_missing_file_is_named() {
    let problems = load_file::<Process>(Path::new("/nowhere/p.yml")).unwrap_err();
    let told = problems.to_string();
    assert!(
        told.starts_with("/nowhere/p.yml: cannot be read: No such file"),
        "{told}"
    );
}

#[test]
fn secrets_are_read_from_files_and_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    fs::write(&path, "hunter2\n").unwrap();
    let nothing = BTreeMap::new();
    let secret = SecretFile::new(&path).read(&nothing).unwrap();
    assert_eq!(secret.expose_secret(), "hunter2");
    assert!(!format!("{secret:?}").contains("hunter2"));

    let directory = folder.path().display().to_string();
    let credentials = BTreeMap::from([("CREDENTIALS_DIRECTORY".to_owned(), directory)]);
    let secret = SecretFile::new("password").read(&credentials).unwrap();
    assert_eq!(secret.expose_secret(), "hunter2");

    fs::write(&path, "\n").unwrap();
    let refused = SecretFile::new(&path).read(&nothing).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("{}: the secret is empty", path.display())
    );
}

mod go_manners {
    use super::super::{Document, Manners, decode, go};
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Config {
        text: String,
        flag: bool,
        port: u16,
        index: u64,
        count: i64,
        wait: go::Duration,
        names: Names,
        rules: Vec<HeaderNameValue>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename = "[]string")]
    struct Names(Vec<String>);

    impl Default for Names {
        fn default() -> Self {
            Self(vec!["JSESSIONID".to_owned()])
        }
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct HeaderNameValue {
        name: String,
    }

    fn read(text: &str) -> Result<Config, Vec<String>> {
        let document = Document::parse("g.yml", text).expect("it is YAML");
        let decoded = decode(&document, Manners::Go);
        let told: Vec<_> = decoded
            .problems
            .iter()
            .map(|problem| problem.what.clone())
            .collect();
        decoded.value.filter(|_| told.is_empty()).ok_or(told)
    }

    fn one<T>(text: &str, part: impl FnOnce(Config) -> T) -> T {
        part(read(text).unwrap_or_else(|told| panic!("{text:?}: {told:?}")))
    }

    #[test]
    fn scalars_are_taken_as_go_takes_them() {
        for (text, flag) in [("yes", true), ("\"yes\"", true), ("On", true), ("n", false)] {
            assert_eq!(
                one(&format!("flag: {text}"), |config| config.flag),
                flag,
                "{text}"
            );
        }
        for (text, read) in [
            ("22", "22"),
            ("true", "true"),
            ("1.10", "1.10"),
            ("'a'", "a"),
        ] {
            assert_eq!(one(&format!("text: {text}"), |config| config.text), read);
        }
        for (text, read) in [
            ("2.5", 2),
            ("-2.9", -2),
            ("0x10", 16),
            ("010", 8),
            ("1_000", 1000),
        ] {
            assert_eq!(
                one(&format!("count: {text}"), |config| config.count),
                read,
                "{text}"
            );
        }
        for (text, nanoseconds) in [
            ("20s", 20_000_000_000),
            ("\"20s\"", 20_000_000_000),
            ("1m30s", 90_000_000_000),
            (".5s", 500_000_000),
            ("-5s", -5_000_000_000),
            ("0s", 0),
            ("\"0\"", 0),
        ] {
            let expected = go::Duration::from_nanos(nanoseconds);
            assert_eq!(
                one(&format!("wait: {text}"), |config| config.wait),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn an_explicit_null_keeps_scalars_and_empties_lists() {
        let config = read("text:\nflag: ~\nport: null\nwait:\nnames:\n").expect("it is read");
        assert_eq!(
            config,
            Config {
                names: Names(Vec::new()),
                ..Config::default()
            }
        );
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        for (text, told) in [
            ("wait: 0", "cannot unmarshal !!int `0` into time.Duration"),
            (
                "wait: \"20\"",
                "cannot unmarshal !!str `20` into time.Duration",
            ),
            (
                "wait: 1.5",
                "cannot unmarshal !!float `1.5` into time.Duration",
            ),
            ("wait: 5d", "cannot unmarshal !!str `5d` into time.Duration"),
            ("port: 70000", "cannot unmarshal !!int `70000` into uint16"),
            ("index: -1", "cannot unmarshal !!int `-1` into uint"),
            ("flag: \"true\"", "cannot unmarshal !!str `true` into bool"),
            ("flag: 1", "cannot unmarshal !!int `1` into bool"),
            ("names: X-A", "cannot unmarshal !!str `X-A` into []string"),
            (
                "rules: [X-A]",
                "cannot unmarshal !!str `X-A` into config.HeaderNameValue",
            ),
            ("text: [a]", "cannot unmarshal !!seq into string"),
            ("text: {a: b}", "cannot unmarshal !!map into string"),
            (
                "port: a long text of words",
                "cannot unmarshal !!str `a long ...` into uint16",
            ),
        ] {
            assert_eq!(read(text), Err(vec![told.to_owned()]), "{text}");
        }
    }
}
