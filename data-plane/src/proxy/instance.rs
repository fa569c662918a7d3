//! Requests for some instances of a route only: `X-CF-App-Instance` and `X-CF-Process-Instance`
//! (D-192 to D-228).

use pointsman_http1::{Fields, Known};
use pointsman_routing::Selector;

use super::Refusal;

/// The instances that the request is for, if it says so.
///
/// # Errors
/// A field that names no instance. Where both are there, that of the app decides (D-227).
pub(super) fn selector(fields: &Fields) -> Result<Option<Selector>, Refusal> {
    if let Some(value) = said(fields, Known::XCfAppInstance) {
        let named = parse(value).and_then(|(app, index)| Some((app, index?)));
        let (app, index) = named.ok_or(Refusal::InvalidAppInstance)?;
        return Ok(Some(Selector::Instance {
            app: app.into(),
            index: index.into(),
        }));
    }
    let Some(value) = said(fields, Known::XCfProcessInstance) else {
        return Ok(None);
    };
    let (process, index) = parse(value).ok_or(Refusal::InvalidProcessInstance)?;
    Ok(Some(Selector::Process {
        process: process.into(),
        index: index.map(Into::into),
    }))
}

/// Appends the body of the answer to a request for an instance that is not there: the instance,
/// and the host as it was sent.
pub(super) fn write_unknown(fields: &Fields, host: &[u8], out: &mut Vec<u8>) {
    let Ok(Some(selector)) = selector(fields) else {
        return;
    };
    let instance = match &selector {
        Selector::Instance { app, index } => format!("instance ('{index}') with guid ('{app}')"),
        Selector::Process {
            process,
            index: Some(index),
        } => format!("instance ('{index}') with process guid ('{process}')"),
        Selector::Process {
            process,
            index: None,
        } => format!("instance with process guid ('{process}')"),
    };
    out.extend_from_slice(b"400 Bad Request: Requested ");
    out.extend_from_slice(instance.as_bytes());
    out.extend_from_slice(b" does not exist for route ('");
    out.extend_from_slice(host);
    out.extend_from_slice(b"')\n");
}

/// The value of a field, if there is something in it.
fn said(fields: &Fields, name: Known) -> Option<&[u8]> {
    fields.get(name).filter(|value| !value.is_empty())
}

/// A guid and what follows it after a colon, which is a number.
fn parse(value: &[u8]) -> Option<(&str, Option<&str>)> {
    let value = std::str::from_utf8(value).ok()?;
    let (guid, index) = match value.split_once(':') {
        Some((guid, index)) => (guid, Some(index)),
        None => (value, None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_guid(guid) && index.is_none_or(is_number)).then_some((guid, index))
}

/// Eight, four, four, four and twelve hexadecimal digits, in small letters (D-226).
fn is_guid(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "11111111-2222-3333-4444-55555555abcd";

    fn asked(name: Known, value: &str) -> Result<Option<Selector>, Refusal> {
        let mut fields = Fields::new();
        fields.push(name, value.as_bytes()).expect("a field");
        selector(&fields)
    }

    /// D-207: an invalid app-instance field is refused.
    /// D-209: so is one whose index is empty.
    /// D-211: so is one without an index.
    /// D-226: so is a guid in capitals.
    #[test]
    fn an_app_instance_is_a_guid_and_an_index() {
        let right = asked(Known::XCfAppInstance, &format!("{GUID}:12"));
        let expected = Selector::Instance {
            app: GUID.into(),
            index: "12".into(),
        };
        assert_eq!(right, Ok(Some(expected)));
        assert_eq!(asked(Known::XCfAppInstance, ""), Ok(None));
        for wrong in [
            format!("{GUID}:"),
            GUID.to_owned(),
            format!("{}:0", GUID.to_uppercase()),
            format!("{GUID}:0:1"),
            format!("{GUID}:-1"),
            format!("{GUID}: 1"),
            format!("{GUID}0:1"),
            format!("g{}:1", &GUID[1..]),
            format!("{}1:1", GUID.replace('-', "")),
            "nonsense".to_owned(),
        ] {
            let refused = asked(Known::XCfAppInstance, &wrong);
            assert_eq!(refused, Err(Refusal::InvalidAppInstance), "{wrong}");
        }
    }

    /// D-208: an invalid process-instance field is refused.
    /// D-210: so is one that ends in a colon.
    #[test]
    fn a_process_instance_may_go_without_an_index() {
        for (value, index) in [(GUID.to_owned(), None), (format!("{GUID}:3"), Some("3"))] {
            let expected = Selector::Process {
                process: GUID.into(),
                index: index.map(Into::into),
            };
            assert_eq!(asked(Known::XCfProcessInstance, &value), Ok(Some(expected)));
        }
        for wrong in [format!("{GUID}:"), "nonsense".to_owned(), ":1".to_owned()] {
            let refused = asked(Known::XCfProcessInstance, &wrong);
            assert_eq!(refused, Err(Refusal::InvalidProcessInstance), "{wrong}");
        }
    }

    /// D-227: given both, the app-instance field decides.
    #[test]
    fn the_app_s_comes_first() {
        let mut fields = Fields::new();
        let app = format!("{GUID}:1");
        fields
            .push(Known::XCfProcessInstance, b"nonsense")
            .expect("a field");
        fields
            .push(Known::XCfAppInstance, app.as_bytes())
            .expect("a field");
        assert!(matches!(
            selector(&fields),
            Ok(Some(Selector::Instance { .. }))
        ));
    }
}
