//! The list as the API writes it.
//!
//! A route that cannot be read costs only itself (R-112): it stands in the list as one that is refused, so that nobody takes
//! it for gone, and that it is told once. A list of which nothing can be read is none.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;

use super::route::{Route, Unread};
use crate::sources::message::excerpt;

/// The routes of a list.
///
/// # Errors
///
/// When it is no list, or none of its routes can be read.
pub(super) fn read(text: &[u8]) -> Result<Vec<Route>, serde_json::Error> {
    let error = match serde_json::from_slice(text) {
        Ok(routes) => return Ok(routes),
        Err(error) => error,
    };
    if !error.is_data() {
        return Err(error);
    }
    let Listed(routes) = serde_json::from_slice(text)?;
    if routes.iter().all(|route| route.unread.is_some()) {
        return Err(error);
    }
    Ok(routes)
}

/// Routes one by one, each read or not.
struct Listed(Vec<Route>);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OneByOne)
    }
}

struct OneByOne;

impl<'de> Visitor<'de> for OneByOne {
    type Value = Listed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of routes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Listed, A::Error> {
        let mut routes = Vec::new();
        while let Some(element) = list.next_element::<Value>()? {
            let route = Route::deserialize(&element);
            routes.push(route.unwrap_or_else(|error| unread(&element, &error)));
        }
        Ok(Listed(routes))
    }
}

/// What can be said of a route that cannot be read.
fn unread(element: &Value, error: &serde_json::Error) -> Route {
    let text = |key| element.get(key).and_then(Value::as_str).unwrap_or_default();
    let port = element.get("port").and_then(Value::as_u64);
    Route {
        route: text("route").to_owned(),
        ip: text("ip").to_owned(),
        port: port.and_then(|it| it.try_into().ok()).unwrap_or_default(),
        unread: Some(Box::new(Unread {
            error: error.to_string(),
            text: excerpt(element.to_string().as_bytes()),
        })),
        ..Route::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"route":"a.example.com","port":80,"ip":"10.0.0.1"}"#;

    fn list(elements: &[&str]) -> Result<Vec<Route>, serde_json::Error> {
        read(format!("[{}]", elements.join(",")).as_bytes())
    }

    /// R-112: a route that cannot be read costs only itself, and says what is wrong with it
    #[test]
    fn one_that_cannot_be_read_stands_beside_the_others() {
        for (bad, named, told) in [
            (
                r#"{"route":"b","port":70000,"ip":"10.0.0.2"}"#,
                ("b", "10.0.0.2", 0),
                "70000",
            ),
            (
                r#"{"route":"b","port":1,"ip":"i","ttl":"x"}"#,
                ("b", "i", 1),
                "\"x\"",
            ),
            (r#"{"route":5}"#, ("", "", 0), "`5`"),
            ("null", ("", "", 0), "null"),
        ] {
            let routes = list(&[GOOD, bad, GOOD]).expect("a list");
            assert_eq!(routes.len(), 3, "{bad}");
            assert!(routes[0].unread.is_none() && routes[0] == routes[2]);
            let read = &routes[1];
            assert_eq!((&*read.route, &*read.ip, read.port), named);
            let unread = read.unread.as_ref().expect("it cannot be read");
            assert!(unread.error.contains(told), "{bad}: {}", unread.error);
            let text: Value = serde_json::from_str(&unread.text).expect("its own text");
            assert_eq!(text, serde_json::from_str::<Value>(bad).expect("JSON"));
        }
    }

    #[test]
    fn what_is_no_list_is_none_and_so_is_one_of_which_nothing_can_be_read() {
        for text in ["", "{}", "<html>", "[{\"route\":", "[{\"route\":1}]"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(list(&[GOOD, "{\"route\":1},"]).is_err());
        assert_eq!(list(&[]).expect("an empty one"), []);
    }
}
