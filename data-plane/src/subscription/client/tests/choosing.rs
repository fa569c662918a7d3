//! Two control planes, and which of them is followed.

use super::*;

/// Two control planes, each with its own sessions.
fn follow_two() -> (Following, [mpsc::Receiver<Session>; 2]) {
    let (first, firsts) = mpsc::channel(4);
    let (second, seconds) = mpsc::channel(4);
    let following = follow(|_| vec![scripted(first), scripted(second)]);
    (following, [firsts, seconds])
}

async fn begun(sessions: &mut mpsc::Receiver<Session>) -> Session {
    let session = timeout(Duration::from_secs(120), sessions.recv()).await;
    let mut session = session.unwrap().unwrap();
    session.hello().await;
    session
}

impl Following {
    async fn followed(&mut self, address: &str) {
        let followed = self.status.wait_for(|status| {
            let connection = status.connection.as_ref();
            connection.is_some_and(|connection| connection.address == address)
        });
        timeout(Duration::from_secs(120), followed)
            .await
            .unwrap()
            .unwrap();
    }
}

/// a young control plane is not followed where an authoritative one can be
#[tokio::test(start_paused = true)]
async fn an_authoritative_one_is_preferred_whatever_the_order() {
    let (mut following, [mut first, mut second]) = follow_two();
    let young = begun(&mut first).await;
    young.welcome(5, false, false).await;
    let mut authoritative = begun(&mut second).await;
    authoritative.welcome(6, true, true).await;
    following.followed("cp-1").await;
    assert_eq!(authoritative.send("a.com", 9).await.epoch, 6);
    assert!(young.say.is_closed(), "the other one is let go");
    let known: Vec<_> = following
        .status
        .borrow()
        .candidates
        .iter()
        .map(|known| known.worth)
        .collect();
    assert_eq!(known, [Some(Worth::Young), Some(Worth::Authoritative)]);
    assert_eq!(following.status.borrow().moves, 0);
}

/// among those whose word is worth the same, the order of the data plane decides
#[tokio::test(start_paused = true)]
async fn where_none_is_authoritative_the_best_is_taken() {
    let (mut following, [mut first, mut second]) = follow_two();
    let one = begun(&mut first).await;
    one.welcome(5, true, false).await;
    let other = begun(&mut second).await;
    other.welcome(6, true, false).await;
    following.followed("cp-0").await;
    assert!(other.say.is_closed() && !one.say.is_closed());
    assert_eq!(following.status.borrow().epoch, 5);
}

