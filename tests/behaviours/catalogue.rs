//! The catalogue: every known row, the groups, and the rows that are different on purpose.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::id::Id;

/// What there is to prove.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    /// What each row asks for, in a line.
    pub(crate) rows: BTreeMap<Id, String>,
    /// Runs of rows about one subject, which together are the catalogue.
    pub(crate) groups: Vec<Group>,
    /// The rows that are answered otherwise.
    pub(crate) different: Vec<Different>,
}

/// A run of rows about one subject.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    /// Its heading.
    pub(crate) name: String,
    /// Its first row.
    pub(crate) from: Id,
    /// Its last row.
    pub(crate) to: Id,
    /// Whether every row of it must be proven or different.
    pub(crate) complete: bool,
}

impl Group {
    /// Whether the row lies in the run.
    pub(crate) fn has(&self, id: &Id) -> bool {
        self.from <= *id && *id <= self.to
    }
}

/// A row that is answered otherwise on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Different {
    /// The row.
    pub(crate) id: Id,
    /// Where it is answered otherwise.
    pub(crate) scope: Scope,
    /// What happens here instead.
    pub(crate) here: String,
    /// Why.
    pub(crate) why: String,
}

/// Where a row is answered otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scope {
    /// Everywhere, so that no test can prove the row.
    Both,
    /// Everywhere, but only in a part of the row; a test may prove the rest.
    InPart,
    /// In the split planes; the drop-in answers as the row says.
    Split,
    /// In the standalone binary under a `gorouter.yml`; the split planes answer as the row says.
    DropIn,
}

impl std::fmt::Display for Scope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Both => "everywhere",
            Self::InPart => "in part",
            Self::Split => "in the split planes",
            Self::DropIn => "in the drop-in",
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Groups {
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    row: Vec<Different>,
}

impl Catalogue {
    /// Reads `catalogue/*.toml`, `groups.toml` and `different.toml` in a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let mut rows = BTreeMap::new();
        let chapters = folder.join("catalogue");
        let listed = std::fs::read_dir(&chapters);
        for entry in listed.map_err(|error| format!("{}: {error}", chapters.display()))? {
            let entry = entry.map_err(|error| format!("{}: {error}", chapters.display()))?;
            rows.extend(parsed::<BTreeMap<Id, String>>(&entry.path())?);
        }
        let groups: Groups = parsed(&folder.join("groups.toml"))?;
        let differences: Differences = parsed(&folder.join("different.toml"))?;
        Ok(Self {
            rows,
            groups: groups.group,
            different: differences.row,
        })
    }

    /// The entry of a row that is answered otherwise.
    pub(crate) fn difference(&self, id: &Id) -> Option<&Different> {
        self.different.iter().find(|different| different.id == *id)
    }
}

fn parsed<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Catalogue;

    #[test]
    fn every_row_lies_in_exactly_one_group() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("behaviours");
        let catalogue = Catalogue::read(&here).unwrap();
        assert_eq!(catalogue.rows.len(), 2145);
        for id in catalogue.rows.keys() {
            let groups = catalogue
                .groups
                .iter()
                .filter(|group| group.has(id))
                .count();
            assert_eq!(groups, 1, "{id}");
        }
    }
}
