mod absence;
mod aside;
mod batches;
mod epochs;
mod guard;
mod model;
mod orphans;
mod publication;
mod rejected;
mod restored;

use pointsman_route_key::digest;

use super::*;
use crate::testing::{at, closing, endpoint, key, removal, route};
use crate::{EndpointThing, RouteThing};

fn send_route(writer: &mut Writer, thing: RouteThing) {
    writer.upsert(Thing::Route(thing));
}

fn send(writer: &mut Writer, thing: EndpointThing) {
    writer.upsert(Thing::Endpoint(Box::new(thing)));
}

/// A writer that follows epoch 1 and was sent `app` with these endpoints, closed at revision 10.
fn following(addresses: &[&str]) -> Writer {
    let mut writer = Writer::new(3);
    writer.begin(1);
    send_route(&mut writer, route("app", 1));
    for address in addresses {
        send(&mut writer, endpoint("app", address));
    }
    let expected = writer.book.received();
    let complete = Closing {
        complete: true,
        ..closing(10, vec![], expected)
    };
    assert!(writer.close(complete, at(0)).unwrap().agrees);
    writer
}

fn addresses(writer: &mut Writer, uri: &str) -> Option<Vec<String>> {
    let table = writer.publish();
    let route = table.get(&key(uri))?;
    Some(
        route
            .endpoints()
            .iter()
            .map(|endpoint| endpoint.address().to_string())
            .collect(),
    )
}

/// Closes at what was received, so that the step itself removes nothing but what it names.
fn close(writer: &mut Writer, revision: u64, removals: Vec<Removal>) -> Closed {
    writer
        .close(closing(revision, removals, View::default()), at(0))
        .unwrap()
}

const A: &str = "10.0.0.1:80";
const B: &str = "10.0.0.2:80";
const C: &str = "10.0.0.3:80";
/// What the control plane of the next epoch expects that knows `app` with these endpoints.
fn known(addresses: &[&str]) -> View {
    let key = key("app");
    let route = View::default().with(digest::of_route("", &key, 1));
    addresses.iter().fold(route, |view, address| {
        view.with(digest::of_endpoint("", &key, address, 1, false))
    })
}

/// A new control plane sends `app` with these endpoints.
fn next_epoch(writer: &mut Writer, epoch: u64, addresses: &[&str]) {
    writer.begin(epoch);
    send_route(writer, route("app", 1));
    for address in addresses {
        send(writer, endpoint("app", address));
    }
}

/// It says that `app` with these endpoints was everything.
fn complete(writer: &mut Writer, revision: u64, addresses: &[&str], now: Time) -> Closed {
    let step = Closing {
        complete: true,
        ..closing(revision, vec![], known(addresses))
    };
    writer.close(step, now).unwrap()
}

/// A new control plane that is authoritative knows `app` with these endpoints only.
fn replaced(writer: &mut Writer, epoch: u64, addresses: &[&str], now: Time) {
    next_epoch(writer, epoch, addresses);
    writer.set_authoritative(true);
    assert!(complete(writer, 5, addresses, now).agrees);
}

/// The endpoints of `app` that are orphans.
fn orphans(writer: &mut Writer) -> Vec<String> {
    let table = writer.publish();
    let Some(route) = table.get(&key("app")) else {
        return Vec::new();
    };
    let orphans = route.endpoints().iter().filter(|it| it.is_orphan());
    orphans.map(|it| it.address().to_string()).collect()
}
