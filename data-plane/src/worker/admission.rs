//! The bound on requests in flight in the whole process (L-22), without a shared number that every
//! request would have to change: a worker reserves places in batches. And who is not let in though
//! there are places: everybody while memory is short, and a route that has its share while
//! others may need the rest.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pointsman_routing::Route;

use super::visits::{Visit, Visits};
use crate::counters::Counters;

/// Places that a worker reserves at a time, where the bound is large enough for that.
const BATCH: usize = 64;

/// The places of the process.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Places {
    free: AtomicUsize,
    batch: usize,
    /// How many there are, taken or free.
    all: AtomicUsize,
    /// How many were taken away while requests had them: they go when they are given back.
    owed: AtomicUsize,
    /// Of a hundred places, how many the requests of one route may have.
    route_percent: u32,
    /// The last free places, which a route that has its share leaves to others.
    spared: AtomicUsize,
    /// There is no memory for more requests.
    memory_short: AtomicBool,
    /// Who is at no endpoint, but at the service of its route.
    visits: Arc<Visits>,
}

impl Places {
    /// So many, for so many workers; one route may have so many of a hundred.
    pub(crate) fn new(places: usize, workers: usize, route_percent: u32) -> Self {
        // What idle workers hold back together stays below a quarter of the bound.
        let batch = (places / (8 * workers.max(1))).clamp(1, BATCH);
        Self {
            free: AtomicUsize::new(places),
            batch,
            all: AtomicUsize::new(places),
            owed: AtomicUsize::new(0),
            route_percent,
            spared: AtomicUsize::new(places - share(places, route_percent)),
            memory_short: AtomicBool::new(false),
            visits: Visits::new(),
        }
    }

