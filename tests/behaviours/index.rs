//! The index: a page that says for every row where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use crate::catalogue::Catalogue;
use crate::id::Id;
use crate::scan::Proof;

const PREFACE: &str = "# Behaviours

Written by `cargo run -p pointsman-tests --bin behaviours -- --write`; `tests/run` checks that it is up to date.

A row is *proven* by the tests beside it, or *different* on purpose, or open. The rows stand in `catalogue/`, the groups
in `groups.toml`, the differences in `different.toml`.
";

/// The whole page.
pub(crate) fn render(catalogue: &Catalogue, proofs: &[Proof]) -> String {
    let proven = by_row(proofs);
    let mut page = PREFACE.to_owned();
    page.push_str("\n| chapter | rows | proven | different |\n| --- | --: | --: | --: |\n");
    let chapters: BTreeSet<&str> = catalogue.rows.keys().map(Id::chapter).collect();
    for chapter in chapters {
        let rows = || catalogue.rows.keys().filter(|id| id.chapter() == chapter);
        let shown = rows().filter(|id| proven.contains_key(id)).count();
        let different = rows()
            .filter(|id| catalogue.difference(id).is_some())
            .count();
        push(
            &mut page,
            format_args!("| {chapter} | {} | {shown} | {different} |", rows().count()),
        );
    }
    for group in &catalogue.groups {
        let rows: Vec<_> = catalogue
            .rows
            .iter()
            .filter(|(id, _)| group.has(id))
            .collect();
        let complete = if group.complete { ", complete" } else { "" };
        push(
            &mut page,
            format_args!(
                "\n## {} ({} to {}{complete})\n",
                group.name, group.from, group.to
            ),
        );
        let stands = |id: &&Id| proven.contains_key(id) || catalogue.difference(id).is_some();
        let (settled, open): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(id, _)| stands(id));
        if !settled.is_empty() {
            page.push_str("| row | asks for | stands |\n| --- | --- | --- |\n");
        }
        for (id, asks) in &settled {
            let stands = standing(catalogue, &proven, id);
            push(
                &mut page,
                format_args!("| {id} | {} | {stands} |", asks.replace('|', "\\|")),
            );
        }
        if !open.is_empty() {
            let gap = if settled.is_empty() { "" } else { "\n" };
            let open = runs(
                catalogue,
                &open.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            );
            push(&mut page, format_args!("{gap}Open: {open}."));
        }
    }
    page
}

/// How many rows stand where, in a line.
pub(crate) fn summary(catalogue: &Catalogue, proofs: &[Proof]) -> String {
    let proven = by_row(proofs)
        .into_keys()
        .filter(|id| catalogue.rows.contains_key(id))
        .count();
    let (all, different) = (catalogue.rows.len(), catalogue.different.len());
    format!("behaviours: {all} rows, {proven} proven, {different} different on purpose")
}

/// Writes the page, or says that the one that is there is out of date.
pub(crate) fn keep(path: &Path, page: &str, write: bool) -> Result<Option<String>, String> {
    if write {
        let written = std::fs::write(path, page);
        return written
            .map(|()| None)
            .map_err(|error| format!("{}: {error}", path.display()));
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    let renew = "cargo run -p pointsman-tests --bin behaviours -- --write";
    Ok((there != page).then(|| format!("{} is out of date; {renew}", path.display())))
}

fn by_row(proofs: &[Proof]) -> BTreeMap<&Id, Vec<&Proof>> {
    let mut rows: BTreeMap<&Id, Vec<&Proof>> = BTreeMap::new();
    for proof in proofs {
        rows.entry(&proof.id).or_default().push(proof);
    }
    rows
}

fn standing(catalogue: &Catalogue, proven: &BTreeMap<&Id, Vec<&Proof>>, id: &Id) -> String {
    let mut parts = Vec::new();
    if let Some(different) = catalogue.difference(id) {
        let (scope, here, why) = (different.scope, &different.here, &different.why);
        parts.push(format!("different {scope}: {here} *{why}*"));
    }
    let proofs = proven.get(id).map(Vec::as_slice).unwrap_or_default();
    // No line numbers, so that a change elsewhere in a file leaves the index alone.
    parts.extend(
        proofs
            .iter()
            .map(|proof| format!("`{}` in `{}`", proof.test, proof.file)),
    );
    parts.dedup();
    parts.join("<br>").replace('|', "\\|")
}

/// `C-001 to C-005, C-007`, where what follows one another in the catalogue is one run.
fn runs(catalogue: &Catalogue, open: &[&Id]) -> String {
    let mut runs: Vec<(&Id, &Id)> = Vec::new();
    for &id in open {
        let follows = |last: &Id| {
            let mut between = catalogue
                .rows
                .range(last.clone()..)
                .skip(1)
                .map(|(next, _)| next);
            between.next() == Some(id)
        };
        match runs.last_mut() {
            Some(run) if follows(run.1) => run.1 = id,
            _ => runs.push((id, id)),
        }
    }
    let words = |(from, to): &(&Id, &Id)| {
        if from == to {
            from.to_string()
        } else {
            format!("{from} to {to}")
        }
    };
    runs.iter().map(words).collect::<Vec<_>>().join(", ")
}

fn push(page: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _infallible = writeln!(page, "{line}");
}

#[cfg(test)]
mod tests {
    use super::{keep, render, runs};
    use crate::catalogue::{Catalogue, Different, Group, Scope};
    use crate::id::Id;

    fn id(text: &str) -> Id {
        text.to_owned().try_into().unwrap()
    }

    fn catalogue() -> Catalogue {
        let rows = ["K-001", "K-002", "K-005", "K-006"];
        let group = Group {
            name: "charts".to_owned(),
            from: id("K-001"),
            to: id("K-006"),
            complete: false,
        };
        let different = Different {
            id: id("K-002"),
            scope: Scope::Both,
            here: "a | b".to_owned(),
            why: "because".to_owned(),
        };
        Catalogue {
            rows: rows.map(|row| (id(row), "asks".to_owned())).into(),
            groups: vec![group],
            different: vec![different],
        }
    }

    #[test]
    fn rows_without_a_gap_in_the_catalogue_are_one_run() {
        let (one, two, five) = (id("K-001"), id("K-002"), id("K-005"));
        assert_eq!(runs(&catalogue(), &[&one, &two, &five]), "K-001 to K-005");
        assert_eq!(runs(&catalogue(), &[&one, &five]), "K-001, K-005");
    }

    #[test]
    fn the_page_tells_the_difference_and_what_is_open() {
        let page = render(&catalogue(), &[]);
        assert!(page.contains("| K | 4 | 0 | 1 |"), "{page}");
        assert!(
            page.contains("| K-002 | asks | different everywhere: a \\| b *because* |"),
            "{page}"
        );
        assert!(page.contains("\nOpen: K-001, K-005 to K-006.\n"), "{page}");
    }

    #[test]
    fn an_old_page_is_told_and_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("INDEX.md");
        assert!(
            keep(&path, "new", false)
                .unwrap()
                .unwrap()
                .contains("out of date")
        );
        assert_eq!(keep(&path, "new", true).unwrap(), None);
        assert_eq!(keep(&path, "new", false).unwrap(), None);
    }
}
