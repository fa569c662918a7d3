use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// A folder, somebody who looks at it, and short names for what is seen.
struct Scene {
    folder: TempDir,
    looker: Looker,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let looker = Looker::new(folder.path().to_owned());
        Self { folder, looker }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    fn look(&mut self) -> Vec<String> {
        let sights = self.looker.look().expect("the folder is there");
        sights
            .into_iter()
            .map(|(path, sight)| {
                let name = path.file_name().expect("a name").to_string_lossy();
                match sight {
                    Sight::Text(text) => format!("{name}={text}"),
                    Sight::Unreadable(what) => format!("{name}: {what}"),
                    Sight::Gone => format!("{name} is gone"),
                }
            })
            .collect()
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_is_there_at_first_is_taken_and_what_stays_is_not_news() {
    let mut scene = Scene::new();
    scene.write("b.yml", "2");
    scene.write("a.yaml", "1");
    for other in [".hidden.yml", "notes.txt", "a.yml~", "yml"] {
        scene.write(other, "no");
    }
    fs::create_dir(scene.path("folder.yml")).expect("a folder");
    assert_eq!(scene.look(), ["a.yaml=1", "b.yml=2"]);
    assert_eq!(scene.look(), NOTHING);
}

#[test]
fn a_file_that_is_being_written_is_read_when_it_is_done() {
    let mut scene = Scene::new();
    scene.write("a.yml", "good");
    assert_eq!(scene.look(), ["a.yml=good"]);
    for part in ["h", "hal", "half"] {
        scene.write("a.yml", part);
        assert_eq!(scene.look(), NOTHING, "{part}");
    }
    assert_eq!(scene.look(), ["a.yml=half"]);
    assert_eq!(scene.look(), NOTHING);
    scene.write("new.yml", "n");
    assert_eq!(scene.look(), NOTHING, "a new one may be half written too");
    assert_eq!(scene.look(), ["new.yml=n"]);
}

#[test]
fn a_change_that_keeps_the_length_is_seen() {
    let mut scene = Scene::new();
    scene.write("a.yml", "1");
    scene.look();
    scene.write("a.yml", "2");
    scene.look();
    assert_eq!(scene.look(), ["a.yml=2"]);
}

#[test]
fn a_file_that_is_replaced_by_way_of_nothing_is_never_gone() {
    let mut scene = Scene::new();
    scene.write("a.yml", "1");
    scene.look();
    fs::remove_file(scene.path("a.yml")).expect("it is there");
    assert_eq!(scene.look(), NOTHING);
    scene.write("a.yml", "2");
    scene.look();
    assert_eq!(scene.look(), ["a.yml=2"]);
    // By rename, as careful writers do.
    scene.write("next", "3");
    fs::rename(scene.path("next"), scene.path("a.yml")).expect("renamed");
    scene.look();
    assert_eq!(scene.look(), ["a.yml=3"]);
    fs::remove_file(scene.path("a.yml")).expect("it is there");
    assert_eq!(scene.look(), NOTHING);
    assert_eq!(scene.look(), ["a.yml is gone"]);
    assert_eq!(scene.look(), NOTHING);
}

#[test]
fn files_that_are_switched_by_a_link_change_together() {
    let mut scene = Scene::new();
    for (version, text) in [("..1", "one"), ("..2", "two")] {
        fs::create_dir(scene.path(version)).expect("a folder");
        scene.write(&format!("{version}/a.yml"), text);
        scene.write(&format!("{version}/b.yml"), text);
    }
    symlink("..1", scene.path("..data")).expect("a link");
    symlink("..data/a.yml", scene.path("a.yml")).expect("a link");
    symlink("..data/b.yml", scene.path("b.yml")).expect("a link");
    assert_eq!(scene.look(), ["a.yml=one", "b.yml=one"]);
    symlink("..2", scene.path("..tmp")).expect("a link");
    fs::rename(scene.path("..tmp"), scene.path("..data")).expect("switched");
    assert_eq!(scene.look(), NOTHING);
    assert_eq!(scene.look(), ["a.yml=two", "b.yml=two"]);
    // A link that leads nowhere is as good as no file.
    fs::remove_file(scene.path("..2/b.yml")).expect("it is there");
    scene.look();
    assert_eq!(scene.look(), ["b.yml is gone"]);
}

#[test]
fn what_cannot_be_read_is_told_and_changes_nothing() {
    let mut scene = Scene::new();
    fs::write(scene.path("binary.yml"), [0xff, 0xfe]).expect("a file");
    let large = fs::File::create(scene.path("large.yml")).expect("a file");
    large.set_len(LARGEST + 1).expect("a sparse file");
    assert_eq!(
        scene.look(),
        [
            "binary.yml: is no text: it is not UTF-8".to_owned(),
            format!(
                "large.yml: has {} bytes; {LARGEST} are the most",
                LARGEST + 1
            ),
        ]
    );
    assert_eq!(scene.look(), NOTHING, "once");
    let away = scene.folder.path().with_extension("away");
    fs::rename(scene.folder.path(), &away).expect("renamed");
    let told = scene.looker.look().expect_err("it is not there");
    assert!(told.contains("cannot be read: No such file"), "{told}");
    fs::rename(&away, scene.folder.path()).expect("renamed");
    assert_eq!(scene.look(), NOTHING, "nothing was lost by that");
}

#[test]
fn a_link_that_cannot_be_followed_is_told_by_its_name_and_hides_nothing_else() {
    let mut scene = Scene::new();
    scene.write("a.yml", "1");
    assert_eq!(scene.look(), ["a.yml=1"]);
    symlink("loop.yml", scene.path("loop.yml")).expect("a link");
    symlink("a.yml/none", scene.path("none.yml")).expect("a link");
    scene.write("a.yml", "2");
    assert_eq!(scene.look(), NOTHING);
    let seen = scene.look();
    let [changed, looped, none] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(changed, "a.yml=2");
    for (told, words) in [
        (looped, "loop.yml: cannot be read: Too many levels"),
        (none, "none.yml: cannot be read: Not a directory"),
    ] {
        assert!(told.starts_with(words), "{told}");
    }
    assert_eq!(scene.look(), NOTHING, "once");
    fs::remove_file(scene.path("loop.yml")).expect("it is there");
    scene.write("loop.yml", "3");
    scene.look();
    assert_eq!(scene.look(), ["loop.yml=3"]);
}

#[test]
fn one_file_is_looked_at_by_its_name() {
    let scene = Scene::new();
    scene.write("routes.conf", "1");
    let mut looker = Looker::new(scene.path("routes.conf"));
    let sights = looker.look().expect("it is there");
    assert_eq!(
        sights,
        [(scene.path("routes.conf"), Sight::Text("1".to_owned()))]
    );
    fs::remove_file(scene.path("routes.conf")).expect("it is there");
    // The one file that was asked for is missing, and not gone.
    for _ in 0..3 {
        assert!(looker.look().is_err());
    }
}
