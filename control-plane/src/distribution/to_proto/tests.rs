use super::*;

#[test]
fn settings_and_filters_are_told() {
    let effective = Effective {
        mark_time: Duration::from_millis(1500),
        empty_pool_status: 503,
        empty_pool_timeout: Duration::from_secs(5),
        default_algorithm: Algorithm::LeastConnection,
        registration_interval: Duration::from_secs(20),
    };
    let told = settings(&effective, Algorithm::RoundRobin);
    assert_eq!(told.default_algorithm(), v1::Algorithm::RoundRobin);
    assert_eq!(
        told.mark_time,
        Some(prost_types::Duration {
            seconds: 1,
            nanos: 500_000_000
        })
    );
    assert_eq!(told.empty_pool.unwrap().status, 503);
    let only = filter(&SegmentFilter::Only(vec!["a".into()]));
    assert_eq!(
        (only.mode(), only.segments),
        (v1::SegmentMode::Segments, vec!["a".to_owned()])
    );
}
