//! Whether files would do, before anybody needs them.

use std::path::Path;

use super::{Dates, Identity, Refused, Source, Trust};

/// Reads what a listener shows, and whose clients it takes, as a start would.
///
/// # Errors
///
/// What is wrong, and with which file.
pub fn check_listener(
    certificate: &Path,
    key: &Path,
    client_ca: Option<&Path>,
) -> Result<(), Refused> {
    let chain = Source::file(certificate);
    Identity::load(chain, Source::file(key), Dates::Enforced)?;
    if let Some(file) = client_ca {
        Trust::load(vec![Source::file(file)])?;
    }
    Ok(())
}
