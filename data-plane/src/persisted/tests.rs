use std::fs;
use std::io::Cursor;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use pointsman_routing::{Algorithm, EmptyPool, Settings};

use super::moment::Boot;
use super::*;

const HOUR: Duration = Duration::from_secs(3600);
const LIFETIMES: Lifetimes = Lifetimes {
    plain: HOUR,
    tls: HOUR.saturating_mul(24),
};

/// A moment of a machine that was booted once.
fn at(seconds: u64) -> Moment {
    Moment {
        unix_ms: seconds * 1000,
        boot: Some(Boot {
            id: "boot".to_owned(),
            ms: seconds * 1000,
        }),
    }
}

fn header(filter: u64) -> Header {
    Header {
        written_by: "0.1.0".to_owned(),
        filter,
        written: at(1000),
        confirmed: at(1000),
        epoch: 5,
        revision: 9,
        settings: (&Settings::default()).into(),
    }
}

fn frames() -> Vec<Frame> {
    vec![
        Frame::Things(b"one".to_vec()),
        Frame::Things(vec![]),
        Frame::Orphans {
            left: Duration::from_millis(7),
            carried: b"two".to_vec(),
        },
    ]
}

fn put<W: std::io::Write>(writing: &mut Writing<W>) -> std::io::Result<()> {
    for frame in frames() {
        match frame {
            Frame::Things(carried) => writing.things(1, &carried)?,
            Frame::Orphans { left, carried } => writing.orphans(left, 1, &carried)?,
        }
    }
    Ok(())
}

/// A small whole file.
fn bytes() -> Vec<u8> {
    let text = serde_json::to_vec(&header(3)).unwrap();
    let mut writing = Writing::begin(Vec::new(), &text).unwrap();
    put(&mut writing).unwrap();
    writing.end().unwrap().0
}

fn open(bytes: &[u8]) -> Result<Saved<Cursor<&[u8]>>, Unusable> {
    Saved::open(Cursor::new(bytes))
}

fn refused(bytes: &[u8]) -> String {
    open(bytes).err().unwrap().to_string()
}

fn folder() -> (tempfile::TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::new(place.path().join("state"));
    (place, folder)
}

fn found(folder: &Folder, now: u64) -> Found {
    let (found, skipped) = folder.find(3, LIFETIMES, &at(now));
    assert!(skipped.is_empty(), "{skipped:?}");
    found.unwrap()
}

#[test]
fn what_was_written_is_read() {
    let whole = bytes();
    let saved = open(&whole).unwrap();
    assert_eq!(saved.header(), &header(3));
    assert_eq!(
        (saved.totals().things, saved.totals().bytes),
        (3, whole.len() as u64)
    );
    let read: Result<Vec<Frame>, _> = saved.collect();
    assert_eq!(read.unwrap(), frames());
}

/// a file with any bit changed is refused and never crashes the reader
#[test]
fn every_flipped_bit_is_noticed() {
    let whole = bytes();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut broken = whole.clone();
            broken[at] ^= 1 << bit;
            assert!(open(&broken).is_err(), "byte {at}, bit {bit}");
        }
    }
}

/// a file that was cut anywhere is refused
#[test]
fn every_truncation_and_every_addition_is_noticed() {
    let whole = bytes();
    for at in 0..whole.len() {
        let cut = whole.get(..at).unwrap();
        assert!(open(cut).is_err(), "cut at {at}");
    }
    let mut longer = whole;
    longer.push(0);
    assert!(open(&longer).is_err());
}

#[test]
fn what_is_wrong_is_told() {
    let whole = bytes();
    let with = |at: usize, new: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + new.len()].copy_from_slice(new);
        changed
    };
    for (bytes, told) in [
        (
            b"#!/bin/sh\necho no".to_vec(),
            "it is no table of a data plane",
        ),
        (Vec::new(), "it ends at byte 0, before it is complete"),
        (
            with(8, &[2]),
            "its schema is 2, and this release reads 1 only",
        ),
        (
            with(8, &[0]),
            "its schema is 0, and this release reads 1 only",
        ),
        (
            with(16, &[9]),
            "the frame at byte 12 is of the unknown kind 9",
        ),
        (
            with(12, &[255; 4]),
            "the frame at byte 12 claims 4294967295 bytes, more than any holds",
        ),
        (
            with(whole.len() - 1, &[0]),
            "its checksum does not fit what it holds",
        ),
    ] {
        assert_eq!(refused(&bytes), told);
    }
    let mut writing = Writing::begin(Vec::new(), b"{}").unwrap();
    put(&mut writing).unwrap();
    let told = refused(&writing.end().unwrap().0);
    assert!(
        told.starts_with("what it says about itself cannot be read: missing"),
        "{told}"
    );
}

