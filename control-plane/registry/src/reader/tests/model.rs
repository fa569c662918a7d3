//! Random histories against a registry so naive that it cannot be wrong, with readers that come, go, and lag.

use std::collections::BTreeMap;

use pointsman_route_key::RouteKey;
use proptest::prelude::*;

use super::replica::Replica;
use crate::testing::{Message, Scene, message, seconds};
use crate::{
    Capabilities, EffectiveValues, Ejection, Fields, Memory, Page, Reader, SegmentFilter, Settings,
    Step, Thing, Time, Transfer, View,
};

const ROUTES: [&str; 5] = ["a.com", "b.com", "b.com/x", "*.c.com", "d.com/Y"];
const SEGMENTS: [&str; 3] = ["", "s", "t"];
const READERS: usize = 3;

/// One registration as the model knows it.
#[derive(Clone, Debug, PartialEq)]
struct Saying {
    routes: Vec<usize>,
    address: u8,
    segment: usize,
    /// Which of some descriptions.
    words: u8,
    threshold: i64,
}

#[derive(Clone, Debug)]
enum Event {
    Say(Saying),
    /// Says something again that was said before.
    Repeat(usize),
    Unregister {
        route: usize,
        address: u8,
    },
    /// An operator takes an address out, of one route or of all; or takes that back.
    Eject {
        route: Option<usize>,
        address: u8,
    },
    Reinstate(usize),
    Pass(u64),
    Read {
        reader: usize,
        limit: usize,
    },
    /// The same, of a snapshot that readers with the same view share.
    Share {
        reader: usize,
        limit: usize,
    },
    /// Gets what another reader of the same view is given from so many revisions earlier on.
    PassOn {
        reader: usize,
        earlier: u64,
    },
    Reconnect {
        reader: usize,
        view: u8,
    },
    /// Somebody comes in its place who has nothing.
    Join {
        reader: usize,
    },
    Repair {
        reader: usize,
    },
    /// What is said from here on is staged.
    Stage,
    /// It is not any more, and what is staged stays so.
    Unstage,
    Admit {
        reader: usize,
    },
    /// Everybody is to have what is staged.
    EndStaging,
}

fn event() -> impl Strategy<Value = Event> {
    let saying = (
        proptest::collection::vec(0..ROUTES.len(), 1..3),
        0..6_u8,
        0..SEGMENTS.len(),
        0..7_u8,
        prop_oneof![Just(0_i64), Just(-1), Just(40)],
    );
    let saying = saying.prop_map(|(routes, address, segment, words, threshold)| Saying {
        routes,
        address,
        segment,
        words,
        threshold,
    });
    prop_oneof![
        6 => saying.prop_map(Event::Say),
        4 => (0..1000_usize).prop_map(Event::Repeat),
        3 => (0..ROUTES.len(), 0..6_u8).prop_map(|(route, address)| Event::Unregister { route, address }),
        1 => (proptest::option::of(0..ROUTES.len()), 0..6_u8)
            .prop_map(|(route, address)| Event::Eject { route, address }),
        1 => (0..1000_usize).prop_map(Event::Reinstate),
        2 => (0..60_u64).prop_map(Event::Pass),
        8 => (0..READERS, 1..6_usize).prop_map(|(reader, limit)| Event::Read { reader, limit }),
        4 => (0..READERS, 1..6_usize).prop_map(|(reader, limit)| Event::Share { reader, limit }),
        4 => (0..READERS, 0..8_u64).prop_map(|(reader, earlier)| Event::PassOn { reader, earlier }),
        2 => (0..READERS, prop_oneof![Just(0_u8), 0..5_u8]).prop_map(|(reader, view)| Event::Reconnect { reader, view }),
        1 => (0..READERS).prop_map(|reader| Event::Join { reader }),
        1 => (0..READERS).prop_map(|reader| Event::Repair { reader }),
        1 => Just(Event::Stage),
        1 => Just(Event::Unstage),
        1 => (0..READERS).prop_map(|reader| Event::Admit { reader }),
        1 => Just(Event::EndStaging),
    ]
}

fn view(number: u8) -> View {
    let filter = match number % 5 {
        0 | 4 => SegmentFilter::All,
        1 => SegmentFilter::SharedAnd(vec!["s".into()]),
        2 => SegmentFilter::Only(vec!["s".into(), "t".into()]),
        _ => SegmentFilter::Only(vec!["t".into()]),
    };
    let capabilities = if number == 4 {
        Capabilities::NONE
    } else {
        Capabilities::ALL
    };
    View {
        filter,
        capabilities,
    }
}