/// a broken connection leads to the other control plane within a second
#[tokio::test(start_paused = true)]
async fn a_dead_one_is_left_within_a_second() {
    let (mut following, [mut first, mut second]) = follow_two();
    let mut session = begun(&mut first).await;
    session.welcome(5, true, true).await;
    session.send("a.com", 9).await;
    let died = Instant::now();
    drop((session, first));
    let other = begun(&mut second).await;
    assert!(
        died.elapsed() < Duration::from_secs(1),
        "{:?}",
        died.elapsed()
    );
    assert_eq!(
        following.table.load().routes(),
        1,
        "and the table was served"
    );
    other.welcome(6, true, true).await;
    following.followed("cp-1").await;
    assert_eq!(
        following.status.borrow().moves,
        0,
        "away from a dead one is no move"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_by_age_is_no_fault() {
    let (mut following, [mut first, mut second]) = follow_two();
    let young = begun(&mut first).await;
    young.welcome(5, false, false).await;
    let mut session = begun(&mut second).await;
    session.welcome(6, true, true).await;
    session.send("a.com", 9).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    // Now the first one in the order has listened long enough.
    let ended = Instant::now();
    session.end("age").await;
    let mut session = begun(&mut first).await;
    assert!(
        ended.elapsed() < Duration::from_millis(50),
        "{:?}",
        ended.elapsed()
    );
    session.welcome(5, true, true).await;
    following.followed("cp-0").await;
    session.send("a.com", 9).await;
    assert!(following.status.borrow().trouble.is_none());
    assert_eq!(following.status.borrow().moves, 1);
    // Within a minute of that move it stays where it is.
    session.end("age").await;
    let session = begun(&mut first).await;
    session.welcome(5, true, true).await;
    following.followed("cp-0").await;
    assert_eq!(following.status.borrow().moves, 1);
}

#[tokio::test(start_paused = true)]
async fn a_young_one_does_not_steal_from_an_authoritative_one() {
    let (mut following, [mut first, mut second]) = follow_two();
    let young = begun(&mut first).await;
    young.welcome(5, false, false).await;
    let session = begun(&mut second).await;
    session.welcome(6, true, true).await;
    following.followed("cp-1").await;
    session.end("age").await;
    let open = begun(&mut first).await;
    open.welcome(5, true, false).await;
    let session = begun(&mut second).await;
    session.welcome(6, true, true).await;
    following.followed("cp-1").await;
    assert_eq!(following.status.borrow().moves, 0);
}

/// an empty data plane is not ready by a control plane that is not open
#[tokio::test(start_paused = true)]
async fn whoever_follows_a_young_one_looks_for_a_better_one() {
    let (first, mut firsts) = mpsc::channel(4);
    let (second, mut seconds) = mpsc::channel(4);
    let reachable = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (Link::Pipe(pipe), seen) = (scripted(second), Arc::clone(&reachable)) else {
        panic!("a pipe");
    };
    let flaky = Link::pipe(move || {
        let (pipe, seen) = (pipe.clone(), Arc::clone(&seen));
        async move {
            if seen.load(std::sync::atomic::Ordering::Relaxed) {
                pipe.connect().await
            } else {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        }
    });
    let mut following = follow(|_| vec![scripted(first), flaky]);
    let mut young = begun(&mut firsts).await;
    young.welcome(5, false, false).await;
    young.send("a.com", 3).await;
    following.followed("cp-0").await;
    assert!(!following.readiness.is_ready());
    reachable.store(true, std::sync::atomic::Ordering::Relaxed);
    let began = Instant::now();
    // A look, which hears that the other one is worth more, and then the session.
    begun(&mut seconds).await.welcome(6, true, false).await;
    assert!(
        began.elapsed() <= Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    let mut better = begun(&mut seconds).await;
    better.welcome(6, true, false).await;
    following.followed("cp-1").await;
    better.send("b.com", 4).await;
    timeout(Duration::from_secs(1), following.readiness.ready())
        .await
        .unwrap();
    assert_eq!(following.status.borrow().moves, 1);
    // It looks again, a minute after the move, and stays: a young one is worth less.
    let moved = Instant::now();
    let session = loop {
        // Whoever is silent is left.
        better
            .say(follow_response::Message::Heartbeat(v1::Heartbeat::default()))
            .await;
        if let Ok(session) = timeout(Duration::from_secs(5), begun(&mut firsts)).await {
            break session;
        }
    };
    assert!(
        moved.elapsed() > Duration::from_secs(55),
        "{:?}",
        moved.elapsed()
    );
    session.welcome(5, false, false).await;
    let later = timeout(Duration::from_secs(10), seconds.recv()).await;
    assert!(later.is_err(), "no further session");
}

#[tokio::test(start_paused = true)]
async fn questions_are_refused_by_name_when_they_come_in_floods() {
    let mut following = follow_one();
    let mut session = following.session().await;
    session.hello().await;
    session.fill("a.com", 9).await;
    for id in 0..40 {
        let kind = Some(v1::question::Kind::ExplainUrl("a.com".to_owned()));
        session
            .say(follow_response::Message::Question(v1::Question {
                id,
                kind,
            }))
            .await;
    }
    let (mut answered, mut refused) = (0, 0);
    while answered + refused < 40 {
        if let follow_request::Message::Answer(answer) = session.hear().await {
            match answer.kind {
                Some(v1::answer::Kind::Holding(_)) => answered += 1,
                Some(v1::answer::Kind::Refused(why)) if why.contains("too many") => refused += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!((16..20).contains(&answered), "{answered} answered");
    assert_eq!(following.status.borrow().questions_refused, refused);
    assert!(
        following.status.borrow().connection.is_some(),
        "the session goes on"
    );
}

/// a control plane that hangs is left after three missed signs of life, and not waited for again
#[tokio::test(start_paused = true)]
async fn a_silent_one_is_left_for_an_open_one_at_once() {
    let (mut following, [mut first, mut second]) = follow_two();
    let one = begun(&mut first).await;
    one.welcome(5, true, true).await;
    following.followed("cp-0").await;
    let silent_since = Instant::now();
    let other = begun(&mut second).await;
    other.welcome(6, true, false).await;
    following.followed("cp-1").await;
    let took = silent_since.elapsed();
    assert!(
        took >= Duration::from_secs(15) && took < Duration::from_secs(16),
        "{took:?}"
    );
    assert!(first.try_recv().is_err(), "nobody waits for it again");
}
