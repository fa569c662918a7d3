//! Words of the command line that are checked before anybody is asked.

/// An id as lists show it. Two dots would lead to another path than that of a thing.
pub(super) fn id(text: &str) -> Result<String, String> {
    if ["", ".", ".."].contains(&text) {
        return Err("expected an id as the list shows it".to_owned());
    }
    Ok(text.to_owned())
}