#[test]
fn settings_come_back_as_they_were() {
    for settings in [
        Settings::default(),
        Settings {
            mark_time: Duration::from_millis(1500),
            empty_pool: EmptyPool::Unavailable,
            default_algorithm: Algorithm::LeastConnection,
            registration_interval: Duration::from_secs(7),
        },
    ] {
        let text = serde_json::to_string(&header::SavedSettings::from(&settings)).unwrap();
        let saved: header::SavedSettings = serde_json::from_str(&text).unwrap();
        assert_eq!(Settings::from(&saved), settings);
    }
}

/// the file is the owner's alone, put into its place whole, and the previous one is kept
#[test]
fn two_generations_are_kept_for_the_owner_alone() {
    let (_place, folder) = folder();
    folder.write(&header(3), put).unwrap();
    let second = Header {
        revision: 10,
        ..header(3)
    };
    folder.write(&second, put).unwrap();
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                entry.metadata().unwrap(),
            )
        })
        .collect();
    names.sort_by(|(a, _), (b, _)| a.cmp(b));
    let modes: Vec<_> = names
        .iter()
        .map(|(name, about)| (name.as_str(), about.permissions().mode() & 0o777))
        .collect();
    assert_eq!(modes, [("table", 0o600), ("table.previous", 0o600)]);
    assert_eq!(
        fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(found(&folder, 1001).saved.header().revision, 10);
    fs::write(folder.path().join("table"), "").unwrap();
    let (found, skipped) = folder.find(3, LIFETIMES, &at(1001));
    assert_eq!(found.unwrap().saved.header().revision, 9);
    assert_eq!(skipped.len(), 1);
    assert!(skipped[0].path.ends_with("table"), "{skipped:?}");
}

#[test]
fn a_failed_write_leaves_everything_as_it_was() {
    let (_place, folder) = folder();
    folder.write(&header(3), put).unwrap();
    let failed = folder.write(&header(3), |_| Err(std::io::ErrorKind::StorageFull.into()));
    assert_eq!(failed.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    found(&folder, 1001);
}

#[test]
fn what_dead_processes_left_unfinished_is_swept() {
    let (_place, folder) = folder();
    folder.sweep().unwrap();
    folder.write(&header(3), put).unwrap();
    // No process has a number of ten digits.
    let mine = format!("table.unfinished.{}", std::process::id());
    for name in [
        "table.unfinished.4111111111",
        "stamp.unfinished.4111111111",
        &mine,
        "other.1",
    ] {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    folder.sweep().unwrap();
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["other.1", "table", &mine]);
}

/// a persisted table is served within the bounds on its age, and a stamp renews it
#[test]
fn a_table_is_as_old_as_its_last_confirmation() {
    let (_place, folder) = folder();
    let written = folder.write(&header(3), put).unwrap();
    let left = |now| found(&folder, now).left;
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    assert_eq!(
        left(1000 + 600),
        Lifetimes {
            plain: minutes(50),
            tls: minutes(24 * 60 - 10)
        }
    );
    assert_eq!(left(1000 + 3600).plain, Duration::ZERO);
    let (none, skipped) = folder.find(3, LIFETIMES, &at(1000 + 24 * 3600));
    assert!(none.is_none());
    let told = skipped[0].why.to_string();
    assert_eq!(
        told,
        "it was confirmed 86400 s ago, and may be used for 86400 s"
    );

    let stamp = |table, confirmed| Stamp { table, confirmed };
    folder.stamp(&stamp(written.checksum, at(5000))).unwrap();
    assert_eq!(left(5600).plain, minutes(50));
    folder
        .stamp(&stamp(written.checksum ^ 1, at(9000)))
        .unwrap();
    assert_eq!(
        left(1600).plain,
        minutes(50),
        "another table's stamp says nothing"
    );
    fs::write(folder.path().join("stamp"), "{").unwrap();
    assert_eq!(left(1600).plain, minutes(50), "nor does a broken one");
}

#[test]
fn a_clock_that_went_back_makes_nothing_younger() {
    let (_place, folder) = folder();
    folder.write(&header(3), put).unwrap();
    let mut now = at(4600);
    now.unix_ms = 5;
    let (found, _) = folder.find(3, LIFETIMES, &now);
    assert_eq!(found.unwrap().age, HOUR, "the machine's own time tells");
    now.boot.as_mut().unwrap().id = "another".to_owned();
    let (found, _) = folder.find(3, LIFETIMES, &now);
    let left = found.unwrap().left;
    assert_eq!(left.plain, Duration::ZERO, "nothing vouches for an address");
    assert_eq!(left.tls, LIFETIMES.tls - Duration::from_secs(4600));
}

#[test]
fn a_table_of_other_segments_is_skipped() {
    let (_place, folder) = folder();
    folder.write(&header(4), put).unwrap();
    let (found, skipped) = folder.find(3, LIFETIMES, &at(1001));
    assert!(found.is_none());
    let told = skipped[0].why.to_string();
    assert!(told.contains("another filter of segments"), "{told}");
    let (found, skipped) = Folder::new("/nowhere/at/all".into()).find(3, LIFETIMES, &at(1));
    assert!(
        found.is_none() && skipped.is_empty(),
        "a first start is no mistake"
    );
}
