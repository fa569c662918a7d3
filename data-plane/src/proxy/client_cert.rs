//! What an endpoint is told about the certificate of a client (5.17 of the data-plane reference).

use std::rc::Rc;

use crate::downstream::Client;
use crate::settings::ForwardedClientCert;

/// What becomes of `X-Forwarded-Client-Cert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClientCert {
    /// What the client sent goes on.
    Kept,
    /// Nothing does.
    Removed,
    /// This stands there, whatever the client sent.
    Replaced(Rc<[u8]>),
}

impl ClientCert {
    /// For a client, in the mode for those whose handshake decides nothing else.
    pub(super) fn of(client: &Client, mode: ForwardedClientCert) -> Self {
        let tls = client.tls();
        let shown = tls.is_some_and(|tls| tls.has_certificate);
        match tls.map_or(mode, |tls| tls.mode) {
            ForwardedClientCert::AlwaysForward => Self::Kept,
            ForwardedClientCert::Forward if shown => Self::Kept,
            ForwardedClientCert::Forward => Self::Removed,
            ForwardedClientCert::SanitizeSet => tls
                .and_then(|tls| tls.forwarded.clone())
                .map_or(Self::Removed, Self::Replaced),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::downstream::client::Secured;

    const MODES: [ForwardedClientCert; 3] = [
        ForwardedClientCert::AlwaysForward,
        ForwardedClientCert::Forward,
        ForwardedClientCert::SanitizeSet,
    ];

    fn secured(mode: ForwardedClientCert, certificate: Option<&str>) -> Client {
        let forwarded = certificate.filter(|_| mode == ForwardedClientCert::SanitizeSet);
        let secured = Secured {
            domain: None,
            mode,
            has_certificate: certificate.is_some(),
            forwarded: forwarded.map(|text| text.as_bytes().into()),
            caller: None,
        };
        Client::secured(([127, 0, 0, 1], 1).into(), secured)
    }

    /// D-244: `sanitize_set` removes the field, and puts a shown certificate in its place.
    /// D-245: `forward` keeps it only for a client that has shown one.
    /// D-246: `always_forward` keeps it.
    #[test]
    fn the_mode_and_the_handshake_decide() {
        let [always, forward, sanitize] = MODES.map(|mode| {
            let plain = Client::new(([127, 0, 0, 1], 1).into());
            let (tls, mutual) = (secured(mode, None), secured(mode, Some("CERT")));
            [plain, tls, mutual].map(|client| ClientCert::of(&client, mode))
        });
        use ClientCert::{Kept, Removed, Replaced};
        assert_eq!(always, [Kept, Kept, Kept]);
        assert_eq!(forward, [Removed, Removed, Kept]);
        assert_eq!(
            sanitize,
            [Removed, Removed, Replaced(Rc::from(&b"CERT"[..]))]
        );
    }
}
