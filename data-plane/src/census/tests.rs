use super::*;

const ALL: Census = Census {
    varz: true,
    active_apps: true,
};

fn workers(census: Census) -> [Arc<Counters>; 2] {
    [(); 2].map(|()| {
        Arc::new(Counters {
            account: census.account(),
            ..Counters::default()
        })
    })
}

fn request(component: &'static str, status: u16) -> Counted<'static> {
    Counted {
        component,
        app: "app",
        attempts: 1,
        status,
        second: 100,
        time: Some(Duration::from_millis(1)),
        now: Duration::from_secs(1),
        draw: 7,
    }
}

fn enter(worker: &Counters, counted: &Counted<'_>) {
    worker.account.as_ref().expect("an account").enter(counted);
}

fn shown(workers: &[Arc<Counters>], second: u64) -> Figures {
    figures(workers, &Totals::default(), second)
}

/// C-415: two requests to endpoints of a component are counted as its own
/// C-417: so are their responses, by class
/// C-418: of one response of a millisecond all percentiles are 0.001
#[test]
fn components_have_figures_of_their_own() {
    let workers = workers(ALL);
    enter(&workers[0], &request("cc", 200));
    let figures = shown(&workers, 100);
    assert_eq!(figures.all.latency, [0.001; 5]);
    assert_eq!(figures.components["cc"].latency, [0.001; 5]);
    enter(&workers[1], &request("cc", 404));
    enter(&workers[1], &request("", 404));
    let figures = shown(&workers, 100);
    assert_eq!(figures.components.len(), 1, "none without a name");
    assert_eq!(figures.components["cc"].requests, 2);
    assert_eq!(figures.components["cc"].responses, [1, 0, 1, 0, 0]);
    assert_eq!(figures.top_apps, [("app".into(), 3)]);
}

#[test]
fn what_is_not_told_of_a_request_is_not_counted() {
    let workers = workers(ALL);
    let retried = Counted {
        attempts: 3,
        app: "",
        time: None,
        ..request("cc", 502)
    };
    enter(&workers[0], &retried);
    let figures = shown(&workers, 100);
    assert_eq!(figures.components["cc"].requests, 3);
    assert_eq!(figures.components["cc"].responses, [0, 0, 0, 1, 0]);
    assert_eq!(figures.all.latency, [0.0; 5], "it did not come to its end");
    assert!(figures.top_apps.is_empty());
    assert!(take_active(&workers, 9).is_empty());
}

/// L-39: components without number are counted together
#[test]
fn components_without_number_stand_together() {
    let workers = workers(ALL);
    for component in 0..1100 {
        let name = component.to_string();
        let one = Counted {
            component: &name,
            ..request("", 200)
        };
        enter(&workers[0], &one);
    }
    let components = shown(&workers, 100).components;
    assert_eq!(components.len(), 1001);
    assert_eq!(components["other"].requests, 100);
}

#[test]
fn apps_are_forgotten_after_a_minute() {
    let workers = workers(ALL);
    enter(&workers[0], &request("", 200));
    assert_eq!(shown(&workers, 159).top_apps, [("app".into(), 1)]);
    assert!(shown(&workers, 160).top_apps.is_empty());
}

#[test]
fn only_what_is_asked_for_is_counted() {
    assert!(Census::default().account().is_none());
    let active = workers(Census { varz: false, ..ALL });
    for (worker, second) in active.iter().zip([100, 90]) {
        let counted = Counted {
            second,
            ..request("cc", 200)
        };
        enter(worker, &counted);
    }
    let figures = shown(&active, 100);
    assert!(figures.components.is_empty() && figures.top_apps.is_empty());
    let expected = HashMap::from([("app".into(), 100)]);
    assert_eq!(take_active(&active, 9), expected, "the later one counts");
    assert!(take_active(&active, 9).is_empty());
}
