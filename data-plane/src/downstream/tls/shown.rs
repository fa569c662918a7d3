//! What a client has shown of itself, in the forms in which its requests need it.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pointsman_process::tls::{Subject, fingerprint};
use pointsman_routing::Caller;
use rustls_pki_types::CertificateDer;

use crate::settings::CertFormat;

/// The value of `X-Forwarded-Client-Cert` for a certificate (D-239 to D-257, D-643 to D-648).
/// `None` for one that cannot be read; a verified one can.
pub(super) fn forwarded(certificate: &CertificateDer<'_>, format: CertFormat) -> Option<Rc<[u8]>> {
    let text = match format {
        CertFormat::Raw => STANDARD.encode(certificate),
        CertFormat::Envoy => {
            let subject = Subject::of(certificate).ok()?;
            let hash = fingerprint(certificate);
            format!("Hash={hash};Subject=\"{}\"", spelled(&subject))
        }
    };
    Some(text.into_bytes().into())
}

/// A subject within quotes: the common name first, and each value of a part by itself.
fn spelled(subject: &Subject) -> String {
    let one = std::slice::from_ref;
    let parts = [
        ("CN", one(&subject.common_name)),
        ("SERIALNUMBER", one(&subject.serial_number)),
        ("OU", &subject.organizational_unit),
        ("O", &subject.organization),
        ("STREET", &subject.street_address),
        ("L", &subject.locality),
        ("ST", &subject.province),
        ("POSTALCODE", &subject.postal_code),
        ("C", &subject.country),
    ];
    let mut text = String::new();
    for (name, values) in parts {
        for value in values.iter().filter(|value| !value.is_empty()) {
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(name);
            text.push('=');
            push_escaped(&mut text, value);
        }
    }
    text
}

/// What has a meaning between the quotes of a field, or of a name (RFC 4514, section 2.4), and what is no ASCII that is
/// seen, as a backslash with the character or with its bytes.
fn push_escaped(text: &mut String, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' | b',' | b'+' | b';' | b'<' | b'>' | b'=' => {
                text.push('\\');
                text.push(byte.into());
            }
            b' '..=b'~' => text.push(byte.into()),
            _ => text.push_str(&format!("\\{byte:02x}")),
        }
    }
}

/// The app instance whose certificate it is: the platform writes who it is into the organizational units. `None` where
/// no app is named.
pub(super) fn caller(certificate: &CertificateDer<'_>) -> Option<Caller> {
    caller_of(&Subject::of(certificate).ok()?)
}

fn caller_of(subject: &Subject) -> Option<Caller> {
    let mut caller = Caller::default();
    for unit in &subject.organizational_unit {
        let Some((kind, guid)) = unit.split_once(':') else {
            continue;
        };
        let place = match kind {
            "app" => &mut caller.app,
            "space" => &mut caller.space,
            "organization" => &mut caller.organization,
            _ => continue,
        };
        if !guid.is_empty() {
            *place = guid.into();
        }
    }
    (!caller.app.is_empty()).then_some(caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(units: &[&str]) -> Subject {
        Subject {
            common_name: "an, \"instance\"".to_owned(),
            organizational_unit: units.iter().map(|unit| (*unit).to_owned()).collect(),
            ..Subject::default()
        }
    }

    #[test]
    fn a_caller_is_read_from_the_units_and_has_an_app() {
        let whole = units(&["other", "app:a", "space:s", "organization:o"]);
        let caller = caller_of(&whole).expect("a caller");
        assert_eq!(
            (&*caller.app, &*caller.space, &*caller.organization),
            ("a", "s", "o")
        );
        for without in [
            &["space:s", "organization:o"][..],
            &["app:", "space:s"],
            &[],
        ] {
            assert_eq!(caller_of(&units(without)), None, "{without:?}");
        }
    }

    #[test]
    fn a_subject_stays_between_its_quotes_and_in_its_line() {
        assert_eq!(
            spelled(&units(&["app:a", "space:s\r\nX: y", "organization:ö"])),
            r#"CN=an\, \"instance\",OU=app:a,OU=space:s\0d\0aX: y,OU=organization:\c3\b6"#
        );
    }
}