    /// How many there are, taken or free.
    pub(crate) fn all(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// Has so many be there from now on. Where there are fewer than are taken, the requests that have them go on, and no
    /// other takes their places. One thread at a time may say so.
    pub(crate) fn resize(&self, places: usize) {
        let before = self.all.swap(places, Ordering::Relaxed);
        let spared = places - share(places, self.route_percent);
        self.spared.store(spared, Ordering::Relaxed);
        if places >= before {
            self.give(places - before);
            return;
        }
        let fewer = before - places;
        let less = |free: usize| free.saturating_sub(fewer);
        let free = self.free.update(Ordering::Relaxed, Ordering::Relaxed, less);
        self.owed
            .fetch_add(fewer - free.min(fewer), Ordering::Relaxed);
    }

    /// Sheds requests for want of memory, or takes them again; answers whether that is a change.
    pub(super) fn set_memory_short(&self, short: bool) -> bool {
        self.memory_short.swap(short, Ordering::Relaxed) != short
    }

    /// Whether only those places are free that a route with its share leaves to others. What workers have reserved is not
    /// free, so that this may be so too early, never too late.
    #[inline]
    fn are_short(&self) -> bool {
        self.free.load(Ordering::Relaxed) < self.spared.load(Ordering::Relaxed)
    }

    /// How many of them the requests of one route may have.
    fn of_one_route(&self) -> usize {
        self.all() - self.spared.load(Ordering::Relaxed).min(self.all())
    }

    fn take(&self, count: usize) -> bool {
        let take = |free: usize| free.checked_sub(count);
        self.free
            .try_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    fn give(&self, count: usize) {
        let mut count = count;
        if self.is_owed() {
            let less = |owed: usize| owed.saturating_sub(count);
            let owed = self.owed.update(Ordering::Relaxed, Ordering::Relaxed, less);
            count -= owed.min(count);
        }
        self.free.fetch_add(count, Ordering::Relaxed);
    }

    fn is_owed(&self) -> bool {
        self.owed.load(Ordering::Relaxed) > 0
    }
}

/// How many of so many places one route may have: one at least.
const fn share(places: usize, percent: u32) -> usize {
    let part = places.saturating_mul(percent as usize) / 100;
    if part == 0 { 1 } else { part }
}

/// One worker's share of them.
#[derive(Debug)]
pub(crate) struct Admission {
    share: Rc<Share>,
}

#[derive(Debug)]
struct Share {
    places: Arc<Places>,
    counters: Arc<Counters>,
    reserved: Cell<usize>,
}

/// One request in flight.
#[derive(Debug)]
pub(crate) struct Permit {
    share: Rc<Share>,
}

impl Admission {
    /// A worker that has reserved nothing.
    pub(crate) fn new(places: Arc<Places>, counters: Arc<Counters>) -> Self {
        Self {
            share: Rc::new(Share {
                places,
                counters,
                reserved: Cell::new(0),
            }),
        }
    }

    /// A place, if there is one.
    #[inline]
    pub(crate) fn admit(&self) -> Option<Permit> {
        if self.is_memory_short() && self.share.is_busy() {
            return None;
        }
        self.admit_begun()
    }

    /// Whether requests are shed for want of memory.
    #[inline]
    pub(crate) fn is_memory_short(&self) -> bool {
        self.share.places.memory_short.load(Ordering::Relaxed)
    }

    /// A place, if there is one, for the second part of a request whose first part has been let in: without it the first
    /// would have been for nothing, whatever memory there is.
    #[inline]
    pub(crate) fn admit_begun(&self) -> Option<Permit> {
        let share = &self.share;
        if share.reserved.get() == 0 {
            let Share {
                places, reserved, ..
            } = &**share;
            if places.take(places.batch) {
                reserved.set(places.batch);
            } else if places.take(1) {
                reserved.set(1);
            } else {
                return None;
            }
        }
        share.reserved.set(share.reserved.get() - 1);
        share.counters.requests_in_flight.increment();
        Some(Permit {
            share: Rc::clone(share),
        })
    }
}

impl Share {
    /// Something of this worker is in flight. Where memory is short it has to end first; where nothing is, requests are not
    /// what takes the memory, and one at a time is better than none.
    fn is_busy(&self) -> bool {
        // A tunnel keeps its place, and may stay for days.
        let tunnels = self.counters.tunnels_open.get();
        self.counters.requests_in_flight.get() > tunnels
    }
}

impl Admission {
    /// Gives back what is reserved where the process has fewer places than before.
    pub(crate) fn settle(&self) {
        let Share {
            places, reserved, ..
        } = &*self.share;
        if places.is_owed() {
            places.give(reserved.take());
        }
    }

    /// Whether a route with so many requests in flight has its share already while places are short. They are counted only
    /// then, so that it costs the others one comparison.
    #[inline]
    pub(crate) fn has_its_share(&self, in_flight: impl FnOnce() -> usize) -> bool {
        let places = &self.share.places;
        places.are_short() && in_flight() >= places.of_one_route()
    }

    /// Counts one more request at the service of its route, which has so many at its endpoints. `None`: all together they
    /// are its share.
    pub(super) fn visit(
        &self,
        route: &Route,
        at_endpoints: impl FnOnce() -> usize,
    ) -> Option<Visit> {
        let visits = &self.share.places.visits;
        let may = !self.has_its_share(|| at_endpoints() + visits.of(route));
        may.then(|| visits.begin(route))
    }

    /// The places of the process.
    pub(super) fn places(&self) -> &Places {
        &self.share.places
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        let Share {
            places,
            counters,
            reserved,
        } = &*self.share;
        counters.requests_in_flight.decrement();
        reserved.set(reserved.get() + 1);
        if reserved.get() >= 2 * places.batch {
            places.give(places.batch);
            reserved.set(reserved.get() - places.batch);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.places.give(self.reserved.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(places: &Arc<Places>) -> Admission {
        Admission::new(Arc::clone(places), Arc::default())
    }

    #[test]
    fn no_more_requests_are_admitted_than_there_are_places() {
        let places = Arc::new(Places::new(3, 2, 100));
        let (one, two) = (worker(&places), worker(&places));
        let mut held = vec![one.admit(), two.admit(), one.admit()];
        assert!(held.iter().all(Option::is_some));
        assert!(one.admit().is_none());
        assert!(two.admit().is_none());
        held.pop();
        assert!(one.admit().is_some(), "the place went back to its worker");
    }

    /// the bound on requests in flight is raised, and lowered again, while requests are in flight
    #[test]
    fn there_may_be_more_places_for_a_while() {
        let places = Arc::new(Places::new(4, 1, 100));
        let one = worker(&places);
        let mut held: Vec<_> = (0..10).map_while(|_| one.admit()).collect();
        assert_eq!(held.len(), 4);
        places.resize(6);
        held.extend((0..10).map_while(|_| one.admit()));
        assert_eq!((held.len(), places.all()), (6, 6));
        places.resize(3);
        assert!(one.admit().is_none());
        held.truncate(3);
        one.settle();
        assert!(one.admit().is_none(), "three are in flight already");
        held.clear();
        one.settle();
        let held: Vec<_> = (0..10).map_while(|_| one.admit()).collect();
        assert_eq!(held.len(), 3);
        places.resize(4);
        let fourth = one.admit();
        assert!(fourth.is_some() && one.admit().is_none());
    }

    /// without memory nobody is let in beside others, and everybody again at once when there is some
    #[test]
    fn without_memory_nobody_is_admitted_beside_others() {
        let places = Arc::new(Places::new(100, 1, 100));
        let one = worker(&places);
        let held = one.admit();
        assert!(places.set_memory_short(true) && !places.set_memory_short(true));
        assert!(one.admit().is_none());
        drop(held);
        let alone = one.admit();
        assert!(alone.is_some() && one.admit().is_none());
        assert!(places.set_memory_short(false));
        assert!(one.admit().is_some());
    }

    /// without memory what was let in already goes on, as far as there are places, and a tunnel is nothing that ends soon
    #[test]
    fn without_memory_what_has_begun_goes_on() {
        let places = Arc::new(Places::new(3, 1, 100));
        let counters = Arc::<Counters>::default();
        let one = Admission::new(Arc::clone(&places), Arc::clone(&counters));
        places.set_memory_short(true);
        let tunnel = one.admit();
        assert!(tunnel.is_some() && one.admit().is_none());
        counters.tunnels_open.increment();
        let beside = one.admit();
        assert!(beside.is_some(), "nothing but a tunnel was in flight");
        assert!(one.admit().is_none(), "now there is a request");
        let begun = one.admit_begun();
        assert!(
            begun.is_some() && one.admit_begun().is_none(),
            "three places"
        );
    }

    /// a route has its share of the places, and they are counted only when it may have more
    #[test]
    fn a_route_has_its_share() {
        let places = Arc::new(Places::new(10, 1, 40));
        let one = worker(&places);
        let never = || -> usize { panic!("it cannot have its share") };
        let mut held = Vec::new();
        for _ in 0..4 {
            assert!(!one.has_its_share(never));
            held.push(one.admit());
        }
        held.push(one.admit());
        assert!(one.has_its_share(|| 4));
        assert!(!one.has_its_share(|| 3), "the others are another's");
        places.resize(20);
        assert!(!one.has_its_share(never), "four tenths are eight by now");
        held.extend((0..8).map(|_| one.admit()));
        assert!(one.has_its_share(|| 8) && !one.has_its_share(|| 7));
    }

    #[test]
    fn places_go_back_to_the_process() {
        let places = Arc::new(Places::new(1000, 1, 100));
        let one = worker(&places);
        let held: Vec<_> = (0..500).map_while(|_| one.admit()).collect();
        assert_eq!(held.len(), 500);
        drop(held);
        assert!(places.free.load(Ordering::Relaxed) >= 1000 - 2 * BATCH);
        drop(one);
        assert_eq!(places.free.load(Ordering::Relaxed), 1000);
    }
}
