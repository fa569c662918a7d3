use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn failed(choice: &mut Choice, at: usize, now: Instant) {
    choice.failed(at, "gone".to_owned(), (now, 0.999));
}

#[test]
fn the_order_is_each_data_planes_own_and_lasts() {
    let order = |name: &str, hosts: &[u8]| {
        let mut hosts = hosts.to_vec();
        hosts.sort_by_key(|host| rank(name, &format!("10.0.0.{host}"), 7600));
        hosts
    };
    let first: std::collections::BTreeSet<u8> = (0..64)
        .map(|n| order(&format!("dp-{n}"), &[1, 2, 3, 4]).remove(0))
        .collect();
    assert_eq!(first.len(), 4, "a fleet spreads over all");
    let mut without = order("a", &[1, 2, 3, 4]);
    without.retain(|host| *host != 1);
    assert_eq!(
        order("a", &[2, 3, 4]),
        without,
        "one less moves nobody else"
    );
    assert_eq!(order("a", &[4, 3, 2, 1]), order("a", &[1, 2, 3, 4]));
}

#[test]
fn whoever_failed_last_is_tried_last_and_only_after_a_while() {
    let now = Instant::now();
    let mut choice = Choice::new(3);
    assert_eq!(choice.round(now), [0, 1, 2]);
    choice.follow(0, now);
    failed(&mut choice, 0, now);
    assert_eq!(choice.round(now), [1, 2], "left alone");
    assert_eq!(choice.round(now + SECOND), [1, 2, 0]);
    choice.follow(1, now);
    choice.confirmed();
    choice.aged(now + SECOND);
    assert_eq!(
        choice.round(now + SECOND),
        [0, 1, 2],
        "it gets its share again"
    );
    for at in 0..3 {
        failed(&mut choice, at, now);
    }
    assert_eq!(choice.round(now), [0; 0]);
    assert!(choice.next_try().unwrap() > now);
}

/// a data plane leaves a control plane that works at most once a minute
#[test]
fn a_control_plane_that_works_is_left_at_most_once_a_minute() {
    let start = Instant::now();
    let mut choice = Choice::new(2);
    choice.follow(1, start);
    choice.aged(start);
    assert_eq!(choice.round(start), [0, 1], "the first session was no move");
    choice.follow(0, start);
    assert_eq!(choice.moves(), 1);
    choice.aged(start + 59 * SECOND);
    assert_eq!(choice.round(start + 59 * SECOND), [0, 1]);
    choice.follow(1, start + 70 * SECOND);
    choice.aged(start + 80 * SECOND);
    assert_eq!(choice.round(start + 80 * SECOND), [1, 0], "it stays");
    choice.follow(1, start + 80 * SECOND);
    choice.aged(start + 130 * SECOND);
    assert_eq!(choice.round(start + 130 * SECOND), [0, 1]);
    assert_eq!(choice.moves(), 2);
}

#[test]
fn away_from_a_dead_one_a_move_is_no_move() {
    let now = Instant::now();
    let mut choice = Choice::new(2);
    choice.follow(0, now);
    failed(&mut choice, 0, now);
    choice.follow(1, now);
    failed(&mut choice, 1, now);
    assert_eq!(choice.round(now + SECOND), [0, 1]);
    choice.follow(0, now + SECOND);
    assert_eq!(choice.moves(), 0);
}

#[test]
fn only_who_follows_one_that_is_not_authoritative_looks_around() {
    let now = Instant::now();
    let mut choice = Choice::new(2);
    choice.follow(0, now);
    assert_eq!(choice.next_look(Worth::Authoritative, false), None);
    assert_eq!(choice.next_look(Worth::Open, true), Some(now + 60 * SECOND));
    assert_eq!(
        choice.next_look(Worth::Young, false),
        Some(now + 5 * SECOND)
    );
    assert_eq!(choice.others(now + 5 * SECOND), [1]);
    assert_eq!(
        choice.next_look(Worth::Young, false),
        Some(now + 10 * SECOND)
    );
    choice.prefer(1);
    assert_eq!(choice.round(now), [1, 0]);
    choice.follow(1, now + 10 * SECOND);
    let later = now + 70 * SECOND;
    assert_eq!(
        choice.next_look(Worth::Young, false),
        Some(later),
        "moves are rare"
    );
    let mut alone = Choice::new(1);
    alone.follow(0, now);
    assert_eq!(alone.next_look(Worth::Young, false), None);
}

/// a control plane's word is worth what it says of itself
#[test]
fn an_authoritative_one_is_worth_more_than_an_open_one_and_that_more_than_a_young_one() {
    let worth = |open, authoritative| {
        Worth::of(&v1::Standing {
            open,
            authoritative,
            ..v1::Standing::default()
        })
    };
    assert!(worth(true, true) > worth(true, false));
    assert!(worth(true, false) > worth(false, false));
}
