//! Cipher suites of TLS 1.2 by their names. Those of TLS 1.3 are not chosen by name: each of them is good.

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite as suites;

/// The suite of an OpenSSL or RFC name, of those that are still offered: ephemeral keys and authenticated encryption
/// . `None` for any other name.
#[must_use]
pub fn cipher_suite(name: &str) -> Option<SupportedCipherSuite> {
    Some(match name {
        "ECDHE-ECDSA-AES128-GCM-SHA256" | "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => {
            suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        }
        "ECDHE-ECDSA-AES256-GCM-SHA384" | "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => {
            suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        }
        "ECDHE-ECDSA-CHACHA20-POLY1305"
        | "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"
        | "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" => {
            suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        }
        "ECDHE-RSA-AES128-GCM-SHA256" | "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" => {
            suites::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        }
        "ECDHE-RSA-AES256-GCM-SHA384" | "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" => {
            suites::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        }
        "ECDHE-RSA-CHACHA20-POLY1305"
        | "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"
        | "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" => {
            suites::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rustls::CipherSuite;

    use super::*;

    /// suites without forward secrecy or authenticated encryption are not offered.
    #[test]
    fn only_what_is_good_is_offered() {
        let id = |name: &str| cipher_suite(name).map(|suite| suite.suite());
        for name in [
            "ECDHE-RSA-AES128-GCM-SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ] {
            let same = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
            assert_eq!(id(name), Some(same));
        }
        for name in [
            "AES128-GCM-SHA256",
            "ECDHE-RSA-AES128-SHA",
            "ECDHE-RSA-DES-CBC3-SHA",
            "RC4-SHA",
            "TLS_AES_128_GCM_SHA256",
            "ecdhe-rsa-aes128-gcm-sha256",
            "",
        ] {
            assert_eq!(id(name), None, "{name}");
        }
    }
}