fn fields(words: u8) -> Fields<'static> {
    let base = Fields {
        protocol: "http1",
        ..Fields::default()
    };
    match words {
        0 | 1 => base,
        2 => Fields {
            app_id: "app",
            updated_at_ns: 1,
            ..base
        },
        3 => Fields {
            route_service_url: "https://one",
            updated_at_ns: 2,
            ..base
        },
        4 => Fields {
            route_service_url: "https://two",
            updated_at_ns: 3,
            ..base
        },
        5 => Fields {
            algorithm: "least-connection",
            updated_at_ns: 3,
            ..base
        },
        _ => Fields {
            tls: Some("san"),
            ..base
        },
    }
}

fn ejection((route, number): (Option<usize>, u8)) -> Ejection {
    Ejection {
        address: address(number).as_str().into(),
        route: route.map(|route| RouteKey::from_uri(ROUTES[route]).expect("a route")),
        app_id: None,
    }
}

fn address(number: u8) -> String {
    format!("10.0.0.{number}:80")
}

impl Saying {
    fn message(&self) -> Message {
        let uris: Vec<_> = self.routes.iter().map(|route| ROUTES[*route]).collect();
        let words = u128::from(self.words) << 64 | u128::from(self.address) << 32;
        let routes = self
            .routes
            .iter()
            .fold(1, |all, route| all * 8 + *route as u128);
        let threshold = self.threshold.unsigned_abs();
        let fingerprint =
            words | routes << 80 | (self.segment as u128) << 16 | u128::from(threshold);
        message(&address(self.address), &uris)
            .says(fields(self.words))
            .segment(SEGMENTS[self.segment])
            .threshold(self.threshold)
            .fingerprint(fingerprint)
    }
}

/// What is registered, by route and address.
#[derive(Default)]
struct Model {
    endpoints: BTreeMap<(usize, u8), (Saying, Time)>,
    silent: BTreeMap<(usize, u8), bool>,
    ejected: Vec<(Option<usize>, u8)>,
}

impl Model {
    fn say(&mut self, saying: &Saying, now: Time) {
        for route in &saying.routes {
            // What was overtaken on its way does not count while what overtook it is still being heard.
            let updated = |words| fields(words).updated_at_ns;
            let overtaken = |(known, heard): &(Saying, Time)| {
                let said = updated(saying.words);
                let recent = now.since(*heard) <= seconds(40);
                said > 0 && said < updated(known.words) && recent
            };
            let known = self.endpoints.get(&(*route, saying.address));
            if known.is_some_and(overtaken) {
                continue;
            }
            self.endpoints
                .insert((*route, saying.address), (saying.clone(), now));
            self.silent.insert((*route, saying.address), false);
        }
    }

    fn pass(&mut self, now: Time) {
        let silent = &mut self.silent;
        self.endpoints.retain(|name, (saying, heard)| {
            let threshold = match saying.threshold {
                0 => 100,
                -1 => 30,
                seconds => seconds.unsigned_abs(),
            };
            let over = now.since(*heard) > seconds(threshold);
            let tls = saying.words == 6;
            if over && tls {
                silent.insert(*name, true);
            }
            !over || tls
        });
    }

    /// The endpoints that a view sees: route, address, segment, description, silence. And the attributes: route,
    /// segment, route service.
    fn seen(&self, view: &View) -> (Vec<String>, Vec<String>) {
        let (mut endpoints, mut routes) = (Vec::new(), Vec::new());
        for (route, name) in ROUTES.iter().enumerate() {
            for (number, segment) in SEGMENTS.iter().enumerate() {
                let here: Vec<_> = self
                    .endpoints
                    .iter()
                    .filter(|((at, _), (saying, _))| (*at, saying.segment) == (route, number))
                    .collect();
                // The greatest update time decides; at equal ones the route service and the algorithm are decided
                // by digest, which the model does not know: it is told apart by the registry's own test.
                let greatest = here
                    .iter()
                    .map(|(_, (saying, _))| fields(saying.words).updated_at_ns)
                    .max();
                let Some(greatest) = greatest.filter(|_| view.filter.sees(segment)) else {
                    continue;
                };
                let needy = view.capabilities == Capabilities::NONE;
                if needy && greatest >= 2 {
                    continue;
                }
                routes.push(format!("{} {segment}", name.to_lowercase()));
                for (at, (saying, _)) in here {
                    let ejected = self.ejected.iter().any(|(only, address)| {
                        *address == at.1 && only.is_none_or(|only| only == at.0)
                    });
                    if ejected || needy && saying.words == 6 {
                        continue;
                    }
                    let silent = self.silent[at];
                    let app = fields(saying.words).app_id;
                    endpoints.push(format!(
                        "{} {} {segment} {app} {silent}",
                        name.to_lowercase(),
                        address(at.1)
                    ));
                }
            }
        }
        endpoints.sort();
        routes.sort();
        (endpoints, routes)
    }
}

