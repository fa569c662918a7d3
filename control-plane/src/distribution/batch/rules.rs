//! What a route does with its requests and responses.

use std::time::Duration;

use pointsman_registry::{
    Filter, HeaderField, HeaderFilter, PathRewrite, Rewrite, Rules, Timeouts,
};

use super::number::{
    duration, empty_pool, filter, header_field, header_filter, retry_policy, rewrite, route,
    timeouts,
};
use super::writing::Writing;

/// Writes the rules into the message of their route.
pub(super) fn write(said: &Rules, to: &mut Writing<'_>) {
    for each in &said.filters {
        to.message(route::FILTERS, |to| write_filter(each, to));
    }
    if said.timeouts != Timeouts::default() {
        to.message(route::TIMEOUTS, |to| write_timeouts(&said.timeouts, to));
    }
    if said.max_attempts.is_some() || said.repeatable {
        to.message(route::RETRY_POLICY, |mut to| {
            let most = said.max_attempts.unwrap_or_default();
            to.number(retry_policy::MAX_ATTEMPTS, most.into());
            to.flag(retry_policy::REPEATABLE, said.repeatable);
        });
    }
    if let Some(status) = said.empty_status {
        to.message(route::EMPTY_POOL, |mut to| {
            to.number(empty_pool::STATUS, status.into());
        });
    }
}

fn write_filter(said: &Filter, mut to: Writing<'_>) {
    match said {
        Filter::RequestHeaders(said) => {
            to.message(filter::REQUEST_HEADERS, |to| write_headers(said, to));
        }
        Filter::ResponseHeaders(said) => {
            to.message(filter::RESPONSE_HEADERS, |to| write_headers(said, to));
        }
        Filter::Rewrite(said) => to.message(filter::REWRITE, |to| write_rewrite(said, to)),
    }
}

fn write_headers(said: &HeaderFilter, mut to: Writing<'_>) {
    for name in &said.remove {
        to.chosen_text(header_filter::REMOVE, name);
    }
    for (field, written) in [
        (header_filter::SET, &said.set),
        (header_filter::ADD, &said.add),
    ] {
        for HeaderField { name, value } in written {
            to.message(field, |mut to| {
                to.text(header_field::NAME, name);
                to.text(header_field::VALUE, value);
            });
        }
    }
}

fn write_rewrite(said: &Rewrite, mut to: Writing<'_>) {
    to.text(rewrite::HOST, &said.host);
    match &said.path {
        PathRewrite::Keep => {}
        PathRewrite::Full(path) => to.chosen_text(rewrite::FULL_PATH, path),
        PathRewrite::Prefix(prefix) => to.chosen_text(rewrite::PREFIX, prefix),
    }
}

fn write_timeouts(said: &Timeouts, mut to: Writing<'_>) {
    for (field, time) in [
        (timeouts::REQUEST, said.request),
        (timeouts::ATTEMPT, said.attempt),
        (timeouts::IDLE, said.idle),
    ] {
        if let Some(time) = time {
            to.message(field, |to| write_duration(time, to));
        }
    }
}

fn write_duration(said: Duration, mut to: Writing<'_>) {
    to.number(duration::SECONDS, said.as_secs());
    to.number(duration::NANOS, said.subsec_nanos().into());
}
