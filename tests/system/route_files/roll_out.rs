//! A large change of a route file goes to one data plane, and to the others when that is well.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use pointsman_tests::balancer::Balancer;
use pointsman_tests::client::Response;
use pointsman_tests::endpoint::{Answer, Reply};
use pointsman_tests::fleet::BOUND;
use pointsman_tests::{Client, Endpoint, eventually};
use serde_json::{Value, json};

const ROUTES: usize = 4;

/// A data plane reports every five seconds, and is waited for until it has.
const REPORTED: std::time::Duration = BOUND.saturating_mul(3);

/// Three data planes that serve routes of a file, and what the file is to say of these afterwards. Endpoints that are new
/// wait for nobody, so the change is one of the rules: they say as what a request arrives.
struct Staged {
    balancer: Balancer,
    before: String,
    after: String,
    _endpoint: Endpoint,
}

fn file(endpoint: &Endpoint, path: &str) -> String {
    let address = endpoint.address();
    let each = (0..ROUTES).map(|number| {
        format!(
            "- {{ host: r{number}.example.com, rules: {{ rewrite: {{ path: /{path} }} }}, endpoints: ['{address}'] }}\n"
        )
    });
    "routes:\n".to_owned() + &each.collect::<String>()
}

impl Staged {
    /// `calm`: for how long requests have to succeed at the first one; with an endpoint that answers with this status what
    /// arrives by the change.
    async fn start(calm: &str, status: u16) -> Self {
        let endpoint = Endpoint::with(move |head| {
            let path = head.target.trim_start_matches('/');
            let status = if path == "after" { status } else { 200 };
            Answer::Reply(Reply::status(status).with_body(path))
        })
        .await;
        let [before, after] = ["before", "after"].map(|path| file(&endpoint, path));
        let roll_out = format!("{{ least: 0, step_percent: 100, calm: {calm} }}");
        let balancer = Balancer::rolling_out(&before, 3, &roll_out).await;
        for number in 0..ROUTES {
            let host = format!("r{number}.example.com");
            balancer.answers(&host, "/", StatusCode::OK).await;
        }
        Self {
            balancer,
            before,
            after,
            _endpoint: endpoint,
        }
    }

    fn change(&self) {
        self.balancer.write("routes.yml", &self.after);
    }

    /// What each data plane answers.
    async fn served(&self) -> Vec<String> {
        let mut served = Vec::new();
        for number in 0..ROUTES {
            let host = format!("r{number}.example.com");
            let answers = self.balancer.ask(&host, "/").await;
            let answers: Vec<_> = answers.iter().map(|it| it.text().to_owned()).collect();
            if number == 0 {
                served = answers;
            } else if served != answers {
                // Between two routes it was given the change.
                return Vec::new();
            }
        }
        served
    }

    /// How many of them have the change.
    async fn changed(&self) -> usize {
        let served = self.served().await;
        served.iter().filter(|it| *it == "after").count()
    }

    async fn until_changed(&self, wanted: usize) {
        let what = format!("{wanted} data planes to have the change");
        eventually(&what, BOUND, async || match self.served().await {
            served if served.len() != 3 => Err("it is changing".to_owned()),
            served if served.iter().filter(|it| *it == "after").count() == wanted => Ok(()),
            served => Err(format!("{served:?}")),
        })
        .await;
    }

    async fn admin(&self, request: http::request::Builder, body: String) -> Response {
        let address = self.balancer.control_plane.address("admin");
        let mut client = Client::connect(address).await;
        let request = request
            .header(HOST, "localhost")
            .body(Full::new(Bytes::from(body)));
        let answer = client.send(request.expect("a request")).await;
        answer.expect("an answer")
    }

    /// The epoch, and what is under way.
    async fn shown(&self) -> (Value, Value) {
        let answer = self
            .admin(Request::get("/v1/roll-out"), String::new())
            .await;
        let mut shown: Value = serde_json::from_str(answer.text()).expect("JSON");
        (shown["epoch"].take(), shown["roll_out"].take())
    }

    /// Waits until a roll-out has come so far.
    async fn until_stage(&self, wanted: &str) -> (Value, Value) {
        eventually(wanted, BOUND, async || {
            let (epoch, shown) = self.shown().await;
            let is_so_far = shown["stage"] == wanted;
            is_so_far
                .then_some((epoch, shown.clone()))
                .ok_or_else(|| shown.to_string())
        })
        .await
    }

