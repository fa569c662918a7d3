//! Endpoints whose identity failed.

use super::*;

#[test]
fn an_endpoint_set_aside_comes_back_after_one_registration_interval() {
    let mut worker = Worker::with(1);
    let interval = worker.settings.registration_interval.as_millis();
    let interval = u64::try_from(interval).unwrap();
    worker.endpoints()[0].set_aside(at(0));
    assert_eq!(worker.once(interval - 1), Err(Unavailable::Empty));
    assert_eq!(worker.once(interval), Ok(0));
}

#[test]
fn an_endpoint_set_aside_comes_back_at_a_new_generation() {
    let mut worker = Worker::with(0);
    worker.upsert(endpoint("app", "10.0.0.1:80"));
    worker.endpoints()[0].set_aside(at(0));
    let moved = EndpointThing {
        segment: "s".to_owned(),
        ..endpoint("app", "10.0.0.1:80")
    };
    worker.upsert(moved.clone());
    assert_eq!(
        worker.once(1),
        Err(Unavailable::Empty),
        "the segment says nothing about identity"
    );
    worker.upsert(EndpointThing {
        generation: 2,
        ..moved
    });
    assert_eq!(worker.once(1), Ok(0));
}

#[test]
fn a_silent_endpoint_set_aside_comes_back_with_the_end_of_its_silence() {
    let mut worker = Worker::with(0);
    let heard = endpoint("app", "10.0.0.1:80");
    let silent = EndpointThing {
        silent: true,
        ..heard.clone()
    };
    worker.upsert(heard.clone());
    worker.endpoints()[0].set_aside(at(0));
    worker.upsert(silent);
    assert_eq!(
        worker.once(1 << 40),
        Err(Unavailable::Empty),
        "no interval readmits a silent one"
    );
    worker.upsert(heard);
    assert_eq!(worker.once(1), Ok(0));
}
