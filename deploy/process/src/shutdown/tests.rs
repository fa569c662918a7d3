//! Ends of a process, in stages and otherwise.

use std::convert::Infallible;
use std::process::Command;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;

const BOUNDS: Bounds = Bounds {
    wait: Duration::from_secs(20),
    timeout: Duration::from_secs(900),
};

/// A way for a vital task to end.
type End = fn(&Tasks);

/// A process under a supervisor, with its signals in the test's hand.
struct Running {
    tasks: Tasks,
    signals: mpsc::UnboundedSender<Signal>,
    told: mpsc::UnboundedReceiver<String>,
    outcome: JoinHandle<Outcome>,
    begun: Instant,
}

impl Running {
    fn start(convention: Convention) -> Self {
        let supervisor = Supervisor::new();
        let tasks = supervisor.tasks().clone();
        let (signals, sender) = Signals::by_hand(convention);
        let (tell, told) = mpsc::unbounded_channel();
        let observe = move |event: Event<'_>| tell.send(format!("{event:?}")).expect("heard");
        let outcome = tokio::spawn(supervisor.run(signals, BOUNDS, observe));
        Self {
            tasks,
            signals: sender,
            told,
            outcome,
            begun: Instant::now(),
        }
    }

    fn signal(&self, signal: Signal) {
        self.signals.send(signal).expect("the supervisor listens");
    }

    async fn told(&mut self) -> String {
        let told = self.told.recv().await.expect("more is told");
        told.split(['(', ' ']).next().unwrap_or_default().to_owned()
    }

    async fn end(self) -> (Outcome, Duration) {
        let outcome = self.outcome.await.expect("the supervisor ends well");
        (outcome, self.begun.elapsed())
    }

    /// Work in flight that ends when the sender is used or dropped.
    fn work(&self) -> oneshot::Sender<()> {
        let (done, finished) = oneshot::channel();
        self.tasks.spawn_work(async move {
            let _ = finished.await;
        });
        done
    }
}

/// Waits for a stage; a day of the paused clock is a moment of ours.
async fn reached(stage: &CancellationToken) {
    let day = Duration::from_secs(24 * 3600);
    tokio::time::timeout(day, stage.cancelled())
        .await
        .expect("the stage begins");
}

