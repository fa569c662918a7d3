//! Sticky sessions: a session stays with the instance that began it (D-538 to D-564).
//!
//! The client keeps the instance's id in a cookie of ours beside the app's own session cookie, and
//! only both together bring it back. A second cookie of ours remembers the attributes of the
//! first, which no client sends: they are needed when another instance takes the session over.

mod cookie;
mod date;
mod meta;
#[cfg(test)]
mod tests;

use pointsman_http1::{Fields, Known};
use pointsman_routing::Session;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::Journey;
use super::choose::Chosen;
use crate::settings::Sessions;
use cookie::{Attributes, SameSite};

/// The cookie that names the instance.
const VCAP_ID: &str = "__VCAP_ID__";

/// The cookie that remembers the attributes of the other one.
const META: &str = "__VCAP_ID_META__";

/// How long a session sticks that is being negotiated, in seconds.
const NEGOTIATION: u64 = 60;

/// Lines of `Set-Cookie`.
pub(super) type Lines = SmallVec<[Vec<u8>; 2]>;

/// The session that a request belongs to, if its cookies say so.
pub(super) fn session(fields: &Fields, sessions: &Sessions) -> Option<Session> {
    if !sessions.is_on() {
        return None;
    }
    let (mut named, mut begun) = (None, false);
    for (name, value) in cookie::pairs(fields) {
        if name == VCAP_ID.as_bytes() {
            named = named.or(Some(value));
        } else if !begun {
            begun = sessions.is_session_cookie(name);
        }
    }
    let endpoint = std::str::from_utf8(named?).ok()?;
    let must = sessions.auth_negotiate && is_negotiate(fields.get(Known::Authorization));
    (!endpoint.is_empty() && (must || begun)).then(|| Session {
        endpoint: endpoint.into(),
        must,
    })
}

/// What an answer's cookies depend on.
#[derive(Clone, Copy, Debug)]
struct Answered<'a> {
    request: &'a Fields,
    response: &'a Fields,
    /// What the request asked for.
    session: Option<&'a Session>,
    /// The id of the instance that answered.
    instance: &'a str,
    /// The path of its route.
    path: &'a str,
    /// Seconds of the Unix epoch.
    now: i64,
}

/// What the client is given to keep beside the endpoint's own cookies.
fn cookies(sessions: &Sessions, answered: &Answered<'_>) -> Lines {
    let mut lines = Lines::new();
    let own = || answered.response.get_all(Known::SetCookie);
    let Some(instance) = cookie::value(answered.instance) else {
        return lines;
    };
    let given = own().any(|line| cookie::name_of(line) == Some(VCAP_ID.as_bytes()));
    if given || is_for_route_service(answered.request) {
        return lines;
    }
    let mut push = |name, value: &str, attributes: Attributes| {
        let attributes = Attributes {
            secure: attributes.secure || sessions.secure_cookies,
            ..attributes
        };
        lines.push(attributes.line((name, value), answered.path));
    };
    let moved = answered
        .session
        .is_none_or(|session| *session.endpoint != *answered.instance);
    let asks = answered.response.get("WWW-Authenticate");
    if sessions.auth_negotiate && moved && is_negotiate(asks) {
        let attributes = Attributes {
            same_site: Some(SameSite::Strict),
            max_age: Some(NEGOTIATION),
            ..Attributes::default()
        };
        push(VCAP_ID, &instance, attributes);
        return lines;
    }
    let mut begun = false;
    for line in own() {
        let name = cookie::name_of(line);
        if !name.is_some_and(|name| sessions.is_session_cookie(name)) {
            continue;
        }
        begun = true;
        let mut attributes = Attributes::of(line);
        attributes.secure |= sessions.secure_cookies;
        push(VCAP_ID, &instance, attributes);
        push(META, &meta::encode(&attributes, answered.now), attributes);
    }
    if !begun && moved && answered.session.is_some() {
        let kept = cookie::pairs(answered.request).find(|(name, _)| *name == META.as_bytes());
        let attributes = kept.map(|(_, value)| meta::decode(value, answered.now));
        push(VCAP_ID, &instance, attributes.unwrap_or_default());
    }
    lines
}

/// Whether a field begins with the scheme `Negotiate`.
fn is_negotiate(value: Option<&[u8]>) -> bool {
    const SCHEME: &[u8] = b"negotiate";
    value
        .and_then(|value| value.get(..SCHEME.len()))
        .is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
}

/// Whether the request goes to a route service: the session is then that of the app behind it.
fn is_for_route_service(request: &Fields) -> bool {
    let said = |name| request.get(name).is_some_and(|value| !value.is_empty());
    said(Known::XCfProxySignature) && said(Known::XCfForwardedUrl)
}

impl Journey<'_, '_> {
    /// What the client is given to keep, so that its session stays where it is now. A route service
    /// keeps no session of ours.
    #[inline]
    pub(super) fn session_cookies(&self, chosen: Option<&Chosen>) -> Lines {
        let Some(chosen) = chosen else {
            return Lines::new();
        };
        let asked = chosen.selection.asked();
        let session = asked.and_then(|asked| asked.session.as_ref());
        let sets_cookies = self
            .desk
            .response
            .fields()
            .present()
            .contains(Known::SetCookie);
        let sessions = &self.worker.settings.sessions;
        if sets_cookies || session.is_some() || sessions.auth_negotiate {
            self.stick(chosen, session)
        } else {
            Lines::new()
        }
    }

    #[cold]
    fn stick(&self, chosen: &Chosen, session: Option<&Session>) -> Lines {
        let sessions = &self.worker.settings.sessions;
        if !sessions.is_on() {
            return Lines::new();
        }
        let seconds = self.worker.clock.wall(Instant::now()) / 1_000_000_000;
        cookies(
            sessions,
            &Answered {
                request: self.exchange.request.fields(),
                response: self.desk.response.fields(),
                session,
                instance: chosen.lease.endpoint().instance_id(),
                path: chosen.route.path_as_registered(),
                now: i64::try_from(seconds).unwrap_or(i64::MAX),
            },
        )
    }
}