    async fn until_over(&self) {
        eventually("the roll-out to be over", REPORTED, async || {
            let (_, shown) = self.shown().await;
            shown
                .is_null()
                .then_some(())
                .ok_or_else(|| shown.to_string())
        })
        .await;
    }

    async fn finish(&self, epoch: &Value, number: u64) -> StatusCode {
        let order = json!({ "epoch": epoch, "number": number });
        let request = Request::post("/v1/roll-out/finish").header(CONTENT_TYPE, "application/json");
        self.admin(request, order.to_string()).await.status
    }
}

/// a large change of a file is served by one data plane first, and by the others once an operator finishes it
#[tokio::test(flavor = "multi_thread")]
async fn a_change_stays_at_the_first_data_plane_until_an_operator_finishes_it() {
    let staged = Staged::start("1h", 200).await;
    staged.change();
    let (epoch, shown) = staged.until_stage("first").await;
    let names = |of: &str| shown[of].as_array().expect("names").len();
    assert_eq!((names("admitted"), names("waiting")), (1, 2), "{shown}");
    assert_eq!(
        (&shown["cause"], &shown["routes"]),
        (&json!("source"), &json!(ROUTES))
    );
    staged.until_changed(1).await;
    let first = staged.served().await;
    for _ in 0..20 {
        assert_eq!(staged.served().await, first);
    }
    let number = shown["number"].as_u64().expect("a number");
    assert_eq!(
        staged.finish(&epoch, number + 1).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(staged.changed().await, 1);
    assert_eq!(staged.finish(&epoch, number).await, StatusCode::OK);
    staged.until_changed(3).await;
    staged.until_over().await;
}

/// where requests go on to succeed at the first one, the others get the change by themselves
#[tokio::test(flavor = "multi_thread")]
async fn the_others_follow_a_first_one_that_is_well() {
    let staged = Staged::start("1s", 200).await;
    staged.change();
    let mut seen = Vec::new();
    eventually(
        "every data plane to have the change",
        REPORTED,
        async || {
            let changed = staged.changed().await;
            if changed > 0 && seen.last() != Some(&changed) {
                seen.push(changed);
            }
            (changed == 3)
                .then_some(())
                .ok_or_else(|| format!("{seen:?}"))
        },
    )
    .await;
    assert!(seen.first() == Some(&1) && seen.is_sorted(), "{seen:?}");
    staged.until_over().await;
    let log = staged.balancer.control_plane.log();
    let steps: Vec<u64> = log
        .lines()
        .filter(|line| line.contains("roll-out-goes-on"))
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            line["data"]["replicas"].as_u64().expect("how many")
        })
        .collect();
    assert_eq!(steps, [1, 2]);
}

/// a change that makes requests fail halts at the first one, is shown, and is withdrawn with the file
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_makes_requests_fail_stays_away_from_the_others_and_may_be_withdrawn() {
    let staged = Staged::start("1h", 500).await;
    staged.change();
    staged.until_changed(1).await;
    let served = staged.served().await;
    let first = served
        .iter()
        .position(|it| it == "after")
        .expect("the first");
    let router = staged.balancer.routers()[first];
    let halted = eventually("the roll-out to halt", REPORTED, async || {
        let mut client = Client::connect(router).await;
        for _ in 0..10 {
            let answer = client.get("r0.example.com", "/").await;
            answer.map_err(|failure| failure.to_string())?;
        }
        let (_, shown) = staged.shown().await;
        let is_halted = shown["stage"] == "halted";
        is_halted
            .then_some(shown.clone())
            .ok_or_else(|| shown.to_string())
    })
    .await;
    let reason = halted["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("more requests fail at "), "{reason}");
    let names = |of: &str| halted[of].as_array().expect("names").len();
    assert_eq!((names("admitted"), names("waiting")), (1, 2), "{halted}");
    assert_eq!(staged.served().await, served);
    staged.balancer.logged("roll-out-halted").await;
    staged.balancer.write("routes.yml", &staged.before);
    staged.until_changed(0).await;
    staged.until_over().await;
}
