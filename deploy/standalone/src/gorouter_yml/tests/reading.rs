//! How a file is read, and its scalars.

use std::path::Path;

use super::super::load;
use super::{accepted, checked, file, refused, told};

/// CF-003: a file that is missing is told in Go's words.
#[test]
fn a_missing_file_is_told_as_go_tells_it() {
    let refused = load(Path::new("/nowhere/gorouter.yml")).expect_err("there is no such file");
    assert_eq!(
        refused.to_string(),
        "open /nowhere/gorouter.yml: no such file or directory"
    );
}

/// CF-005: an empty file is a file of defaults.
#[test]
fn an_empty_file_is_a_file_of_defaults() {
    for text in ["", "# nothing\n", "---\n", "{}"] {
        assert_eq!(
            format!("{:?}", file(text)),
            format!("{:?}", super::GorouterYml::default())
        );
    }
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known_one() {
    let text = "\
drain_wiat: 20s
status:
  prot: 8080
nats:
  hosts: [{hostnam: a}]
colour: blue
port: 80
";
    let unknown: Vec<_> = accepted(text)
        .unknown
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        unknown,
        [
            "g.yml:1:1: drain_wiat: is no key of this file; did you mean `drain_wait`?",
            "g.yml:3:3: status.prot: is no key of this file; did you mean `port`?",
            "g.yml:5:12: nats.hosts[0].hostnam: is no key of this file; did you mean `hostname`?",
            "g.yml:6:1: colour: is no key of this file",
        ]
    );
}

/// CF-007: a key that stands twice in one map is refused.
/// CF-008: only the first document counts.
#[test]
fn keys_stand_once_and_documents_count_once() {
    let twice = "port: 1\nzone: a\nport: 2\n";
    assert_eq!(
        told(twice),
        ["mapping key \"port\" already defined at line 1"]
    );
    let text = "port: 1\n---\nport: [\n";
    assert_eq!(file(text).process.port, 1);
    let unread = accepted(text).unread.expect("it is warned of").to_string();
    assert!(
        unread.starts_with("g.yml:2:1: begins a second document"),
        "{unread}"
    );
    assert!(accepted("---\nport: 1\n").unread.is_none());
}

/// CF-009: a map with one key keeps the defaults of its other keys.
/// CF-010: a list takes the place of the default list.
#[test]
fn maps_are_merged_with_defaults_and_lists_take_their_place() {
    let file = file("status: {user: u}\nnats: {user: n}\nsticky_session_cookie_names: [A, B]\n");
    assert_eq!(
        (file.status.status.user.as_str(), file.status.status.port),
        ("u", 8080)
    );
    assert_eq!(file.nats.nats.hosts.0[0].hostname, "localhost");
    assert_eq!(file.headers.sticky_session_cookie_names.0, ["A", "B"]);
}

/// CF-011: a null keeps the default of a scalar or a duration.
/// CF-012: a null empties the list of sticky cookies, as `[]` does.
#[test]
fn nulls_keep_scalars_and_empty_lists() {
    let file = file("port:\nzone: ~\nendpoint_timeout: null\nsticky_session_cookie_names: null\n");
    assert_eq!((file.process.port, file.process.zone.as_str()), (8081, ""));
    assert_eq!(file.backends.endpoint_timeout.to_string(), "1m0s");
    assert!(file.headers.sticky_session_cookie_names.0.is_empty());
    let empty = super::file("sticky_session_cookie_names: []");
    assert!(empty.headers.sticky_session_cookie_names.0.is_empty());
}

/// CF-013: wrong types are told together, under the line that yaml.v3 begins with.
/// CF-015: a bare integer is no duration, not even zero.
/// CF-016: a quoted number is no duration either, except for zero.
/// CF-017: a port has 16 bits.
/// CF-018: an index is not negative.
/// CF-021: a quoted `true` and a 1 are no booleans.
/// CF-023: a scalar is no list.
/// CF-024: a list of header rules needs maps.
#[test]
fn wrong_types_are_told_together_with_their_places() {
    let text = "\
publish_active_apps_interval: 0
endpoint_timeout: \"20\"
drain_wait: \"0\"
port: 70000
index: -1
secure_cookies: \"true\"
enable_ssl: 1
extra_headers_to_log: X-A
http_rewrite: {responses: {remove_headers: [X-A]}}
";
    assert_eq!(
        refused(text).to_string(),
        "\
yaml: unmarshal errors:
  g.yml:1:31: publish_active_apps_interval: cannot unmarshal !!int `0` into time.Duration; write a duration \
with its unit, such as 20s or 1m30s
  g.yml:2:19: endpoint_timeout: cannot unmarshal !!str `20` into time.Duration; write a duration with its \
unit, such as 20s or 1m30s
  g.yml:4:7: port: cannot unmarshal !!int `70000` into uint16; write a whole number from 0 to 65535
  g.yml:5:8: index: cannot unmarshal !!int `-1` into uint; write a whole number from 0 to 18446744073709551615
  g.yml:6:17: secure_cookies: cannot unmarshal !!str `true` into bool; write true or false
  g.yml:7:13: enable_ssl: cannot unmarshal !!int `1` into bool; write true or false
  g.yml:8:23: extra_headers_to_log: cannot unmarshal !!str `X-A` into []string; write a list
  g.yml:9:45: http_rewrite.responses.remove_headers[0]: cannot unmarshal !!str `X-A` into \
config.HeaderNameValue; write a map"
    );
}

/// CF-014: durations are Go's.
/// CF-019: a fraction is truncated where a whole number is expected.
/// CF-020: `yes` is true, quoted or not.
/// CF-022: a bare number is a text where one is expected.
/// CF-025: a zone is kept as it is given.
#[test]
fn scalars_are_taken_as_go_takes_them() {
    let file = file(
        "\
drain_wait: 1h2m3.5s
go_max_procs: 2.5
secure_cookies: yes
enable_proxy: \"no\"
trace_key: 22
zone: zone-meow-hiss
",
    );
    assert_eq!(file.connections.drain_wait.to_string(), "1h2m3.5s");
    assert_eq!(file.process.go_max_procs, 2);
    assert!(file.process.secure_cookies && !file.process.enable_proxy);
    assert_eq!(
        (file.process.trace_key.as_str(), file.process.zone.as_str()),
        ("22", "zone-meow-hiss")
    );
}

#[test]
fn a_file_that_is_no_map_is_refused_once() {
    assert_eq!(told("[a]"), ["cannot unmarshal !!seq into config.Config"]);
    assert_eq!(
        told("just some words"),
        ["cannot unmarshal !!str `just so...` into config.Config"]
    );
}

#[test]
fn an_older_name_of_a_limit_is_honoured() {
    assert_eq!(
        file("max_header_bytes: 4096")
            .headers
            .max_request_header_bytes,
        4096
    );
    assert_eq!(
        checked("max_header_bytes: 1\nmax_request_header_bytes: 2").len(),
        1
    );
}

#[test]
fn secrets_are_never_printed() {
    let text = "\
status: {pass: hush-1}
nats: {pass: hush-2, private_key: hush-3}
oauth: {client_secret: hush-4}
routing_api: {private_key: hush-5}
";
    let accepted = accepted(text);
    let json = serde_json::to_string(&accepted.file).expect("it can be written");
    assert!(
        !format!("{accepted:?}{json}").contains("hush"),
        "{accepted:?} {json}"
    );
}
