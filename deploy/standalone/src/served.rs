//! For each key of a `gorouter.yml`, what this release does with it.
//!
//! The table is beside the schema, and a test holds the two together. A key that comes to be served moves by changing
//! its row.

mod table;

use pointsman_process::configuration::{Document, Problem};
use serde_json::Value;

use crate::gorouter_yml::GorouterYml;
use table::TABLE;

/// What is done with a key.
#[derive(Clone, Copy)]
pub enum Standing {
    /// Its value is honoured.
    Served,
    /// It changes nothing in Gorouter either.
    Inert,
    /// It is not served yet: a value of its own is named in the one warning about such keys.
    Later,
    /// It restricts or protects and is not served yet: asking for it stops the start, since a router that only seems to
    /// be protected is worse than none. Holds whether the file asks for it, and what is missing.
    Protecting(fn(&GorouterYml) -> bool, &'static str),
}

/// One row: a key, or a map whose keys all have the same standing.
pub struct Row {
    /// The key from the root.
    pub key: &'static str,
    /// What is done with it.
    pub standing: Standing,
}

/// Protecting keys that the file asks for and that are not honoured.
#[must_use]
pub fn not_honoured(file: &GorouterYml, document: &Document) -> Vec<Problem> {
    let rows = TABLE.iter().filter_map(|row| match row.standing {
        Standing::Protecting(asks, missing) if asks(file) => Some((row.key, missing)),
        Standing::Protecting(..) | Standing::Served | Standing::Inert | Standing::Later => None,
    });
    let problem = |(key, missing): (&str, &str)| Problem {
        place: Some(document.place(key)),
        key: key.to_owned(),
        what: format!("protects, and is not honoured by this release: {missing}"),
        hint: Some("remove it only if you can do without".to_owned()),
    };
    rows.map(problem).collect()
}

/// Keys that are not served yet and have a value other than their default.
#[must_use]
pub fn not_served(file: &GorouterYml) -> Vec<&'static str> {
    let (given, defaults) = (tree(file), tree(&GorouterYml::default()));
    let differs = |row: &&Row| at(&given, row.key) != at(&defaults, row.key);
    let later = TABLE
        .iter()
        .filter(|row| matches!(row.standing, Standing::Later));
    later.filter(differs).map(|row| row.key).collect()
}

/// The keys that may stand at the top of a file.
pub fn top_level_keys() -> impl Iterator<Item = &'static str> {
    TABLE
        .iter()
        .map(|row| row.key.split_once('.').map_or(row.key, |(top, _)| top))
}

/// The file as a tree of JSON, in which secrets are only there or not.
fn tree(file: &GorouterYml) -> Value {
    // Every type of the schema is made of maps with text keys, lists, numbers and texts.
    serde_json::to_value(file).unwrap_or_default()
}

fn at<'a>(tree: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(tree, |value, step| value.get(step))
}

#[cfg(test)]
mod tests;
