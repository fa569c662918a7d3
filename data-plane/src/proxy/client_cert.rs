//! What an endpoint is told about the certificate of a client (D-239 to D-263).

use std::rc::Rc;

use super::service::Passage;
use crate::downstream::client::Secured;
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
    /// For a request that came over `scheme` after this handshake, in the mode for those whose
    /// handshake decides nothing else.
    pub(super) fn of(
        tls: Option<&Secured>,
        mode: ForwardedClientCert,
        (passage, scheme): (Passage, &str),
    ) -> Self {
        let shown = tls.is_some_and(|tls| tls.has_certificate);
        match tls.map_or(mode, |tls| tls.mode) {
            ForwardedClientCert::AlwaysForward => Self::Kept,
            // It was for the route service, and has not to come back from there (D-262).
            ForwardedClientCert::Forward if passage.has_arrived => Self::Removed,
            // An earlier pass has seen to it (D-261).
            _ if passage.is_signed && scheme == "https" => Self::Kept,
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
    use crate::downstream::Client;

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
            [plain, tls, mutual].map(|client| {
                let direct = (Passage::default(), client.scheme());
                ClientCert::of(client.tls(), mode, direct)
            })
        });
        use ClientCert::{Kept, Removed, Replaced};
        assert_eq!(always, [Kept, Kept, Kept]);
        assert_eq!(forward, [Removed, Removed, Kept]);
        assert_eq!(
            sanitize,
            [Removed, Removed, Replaced(Rc::from(&b"CERT"[..]))]
        );
    }

    /// D-261: a certificate is left alone only where the request is signed and came over TLS.
    /// D-262: it is removed from a request that has arrived only in the mode `forward`.
    /// D-241: removing comes before leaving alone.
    /// D-242: and holds in clear text, too.
    /// D-243: what is left alone is, whatever certificate the connection has shown.
    #[test]
    fn the_certificate_of_the_first_pass_stands() {
        let signed = Passage {
            is_signed: true,
            has_arrived: false,
        };
        let arrived = Passage {
            has_arrived: true,
            ..signed
        };
        use ClientCert::{Kept, Removed};
        for (passage, over_tls, plain) in [
            (signed, [Kept, Kept, Kept], [Kept, Removed, Removed]),
            (arrived, [Kept, Removed, Kept], [Kept, Removed, Removed]),
        ] {
            for (at, mode) in MODES.into_iter().enumerate() {
                for certificate in [None, Some("CERT")] {
                    let client = secured(mode, certificate);
                    let told = ClientCert::of(client.tls(), mode, (passage, "https"));
                    assert_eq!(told, over_tls[at], "{mode:?} {passage:?}");
                    let own = ClientCert::of(None, mode, (passage, "https"));
                    assert_eq!(
                        own, over_tls[at],
                        "{mode:?} {passage:?} of the router's own"
                    );
                }
                let told = ClientCert::of(None, mode, (passage, "http"));
                assert_eq!(told, plain[at], "{mode:?} {passage:?}");
            }
        }
    }
}
