//! Files and what becomes of them, row by row of the catalogue.

mod certificates;
mod defaults;
mod examples;
mod reading;
mod tls;
mod validation;

use super::{Accepted, GorouterYml, Refused, parse};

/// What a file says, when it is accepted.
fn file(text: &str) -> GorouterYml {
    accepted(text).file
}

fn accepted(text: &str) -> Accepted {
    parse("g.yml", text).unwrap_or_else(|refused| panic!("{text:?} is refused: {refused}"))
}

fn refused(text: &str) -> Refused {
    match parse("g.yml", text) {
        Ok(_) => panic!("{text:?} is accepted"),
        Err(refused) => refused,
    }
}

/// What Gorouter refuses about a file, without places and hints.
fn told(text: &str) -> Vec<String> {
    refused(text)
        .problems()
        .map(|problem| problem.what.clone())
        .collect()
}

/// What Gorouter refuses about a file that may ask for what is not honoured yet.
fn checked(text: &str) -> Vec<String> {
    match parse("g.yml", text) {
        Ok(_) => Vec::new(),
        Err(refused) => refused
            .problems()
            .map(|problem| problem.what.clone())
            .collect(),
    }
}