#[test]
fn signals_ask_for_what_the_convention_says() {
    use Signal::{Interrupt, Quit, Terminate, User1};
    let cases = [
        (
            Convention::SplitPlanes,
            [Request::Drain, Request::Drain, Request::Drain],
        ),
        (
            Convention::DropIn,
            [
                Request::DrainWithoutWait,
                Request::DrainWithoutWait,
                Request::Drain,
            ],
        ),
    ];
    for (convention, requests) in cases {
        assert_eq!(
            [Terminate, Interrupt, User1].map(|signal| convention.request(signal)),
            requests
        );
        assert_eq!(convention.request(Quit), Request::EndNow);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_drain_serves_on_then_closes_and_waits_for_work() {
    let mut process = Running::start(Convention::SplitPlanes);
    let work = process.work();
    let stages = process.tasks.stages().clone();
    process.signal(Signal::Terminate);
    assert_eq!(process.told().await, "Leaving");
    reached(stages.leaving()).await;
    assert!(!stages.closing().is_cancelled());
    process.signal(Signal::Terminate);
    assert_eq!(process.told().await, "Ignored");
    assert_eq!(process.told().await, "Closing");
    assert_eq!(process.begun.elapsed(), BOUNDS.wait);
    reached(stages.closing()).await;
    assert!(!stages.ending().is_cancelled());
    drop(work);
    reached(stages.ending()).await;
    let (outcome, took) = process.end().await;
    assert_eq!(
        (outcome.exit(), outcome, took),
        (Exit::Clean, Outcome::Drained, BOUNDS.wait)
    );
}

#[tokio::test(start_paused = true)]
async fn the_drop_in_skips_the_wait_on_sigterm() {
    let mut process = Running::start(Convention::DropIn);
    process.signal(Signal::Terminate);
    assert_eq!(process.told().await, "Closing");
    assert_eq!(process.end().await, (Outcome::Drained, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn work_that_outlasts_the_drain_timeout_is_cut() {
    let mut process = Running::start(Convention::DropIn);
    let _first = process.work();
    let _second = process.work();
    process.signal(Signal::Interrupt);
    assert_eq!(process.told().await, "Closing");
    let told = process.told.recv().await.expect("more is told");
    assert_eq!(told, "TimedOut { left: 2 }");
    let (outcome, took) = process.end().await;
    assert_eq!(
        (outcome.exit(), outcome, took),
        (Exit::Clean, Outcome::TimedOut, BOUNDS.timeout)
    );
}

#[tokio::test(start_paused = true)]
async fn sigquit_ends_at_once_also_in_the_middle_of_a_drain() {
    let mut process = Running::start(Convention::SplitPlanes);
    let _work = process.work();
    process.signal(Signal::Terminate);
    assert_eq!(process.told().await, "Leaving");
    process.signal(Signal::Quit);
    assert_eq!(process.end().await, (Outcome::EndedAtOnce, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_vital_task_ends_the_process_with_an_error() {
    let cases: [(End, How); 4] = [
        (
            |tasks| tasks.spawn_vital("it", async { Ok::<(), Infallible>(()) }),
            How::Returned,
        ),
        (
            |tasks| tasks.spawn_vital("it", async { Err("lost its file") }),
            How::Failed("lost its file".to_owned()),
        ),
        (
            |tasks| tasks.spawn_vital::<String>("it", async { panic!("at the disco") }),
            How::Panicked("at the disco".to_owned()),
        ),
        (
            |tasks| drop(tasks.vital("it")),
            How::Panicked("it was dropped without a word".to_owned()),
        ),
    ];
    for (end, how) in cases {
        let mut process = Running::start(Convention::SplitPlanes);
        end(&process.tasks);
        assert_eq!(process.told().await, "Failed");
        let (outcome, _) = process.end().await;
        let ended = Ended {
            task: "it".to_owned(),
            how,
        };
        assert_eq!(
            (outcome.exit(), outcome),
            (Exit::Runtime, Outcome::Failed(ended))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_ends_because_it_was_asked_to_is_no_failure() {
    let process = Running::start(Convention::DropIn);
    let ending = process.tasks.stages().ending().clone();
    process.tasks.spawn_vital("admin", async move {
        ending.cancelled().await;
        Ok::<(), Infallible>(())
    });
    process.signal(Signal::Terminate);
    assert_eq!(process.end().await, (Outcome::Drained, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_vital_part_that_dies_during_a_drain_is_not_forgotten() {
    let mut process = Running::start(Convention::SplitPlanes);
    let worker = process.tasks.vital("worker-1");
    process.signal(Signal::Terminate);
    assert_eq!(process.told().await, "Leaving");
    worker.ended(How::Failed("a socket broke".to_owned()));
    let (outcome, _) = process.end().await;
    assert_eq!(outcome.exit(), Exit::Runtime);
}

/// Real signals, in one test, since they go to the whole process.
#[tokio::test]
async fn real_signals_arrive() {
    let mut signals = Signals::install(Convention::DropIn).expect("handlers can be installed");
    let cases = [
        ("TERM", Signal::Terminate, Request::DrainWithoutWait),
        ("INT", Signal::Interrupt, Request::DrainWithoutWait),
        ("USR1", Signal::User1, Request::Drain),
        ("QUIT", Signal::Quit, Request::EndNow),
    ];
    for (name, signal, request) in cases {
        let pid = std::process::id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &pid])
            .status()
            .expect("kill exists");
        assert!(sent.success());
        let next = tokio::time::timeout(Duration::from_secs(10), signals.next()).await;
        assert_eq!(next.expect("it arrives"), (signal, request));
    }
}