fn held(replica: &Replica) -> (Vec<String>, Vec<String>) {
    let endpoints = replica.endpoints.values().map(|it| {
        format!(
            "{} {} {} {} {}",
            it.route,
            it.address,
            it.segment,
            it.description.app_id(),
            it.silent
        )
    });
    let routes = replica
        .routes
        .values()
        .map(|it| format!("{} {}", it.key, it.segment));
    let (mut endpoints, mut routes): (Vec<_>, Vec<_>) = (endpoints.collect(), routes.collect());
    endpoints.sort();
    routes.sort();
    (endpoints, routes)
}

struct Run {
    scene: Scene,
    model: Model,
    said: Vec<Saying>,
    readers: Vec<(Replica, Reader, View)>,
    /// The horizon passed a reader in the middle of something, so its next sums may differ, once.
    overtaken: [bool; READERS],
    recording: bool,
    part: u64,
    /// The pages of snapshots that were read.
    pages: Vec<(View, Page, Vec<Thing>)>,
}

impl Run {
    fn new(removals: usize) -> Self {
        let scene = Scene::new(Settings {
            stale_threshold: seconds(100),
            effective_values: EffectiveValues::FunctionOfState,
            memory: Memory {
                age: seconds(300),
                removals,
            },
            ..Settings::default()
        });
        let readers = (0..READERS).map(|number| {
            let view = view(u8::try_from(number).unwrap());
            let mut replica = Replica::default();
            let (reader, _) = replica.connect(&scene.registry, view.clone());
            (replica, reader, view)
        });
        let readers = readers.collect();
        Self {
            scene,
            model: Model::default(),
            said: Vec::new(),
            readers,
            overtaken: [false; READERS],
            recording: false,
            part: 0,
            pages: Vec::new(),
        }
    }

    fn happen(&mut self, event: &Event) {
        self.scene.registry.record_staged(self.recording);
        self.say_or_read(event);
        self.scene.registry.record_staged(false);
    }

    fn say_or_read(&mut self, event: &Event) {
        match event {
            Event::Stage => {
                self.part = self.scene.registry.begin_staging();
                self.recording = true;
            }
            Event::Unstage => self.recording = false,
            Event::Admit { reader } => self.readers[*reader].1.admit(self.part),
            Event::EndStaging => {
                self.scene.registry.end_staging(self.scene.now);
                self.recording = false;
            }
            Event::Say(saying) => self.say(saying.clone()),
            Event::Repeat(which) => {
                if let Some(saying) = which
                    .checked_rem(self.said.len())
                    .map(|at| self.said[at].clone())
                {
                    self.say(saying);
                }
            }
            Event::Unregister {
                route,
                address: number,
            } => {
                self.scene
                    .unregister(&message(&address(*number), &[ROUTES[*route]]));
                self.model.endpoints.remove(&(*route, *number));
            }
            Event::Eject { route, address } => {
                self.scene.registry.eject(ejection((*route, *address)));
                self.scene.registry.check();
                self.model.ejected.push((*route, *address));
            }
            Event::Reinstate(which) => {
                if let Some(at) = which.checked_rem(self.model.ejected.len()) {
                    let ejected = self.model.ejected.swap_remove(at);
                    self.scene.registry.reinstate(&ejection(ejected));
                    self.scene.registry.check();
                }
            }
            Event::Pass(duration) => {
                self.scene.pass(seconds(*duration));
                self.model.pass(self.scene.now);
            }
            Event::Read { reader, limit } => self.read(*reader, *limit),
            Event::Share { reader, limit } => self.share(*reader, *limit),
            Event::PassOn { reader, earlier } => self.pass_on(*reader, *earlier),
            Event::Reconnect {
                reader,
                view: number,
            } => self.reconnect(*reader, view(*number)),
            Event::Join { reader } => {
                self.readers[*reader].0 = Replica::default();
                let view = self.readers[*reader].2.clone();
                self.reconnect(*reader, view);
            }
            Event::Repair { reader } => self.repair(*reader),
        }
    }

