//! From the text of a route file to the routes that it declares, or to everything that is wrong with it.

use std::path::Path;

use pointsman_process::configuration::{
    Check, Decoded, Document, Manners, Place, Problem, Problems, Validate, decode,
};

use super::declared::{Declared, Refuse};
use super::form::RouteFile;

/// The routes of a file in the order in which they stand, each with its place.
///
/// # Errors
///
/// All problems of the file together, each with line and column: unknown keys with the nearest known one, values that
/// make no sense, routes that stand twice. A file with nothing in it is what a failed write leaves, and declares nothing by
/// mistake.
pub(super) fn read(origin: &str, text: &str) -> Result<Vec<(Declared, Place)>, Problems> {
    let document = Document::parse(origin, text)?;
    if document.is_empty() {
        let empty = Problem::of_file(Path::new(origin), "is empty");
        return Err(empty.hint("to declare nothing, write `routes: []`").into());
    }
    let decoded: Decoded<RouteFile> = decode(&document, Manners::Ours);
    let mut problems = decoded.problems;
    problems.extend(decoded.unknown);
    if let Some(file) = &decoded.value {
        file.validate(&mut Check::new(&document, &mut problems, &mut Vec::new()));
    }
    let routes = match decoded.value {
        Some(file) if problems.is_empty() => file.routes(&mut |_, _, _| {}),
        _ => return Err(Problems::from(problems)),
    };
    let placed: Vec<_> = routes
        .into_iter()
        .map(|(declared, key)| (declared, document.place(&key)))
        .collect();
    let twice = twice(&placed);
    if twice.is_empty() {
        Ok(placed)
    } else {
        Err(Problems::from(twice))
    }
}

/// Routes that stand in the file already.
fn twice(routes: &[(Declared, Place)]) -> Vec<Problem> {
    let mut known = std::collections::BTreeMap::new();
    let mut problems = Vec::new();
    for (route, place) in routes {
        if let Some(first) = known.insert(route.name(), place) {
            problems.push(Problem {
                place: Some(place.clone()),
                key: String::new(),
                what: format!("{} stands here a second time", route.uri.as_sent()),
                hint: Some(format!("the first is at {first}; leave one of them out")),
            });
        }
    }
    problems
}

impl Validate for RouteFile {
    fn validate(&self, check: &mut Check<'_>) {
        self.routes(&mut |key, what, hint| check.refuse(key, what, hint));
    }
}

impl RouteFile {
    /// All routes, each with its key in the file. What is wrong is told, and left out.
    fn routes(&self, refuse: Refuse<'_>) -> Vec<(Declared, String)> {
        let mut routes = Vec::new();
        for (at, route) in self.routes.iter().enumerate() {
            let key = format!("routes[{at}]");
            routes.extend(route.declared(&key, refuse).map(|route| (route, key)));
        }
        self.catalogue.check(refuse);
        for (name, versions) in &self.services {
            for (version, endpoints) in versions {
                let key = format!("services.{name}.{version}");
                let service = (name.as_str(), version.as_str(), endpoints.as_slice());
                let declared = self.catalogue.declared(service, &key, refuse);
                routes.extend(declared.map(|route| (route, key)));
            }
        }
        routes
    }
}

#[cfg(test)]
mod tests;
