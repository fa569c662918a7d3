use pointsman_route_key::RouteKey;
use std::sync::Arc;

use pointsman_routing::{
    Address, Algorithm, Attributes, EmptyPool, EndpointThing, HashedBy, HeaderEdit, PathRewrite,
    Policy, Protocol, RegisteredBalancing, RestoredUntil, Rewrite, RouteThing, RouteTimeouts,
    Rules, Thing, Writer,
};

use super::*;
use crate::persisted::{Folder, Frame, Header, Lifetimes, Moment};
use crate::subscription::restoring::decode;

const HOUR: Duration = Duration::from_secs(3600);

fn now() -> Time {
    Time::since_origin(Duration::from_secs(5))
}

/// Rules of each kind.
fn rules() -> Rules {
    let value = |text: &str| text.as_bytes().into();
    Rules {
        rewrite: Some(Rewrite {
            host: Some("inside".into()),
            path: PathRewrite::Prefix("".into()),
        }),
        request: Box::new([
            HeaderEdit::Set("X-A".into(), value("1")),
            HeaderEdit::Remove("X-B".into()),
        ]),
        response: Box::new([HeaderEdit::Add("X-C".into(), value("2"))]),
        max_attempts: std::num::NonZeroU32::new(2),
        repeatable: true,
    }
}

fn route(at: u32) -> Thing {
    Thing::Route(RouteThing {
        key: RouteKey::from_uri(&format!("app-{at}.example.com/Path")).unwrap(),
        segment: ["", "east"][at as usize % 2].to_owned(),
        revision: 7,
        birth: 3,
        generation: 11,
        host_as_registered: format!("App-{at}.example.com"),
        path_as_registered: "/Path".to_owned(),
        attributes: Attributes {
            empty_pool: (at == 1).then_some(EmptyPool::Unavailable),
            algorithm: (at == 2).then_some(Algorithm::LeastConnection),
            hashed_by: (at == 3).then(|| HashedBy::new("X-Key", 1.2).unwrap()),
            policy: (at == 4).then(|| Box::new(Policy::new("space", ["cf:any"]))),
            timeouts: (at == 0).then(|| {
                Box::new(RouteTimeouts {
                    request: Some(Duration::MAX),
                    attempt: Some(Duration::from_millis(1500)),
                    idle: None,
                })
            }),
            route_service: (at == 4).then(|| "https://rs.example.com/a?b".into()),
            group: "".into(),
            rules: (at == 4).then(|| Arc::new(rules())),
        },
    })
}

fn endpoint(at: u32, n: u32) -> Thing {
    Thing::Endpoint(Box::new(EndpointThing {
        key: RouteKey::from_uri(&format!("app-{at}.example.com/Path")).unwrap(),
        address: Address::parse(&format!("10.0.{n}.{}:80", at % 200)).unwrap(),
        segment: ["", "east"][at as usize % 2].to_owned(),
        group: String::new(),
        generation: 13,
        protocol: Protocol::Http1,
        protocol_text: "http1".to_owned(),
        tls: (n == 0).then(|| "name".to_owned()),
        app_id: "app".to_owned(),
        instance_id: format!("instance-{n}"),
        instance_index: n.to_string(),
        tags: (n != 2).then(|| vec![("component".to_owned(), "route-emitter".to_owned())]),
        availability_zone: "z1".to_owned(),
        route_service_url: String::new(),
        balancing: Some(RegisteredBalancing {
            algorithm: "odd".to_owned(),
            hash_header: String::new(),
            hash_balance: 1.5,
        }),
        max_connections: n,
        updated_at_ns: 17,
        stale_threshold_seconds: 120,
        silent: n == 0,
    }))
}

/// The frames that a table is written in.
fn frames(table: &Table) -> Vec<Frame> {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::new(place.path().to_owned());
    let header = Header {
        written_by: String::new(),
        filter: 3,
        written: Moment::now(),
        confirmed: Moment::now(),
        epoch: 1,
        revision: 1,
        settings: table.settings().into(),
    };
    let written = folder.write(&header, |to| write(table, now(), to)).unwrap();
    assert_eq!(written.things, table.routes() + table.endpoints());
    let lifetimes = Lifetimes {
        plain: HOUR,
        tls: HOUR,
    };
    let (found, _) = folder.find(3, lifetimes, &Moment::now());
    let frames: Result<Vec<Frame>, _> = found.unwrap().saved.collect();
    frames.unwrap()
}

