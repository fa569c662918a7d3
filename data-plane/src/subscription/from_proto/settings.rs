//! The settings of a session.

use std::time::Duration;

use pointsman_proto::v1;
use pointsman_routing::Settings;

use super::route::{empty_pool, known_algorithm};

/// The settings of a session. A data plane has none of its own, so all of them have to be there.
///
/// # Errors
///
/// What is missing or makes no sense, in words.
pub(crate) fn settings(settings: &v1::Settings) -> Result<Settings, String> {
    let rule = settings.empty_pool.as_ref();
    let rule = rule.ok_or("the settings have no empty_pool")?;
    Ok(Settings {
        mark_time: duration(settings.mark_time.as_ref(), "mark_time")?,
        empty_pool: empty_pool(rule)?,
        default_algorithm: known_algorithm(settings.default_algorithm)?,
        registration_interval: duration(
            settings.registration_interval.as_ref(),
            "registration_interval",
        )?,
    })
}

fn duration(given: Option<&prost_types::Duration>, name: &str) -> Result<Duration, String> {
    let given = given.ok_or_else(|| format!("the settings have no {name}"))?;
    Duration::try_from(*given).map_err(|_| format!("the {name} of the settings is negative"))
}