    /// As a source does: what is known by its fingerprint is not applied.
    fn say(&mut self, saying: Saying) {
        let message = saying.message();
        if !self.scene.heard(&message) {
            self.scene.register(&message);
        }
        self.model.say(&saying, self.scene.now);
        self.said.push(saying);
    }

    fn read(&mut self, number: usize, limit: usize) {
        let registry = &self.scene.registry;
        let reader = &mut self.readers[number].1;
        self.overtaken[number] |= reader.removed < registry.horizon();
        let step = reader.next(registry, limit);
        self.apply(number, step);
    }

    fn apply(&mut self, number: usize, step: Step) {
        let (replica, reader, _) = &mut self.readers[number];
        if let Some(agrees) = replica.apply(step) {
            let overtaken = std::mem::take(&mut self.overtaken[number]);
            assert!(agrees || overtaken, "the sums differ");
            if !agrees {
                reader.restart(&self.scene.registry);
            }
        }
    }

    /// A page that fits is taken, whoever read it; otherwise one is read, and left for others.
    fn share(&mut self, number: usize, limit: usize) {
        let registry = &self.scene.registry;
        let (replica, reader, view) = &mut self.readers[number];
        let fits = |(seen, page, _): &&(View, Page, Vec<Thing>)| {
            *seen == *view && page.as_of >= registry.horizon() && reader.clone().turn(page)
        };
        // The oldest that fits, or the latest.
        let mut pages = self.pages.iter();
        let page = if limit.is_multiple_of(2) {
            pages.find(fits)
        } else {
            pages.rfind(fits)
        };
        if let Some((_, page, things)) = page {
            assert!(reader.turn(page));
            replica.apply(Step::Batch(things.clone()));
            return;
        }
        if reader.page_due().is_none() {
            return self.read(number, limit);
        }
        self.overtaken[number] |= reader.removed < registry.horizon();
        let (step, page) = reader.next_page(registry, limit);
        if let (Step::Batch(things), Some(page)) = (&step, page) {
            self.pages.push((view.clone(), page, things.clone()));
        }
        self.apply(number, step);
    }

    fn pass_on(&mut self, number: usize, earlier: u64) {
        let registry = &self.scene.registry;
        let (replica, reader, view) = &mut self.readers[number];
        let Some(revision) = reader.rests_at() else {
            return;
        };
        let mut other = Reader::resting(view.clone(), revision.saturating_sub(earlier));
        let delta = other.delta(registry, 32);
        assert_eq!(other.rests_at(), Some(registry.head()));
        if let Some((things, closing)) = delta {
            replica.apply(Step::Batch(things));
            reader.rest_at(closing.revision);
            assert_eq!(replica.apply(Step::Closing(closing)), Some(true));
        }
    }

    fn repair(&mut self, number: usize) {
        let registry = &self.scene.registry;
        let reader = &mut self.readers[number].1;
        self.overtaken[number] |= reader.removed < registry.horizon();
        reader.restart(registry);
    }

    fn reconnect(&mut self, number: usize, view: View) {
        let registry = &self.scene.registry;
        let (replica, reader, seen) = &mut self.readers[number];
        // What was withheld under other capabilities is not in a delta: a peer that learnt something says so by
        // asking for everything.
        if seen.capabilities != view.capabilities {
            replica.revision = 0;
        }
        let (new, transfer) = replica.connect(registry, view.clone());
        // Who was cut off in the middle of being given what is staged has some of it, and nobody knows.
        self.overtaken[number] = reader.gave_staged;
        assert!(transfer == Transfer::Snapshot || replica.revision >= registry.horizon());
        (*reader, *seen) = (new, view);
    }

    fn settle(&mut self) {
        self.scene.registry.end_staging(self.scene.now);
        for number in 0..READERS {
            for _ in 0..10_000 {
                if self.readers[number].1.is_idle(&self.scene.registry) {
                    break;
                }
                self.read(number, 4);
            }
            let (replica, reader, view) = &self.readers[number];
            assert!(reader.is_idle(&self.scene.registry));
            assert_eq!(held(replica), self.model.seen(view));
            assert_eq!(replica.sum(), reader.sums(&self.scene.registry).0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_reader_comes_to_hold_what_the_model_says(
        events in proptest::collection::vec(event(), 1..200),
        removals in prop_oneof![Just(3_usize), Just(1_000)],
    ) {
        let mut run = Run::new(removals);
        for event in &events {
            run.happen(event);
        }
        run.settle();
    }
}
