//! The first look at a request: whether it is for the router at all, and whether there is room.

use pointsman_http1::{Fields, Known};

use super::{Journey, Refusal};

impl Journey<'_, '_> {
    /// Refuses what is not to be forwarded, and takes a place among the requests in flight.
    pub(super) fn identify(&mut self) -> Result<(), Refusal> {
        let checks = &self.worker.settings.checks;
        let request = &*self.exchange.request;
        if request.target() == b"*" {
            return Err(Refusal::AboutRouter);
        }
        if checks.semicolons && request.target().contains(&b';') {
            self.record.semicolon = true;
            self.worker.tell_semicolon(&self.record.request_id);
        }
        if let Some(agent) = &checks.health_user_agent
            && asks_for_health(request.fields(), agent)
        {
            return Err(if self.worker.is_healthy() {
                Refusal::Healthy
            } else {
                Refusal::Unhealthy
            });
        }
        if is_client_itself(request.host(), self.exchange.client.ip()) {
            return Err(Refusal::EmptyHost);
        }
        self.count_hops()?;
        self.look_at_names()?;
        self.take_place()
    }

    /// Takes a place among the requests in flight (L-22). One for a service within the platform is part of a request that
    /// has one.
    #[inline]
    fn take_place(&mut self) -> Result<(), Refusal> {
        if self.detour.is_some() {
            return Ok(());
        }
        let admission = self.worker.admission();
        self.permit = match admission.admit() {
            None if admission.is_memory_short() && self.is_under_way() => admission.admit_begun(),
            permit => permit,
        };
        match self.permit {
            Some(_) => Ok(()),
            None => Err(Refusal::Overloaded),
        }
    }
}

/// Whether the `User-Agent` is the one of health checks, to the letter (D-183 to D-186).
fn asks_for_health(fields: &Fields, agent: &str) -> bool {
    fields.get(Known::UserAgent).unwrap_or_default() == agent.as_bytes()
}

/// Whether the request is for the address of its own sender, which is what Gorouter takes for no
/// host at all (D-192).
fn is_client_itself(host: &[u8], client_ip: &str) -> bool {
    let bare = host
        .strip_prefix(b"[")
        .and_then(|host| host.strip_suffix(b"]"));
    bare.unwrap_or(host)
        .eq_ignore_ascii_case(client_ip.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D-185: another `User-Agent` is no health check.
    #[test]
    fn health_is_asked_for_to_the_letter() {
        let asks = |agent: &str, sent: Option<&str>| {
            let mut fields = Fields::new();
            if let Some(sent) = sent {
                let pushed = fields.push(Known::UserAgent, sent.as_bytes());
                pushed.expect("a field");
            }
            asks_for_health(&fields, agent)
        };
        assert!(asks("HTTP-Monitor/1.1", Some("HTTP-Monitor/1.1")));
        assert!(!asks("HTTP-Monitor/1.1", Some("http-monitor/1.1")));
        assert!(!asks("HTTP-Monitor/1.1", Some("HTTP-Monitor/1.1 x")));
        assert!(!asks("HTTP-Monitor/1.1", None));
        assert!(asks("", None) && !asks("", Some("curl/8")));
    }

    /// D-192: a host that equals the peer's address is no host.
    #[test]
    fn the_clients_own_address_is_no_host() {
        assert!(is_client_itself(b"10.0.0.1", "10.0.0.1"));
        assert!(is_client_itself(b"[2001:DB8::1]", "2001:db8::1"));
        assert!(!is_client_itself(b"10.0.0.2", "10.0.0.1"));
        assert!(!is_client_itself(b"[::2]", "::1"));
        assert!(!is_client_itself(b"", "::1"));
    }
}
