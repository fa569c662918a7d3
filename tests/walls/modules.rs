//! Which module uses which, within the planes.

use crate::root;
use crate::sources::{Source, below};

/// A module of a plane, and those of the same crate that it must not use.
struct Wall {
    plane: &'static str,
    module: &'static str,
    never: &'static [&'static str],
}

const WALLS: [Wall; 5] = [
    // The request path receives a table and narrow settings; where they come from is not its business.
    Wall {
        plane: "data-plane",
        module: "proxy",
        never: &["subscription", "admin", "config"],
    },
    Wall {
        plane: "data-plane",
        module: "upstream",
        never: &["subscription", "admin", "config"],
    },
    // They meet at the registry task's handle, and nowhere else.
    Wall {
        plane: "control-plane",
        module: "sources",
        never: &["distribution", "admin"],
    },
    Wall {
        plane: "control-plane",
        module: "distribution",
        never: &["sources", "admin"],
    },
    Wall {
        plane: "control-plane",
        module: "admin",
        never: &["sources", "distribution"],
    },
];

const PLANES: [&str; 2] = ["control-plane", "data-plane"];

fn plane(name: &str) -> Vec<Source> {
    let mut sources = below(&root().join(name).join("src"));
    sources.retain(|source| !source.is_test());
    sources
}

#[test]
fn modules_stay_behind_their_walls() {
    for wall in WALLS {
        for source in plane(wall.plane) {
            if source.module().first().map(String::as_str) != Some(wall.module) {
                continue;
            }
            for (at, used) in source.uses() {
                let place = source.place(at);
                assert!(
                    !wall.never.contains(&used.as_str()),
                    "{place}: {} must not use {used}",
                    wall.module
                );
            }
        }
    }
}

#[test]
fn nothing_uses_the_wiring() {
    for name in PLANES {
        for source in plane(name) {
            let module = source.module();
            let top = module.first().map_or("", String::as_str);
            // A configuration file is turned into the settings that `app::build` takes; nothing else looks up at it.
            if matches!(top, "app" | "main" | "config") {
                continue;
            }
            for (at, used) in source.uses() {
                assert_ne!(
                    used,
                    "app",
                    "{}: only `main` may use `app`",
                    source.place(at)
                );
            }
        }
    }
}

#[test]
fn generated_types_stay_at_the_edge() {
    let edges = [
        ("control-plane", "distribution"),
        ("data-plane", "subscription"),
    ];
    for (name, edge) in edges {
        for source in plane(name) {
            let module = source.module();
            // `app` binds the generated service to its socket; the segments of a data plane are configured in the words of
            // the hello that carries them.
            let module = module.join("::");
            if module.starts_with(edge) || module.starts_with("app") || module == "config::segments"
            {
                continue;
            }
            for (at, line) in source.code() {
                let place = source.place(at);
                assert!(
                    !line.contains("pointsman_proto"),
                    "{place}: generated types stop at `{edge}`"
                );
            }
        }
    }
}

#[test]
fn production_code_has_no_test_feature_and_no_mod_rs() {
    for source in below(&root()) {
        let place = source.place(1);
        assert!(
            !place.contains("/mod.rs"),
            "{place}: `foo.rs` stands beside `foo/`"
        );
        for (at, line) in source.code() {
            // In two parts, so that this line is not found itself.
            let feature = concat!("cfg(feature = ", "\"test");
            assert!(
                !line.contains(feature),
                "{}: a test seam is an argument",
                source.place(at)
            );
        }
    }
}
