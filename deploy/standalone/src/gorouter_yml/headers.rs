//! Header fields in and out, their limits, and sticky sessions.

use pointsman_data_plane::{BadRule, Rewrite};
use pointsman_process::configuration::{Check, Validate};
use serde::{Deserialize, Serialize};

use super::keys::keys;
use super::scalars::Strings;

keys! {
    /// The keys of this group; they stand at the top of the file.
    #[serde(rename = "Config")]
    pub struct HeadersGroup {
        /// What becomes of `X-Forwarded-Client-Cert`: `always_forward`, `forward`, `sanitize_set`.
        forwarded_client_cert: String = "always_forward".to_owned(),
        /// `X-Forwarded-Proto` is `https` always; wins over the next key.
        force_forwarded_proto_https: bool = false,
        /// The client's `X-Forwarded-Proto` is replaced by the scheme of its connection.
        sanitize_forwarded_proto: bool = false,
        /// Names that a client cannot have stripped by naming them in `Connection`.
        hop_by_hop_headers_to_filter: Strings = Strings::default(),
        /// What is changed in responses.
        http_rewrite: HTTPRewrite = HTTPRewrite::default(),
        /// Bytes of a request's line and fields; below 1: 1 MiB, and that is the most.
        #[serde(alias = "max_header_bytes")]
        max_request_header_bytes: i64 = 0,
        /// Fields of a request; 0 for no bound.
        max_request_headers: i64 = 0,
        /// Bytes of a response's head; 0: 10 MiB.
        max_response_header_bytes: i64 = 0,
        /// Fields of a response; 0 for no bound.
        max_response_headers: i64 = 0,
        /// Cookies of apps that make a session stick; empty: none.
        sticky_session_cookie_names: Strings = Strings::from(["JSESSIONID"]),
        /// Sessions stick while an app talks `Negotiate`.
        sticky_sessions_for_auth_negotiate: bool = false,
        /// Connections to endpoints are used again after `Expect: 100-continue`; newer releases do not know the key, and
        /// do.
        keep_alive_100_continue_requests: Option<bool> = None,
    }
}

keys! {
    /// `http_rewrite`.
    pub struct HTTPRewrite {
        /// The only part there is.
        responses: HTTPRewriteResponses = HTTPRewriteResponses::default(),
    }
}

keys! {
    /// `http_rewrite.responses`.
    pub struct HTTPRewriteResponses {
        /// Fields that are added where the response has none of that name.
        add_headers_if_not_present: HeaderRules = HeaderRules::default(),
        /// Fields that are removed.
        remove_headers: HeaderRules = HeaderRules::default(),
    }
}

keys! {
    /// A field's name, and its value where one is needed.
    pub struct HeaderNameValue {
        /// Name.
        name: String = String::new(),
        /// Value.
        value: String = String::new(),
    }
}

/// A list of field rules.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename = "[]config.HeaderNameValue")]
pub struct HeaderRules(pub Vec<HeaderNameValue>);

impl Validate for HeadersGroup {
    fn validate(&self, check: &mut Check<'_>) {
        let mode = self.forwarded_client_cert.as_str();
        if !["always_forward", "forward", "sanitize_set"].contains(&mode) {
            let text = format!(
                "Invalid forwarded client cert mode: {mode}. Allowed values are [always_forward forward sanitize_set]"
            );
            check.refuse_plainly("forwarded_client_cert", text);
        }
        check.within("http_rewrite.responses", |check| {
            self.http_rewrite.responses.validate(check);
        });
    }
}

impl Validate for HTTPRewriteResponses {
    /// Gorouter starts with a rule that it cannot keep, and leaves its field out of answers without a word.
    fn validate(&self, check: &mut Check<'_>) {
        self.each_rule(|key, bad| {
            check.refuse(&key, bad.to_string(), "write a field as it is sent");
        });
    }
}

impl HTTPRewriteResponses {
    /// The rules, if there are any. Those that cannot be kept are left out: validation has refused them.
    #[must_use]
    pub fn rules(&self) -> Option<Rewrite> {
        let rules = self.each_rule(|_, _| {});
        (!rules.is_empty()).then_some(rules)
    }

    fn each_rule(&self, mut refuse: impl FnMut(String, BadRule)) -> Rewrite {
        let mut rules = Rewrite::default();
        for (at, field) in self.remove_headers.0.iter().enumerate() {
            if let Err(bad) = rules.remove(&field.name) {
                refuse(format!("remove_headers[{at}]"), bad);
            }
        }
        for (at, field) in self.add_headers_if_not_present.0.iter().enumerate() {
            if let Err(bad) = rules.add(&field.name, &field.value) {
                refuse(format!("add_headers_if_not_present[{at}]"), bad);
            }
        }
        rules
    }
}
