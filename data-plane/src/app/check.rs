//! What can be known of a start without one.

use pointsman_process::tls::{Reloader, check_listener};

use super::{BuildError, Settings, load_tls};

/// Reads the files of certificates, keys and authorities that a start reads, and tells what is wrong with them. It binds
/// nothing and asks nobody.
#[must_use]
pub fn check(mut settings: Settings) -> Vec<String> {
    let mut unwatched = Reloader::new();
    let proxy = load_tls(&mut settings, &mut unwatched).err();
    let admin = settings.admin.as_ref().and_then(|admin| admin.tls.as_ref());
    let admin = admin
        .map(|tls| check_listener(&tls.certificate, &tls.key, tls.client_ca.as_deref()))
        .and_then(Result::err);
    let links = settings
        .control_planes
        .links(&settings.name, &mut unwatched);
    let found = [
        proxy.map(BuildError::from),
        links.err(),
        admin.map(BuildError::from),
    ];
    found.iter().flatten().map(ToString::to_string).collect()
}