/// what is read from the disk is what was written, in bounded pieces, a route before its endpoints
#[test]
fn a_table_comes_back_as_it_was() {
    let mut writer = Writer::new(1);
    writer.begin(1);
    for at in 0..400 {
        writer.upsert(route(at));
        for n in 0..3 {
            writer.upsert(endpoint(at, n));
        }
    }
    let table = writer.publish();
    let mut restored = Writer::new(2);
    for frame in frames(&table) {
        let Frame::Things(carried) = frame else {
            panic!("{frame:?}");
        };
        assert!(
            carried.len() < 2 * FULL,
            "{} bytes in one frame",
            carried.len()
        );
        for thing in decode(&carried).unwrap() {
            assert!(restored.restore(thing, RestoredUntil::new(HOUR, HOUR, now())));
        }
    }
    let restored = restored.publish();
    assert_eq!((restored.routes(), restored.endpoints()), (400, 1200));
    let all = |table: &Table| {
        let mut all: Vec<_> = table
            .iter()
            .flat_map(|route| to_proto::things(route))
            .collect();
        for thing in &mut all {
            // Revisions compare within an epoch only, and a restored thing is of none.
            if let Some(v1::thing::Kind::Route(route)) = &mut thing.kind {
                route.revision = 0;
            }
        }
        all.sort_by_cached_key(|thing| format!("{thing:?}"));
        all
    };
    assert_eq!(all(&restored), all(&table));
}

#[test]
fn orphans_take_the_time_along_that_they_have_left() {
    let mut writer = Writer::new(1);
    let until = |minutes| RestoredUntil::new(minutes * (HOUR / 60), HOUR, now());
    for at in 0..100 {
        writer.restore(route(at), until(1));
        writer.restore(endpoint(at, 0), until(at));
        writer.restore(endpoint(at, 1), until(at + 1));
    }
    let frames = frames(&writer.publish());
    let mut lives = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for frame in frames {
        match frame {
            Frame::Things(carried) => {
                for thing in decode(&carried).unwrap() {
                    let Thing::Route(route) = thing else {
                        panic!("{thing:?}");
                    };
                    seen.insert(route.key);
                }
            }
            Frame::Orphans { left, carried } => {
                for thing in decode(&carried).unwrap() {
                    let Thing::Endpoint(endpoint) = thing else {
                        panic!("{thing:?}");
                    };
                    assert!(seen.contains(&endpoint.key), "attributes come first");
                    let at = endpoint.tls.is_none().then_some(left.as_secs() / 60);
                    lives.extend(at);
                }
            }
        }
    }
    assert_eq!(lives.len(), 100);
    lives.sort_unstable();
    assert!(
        lives
            .iter()
            .enumerate()
            .all(|(at, life)| *life <= at as u64 + 1),
        "{lives:?}"
    );
    lives.dedup();
    assert!(
        (GROUPS - 1..=GROUPS).contains(&lives.len()),
        "{}",
        lives.len()
    );
}

/// what a sound file carries may be anything, and crashes nobody
#[test]
fn things_that_make_no_sense_are_refused_without_a_crash() {
    let mut writer = Writer::new(1);
    writer.begin(1);
    for at in 0..5 {
        writer.upsert(route(at));
        writer.upsert(endpoint(at, 0));
    }
    let frames = frames(&writer.publish());
    let Some(Frame::Things(carried)) = frames.first() else {
        panic!("{frames:?}");
    };
    let mut random = fastrand::Rng::with_seed(7);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut changed = carried.clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..changed.len());
            changed[at] = random.u8(..);
        }
        if random.u8(..) < 32 {
            changed.truncate(random.usize(..changed.len()));
        }
        let mut restored = Writer::new(2);
        match decode(&changed) {
            Ok(things) => {
                for thing in things {
                    restored.restore(thing, RestoredUntil::new(HOUR, HOUR, now()));
                }
                drop(restored.publish());
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(
        read > 100 && refused > 100,
        "{read} read, {refused} refused"
    );
}
