//! Which way a request took, for whoever may know (D-323 to D-325).

use pointsman_http1::{InvalidField, Known};

use super::Journey;
use super::choose::Chosen;

impl Journey<'_, '_> {
    /// Says in the answer which router and which endpoint it came through, where the request's `X-Vcap-Trace` is the
    /// configured key.
    #[inline]
    pub(super) fn tell_way(&mut self, chosen: &Chosen) -> Result<(), InvalidField> {
        match &self.worker.settings.headers.trace_key {
            None => Ok(()),
            Some(key) => {
                let shown = self.exchange.request.fields().get(Known::XVcapTrace);
                let known = shown.is_some_and(|shown| shown == key.as_bytes());
                if known {
                    self.write_way(chosen)
                } else {
                    Ok(())
                }
            }
        }
    }

    #[cold]
    fn write_way(&mut self, chosen: &Chosen) -> Result<(), InvalidField> {
        let router = self.exchange.router_ip();
        let router = router.map_or_else(String::new, |ip| ip.to_string());
        let endpoint = chosen.lease.endpoint().address().as_str();
        let fields = self.desk.response.fields_mut();
        fields.set("X-Vcap-Router", router.as_bytes())?;
        fields.set("X-Vcap-Backend", endpoint.as_bytes())?;
        fields.set("X-Cf-RouteEndpoint", endpoint.as_bytes())
    }
}
