//! A fleet in words, with a clock.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::{Halt, Looked, RollOut, Seen, Settings, Stage, Traffic};

const BEFORE: u64 = 10;
const TARGET: u64 = 20;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Data planes that do at once what they are told, unless it is said otherwise.
struct Fleet {
    roll_out: RollOut,
    now: Instant,
    members: Vec<Seen>,
    /// They do not ack.
    hung: BTreeSet<String>,
    /// So many of a hundred requests fail at each.
    failing: Vec<u64>,
    order: Vec<Vec<String>>,
}

impl Fleet {
    /// One for each group number.
    fn new(groups: &[u64]) -> Self {
        let now = Instant::now();
        let traffic = Traffic {
            at: now,
            requests: 0,
            failed: 0,
        };
        let members = groups.iter().enumerate().map(|(number, group)| Seen {
            id: format!("id-{number:03}").into(),
            name: format!("dp-{number:03}").into(),
            group: *group,
            acked: BEFORE,
            nacked_at: None,
            fit: true,
            traffic: Some((traffic, traffic)),
        });
        let mut fleet = Self {
            roll_out: RollOut::new(Settings::default()),
            now,
            members: members.collect(),
            hung: BTreeSet::new(),
            failing: vec![0; groups.len()],
            order: Vec::new(),
        };
        fleet.serve(10);
        fleet.roll_out.begin(TARGET, false);
        fleet
    }

    /// Time passes, with a hundred requests a second at each.
    fn serve(&mut self, time: u64) {
        self.now += seconds(time);
        for (member, failing) in self.members.iter_mut().zip(&self.failing) {
            if let Some((_, latest)) = &mut member.traffic {
                latest.at = self.now;
                latest.requests += 100 * time;
                latest.failed += failing * time;
            }
        }
    }

    /// A look, after which those who are admitted ack.
    fn look(&mut self) -> Looked {
        let looked = self.roll_out.look(self.now, &self.members);
        if let Looked::Admitted(names) = &looked {
            self.order
                .push(names.iter().map(ToString::to_string).collect());
        }
        let admitted = self.roll_out.admitted();
        for member in &mut self.members {
            if admitted.contains(&member.id) && !self.hung.contains(&*member.name) {
                member.acked = TARGET;
            }
        }
        looked
    }

    /// Seconds pass until something else than waiting comes of it.
    fn until(&mut self) -> (u64, Looked) {
        for passed in 0..1_000 {
            let looked = self.look();
            if looked != Looked::Waiting {
                return (passed, looked);
            }
            self.serve(1);
        }
        panic!("it waits for ever: {:?}", self.roll_out);
    }

    fn finish(&mut self) {
        while self.until().1 != Looked::Done {}
    }
}

fn names(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|it| format!("dp-{it:03}")).collect()
}

/// one of each group goes first, then the rest after 10 s of calm, a quarter of the data planes a step
#[test]
fn one_of_each_group_goes_first_and_then_a_quarter_at_a_time() {
    let mut fleet = Fleet::new(&[1, 1, 1, 2, 2, 1, 1, 2]);
    assert_eq!(fleet.until().0, 0);
    assert_eq!(fleet.order, [names(&[0, 3])]);
    assert_eq!(*fleet.roll_out.stage(), Stage::First);
    let (waited, _) = fleet.until();
    assert_eq!(waited, 10, "ten seconds after the look that saw the ack");
    assert_eq!(*fleet.roll_out.stage(), Stage::Steps);
    fleet.finish();
    assert_eq!(
        fleet.order,
        [
            names(&[0, 3]),
            names(&[1, 2]),
            names(&[4, 5]),
            names(&[6, 7])
        ]
    );
}

/// a rejection halts it, whoever has it, and nobody else is given it until something else is said
#[test]
fn a_rejection_halts() {
    let mut fleet = Fleet::new(&[1, 1, 1, 1]);
    fleet.until();
    fleet.serve(1);
    fleet.members[0].nacked_at = Some(fleet.now);
    let halt = Halt::Rejected("dp-000".into());
    assert_eq!(fleet.look(), Looked::Halted(halt.clone()));
    assert_eq!(*fleet.roll_out.stage(), Stage::Halted(halt));
    for _ in 0..100 {
        fleet.serve(10);
        assert_eq!(fleet.look(), Looked::Waiting);
    }
    assert_eq!(fleet.order, [names(&[0])]);
    // One that rejected something before, or that does not have the change, is another matter.
    let mut fleet = Fleet::new(&[1, 1, 1, 1]);
    fleet.members[0].nacked_at = Some(fleet.now - seconds(5));
    fleet.until();
    fleet.serve(1);
    fleet.members[3].nacked_at = Some(fleet.now);
    fleet.finish();
}

/// an error rate that rises halts it; one that is as it was, however bad, does not, nor does a single failure
#[test]
fn a_risen_error_rate_halts() {
    let mut fleet = Fleet::new(&[1, 1, 1, 1]);
    fleet.until();
    fleet.failing[0] = 6;
    let (_, looked) = fleet.until();
    assert_eq!(looked, Looked::Halted(Halt::Failing(Some("dp-000".into()))));
    assert_eq!(fleet.order, [names(&[0])]);

    let mut fleet = Fleet::new(&[1, 1, 1, 1]);
    fleet.failing = vec![20; 4];
    fleet.serve(1);
    for member in &mut fleet.members {
        member.traffic = member.traffic.map(|(_, latest)| (latest, latest));
    }
    fleet.serve(20);
    fleet.finish();

    let mut fleet = Fleet::new(&[1, 1, 1, 1]);
    fleet.until();
    if let Some((_, latest)) = &mut fleet.members[0].traffic {
        latest.failed += 4;
    }
    fleet.finish();

    // In a later step it halts as well, and those who have it already are still watched.
    let mut fleet = Fleet::new(&[1; 8]);
    fleet.until();
    fleet.until();
    fleet.failing[0] = 50;
    assert!(matches!(fleet.until().1, Looked::Halted(Halt::Failing(_))));
    assert_eq!(fleet.order.len(), 2);
}

/// a data plane that is dead does not hold it for ever, and one of its group goes in its place; several halt it
#[test]
fn one_that_is_lost_is_not_waited_for_and_several_halt() {
    let mut fleet = Fleet::new(&[1, 1, 1, 1]);
    fleet.hung.insert("dp-000".to_owned());
    fleet.until();
    let (waited, _) = fleet.until();
    assert_eq!(waited, 60);
    assert_eq!(fleet.order, [names(&[0]), names(&[1])]);
    fleet.finish();
    assert_eq!(fleet.order.len(), 4);

    let mut fleet = Fleet::new(&[1, 1, 1, 1]);
    fleet.hung.extend(names(&[0, 1]));
    fleet.until();
    fleet.until();
    assert_eq!(fleet.until().1, Looked::Halted(Halt::Lost(2)));

    // One that acked, and is gone before it was calm for long enough, may have died of it.
    let mut fleet = Fleet::new(&[1, 1, 1, 1]);
    fleet.until();
    fleet.look();
    fleet.members.remove(0);
    fleet.failing.remove(0);
    fleet.until();
    assert_eq!(fleet.order, [names(&[0]), names(&[1])]);
}

/// who is away for a moment is still given it in its turn, and who has it already is not waited for
#[test]
fn it_is_not_over_while_somebody_is_away() {
    let mut fleet = Fleet::new(&[1, 1]);
    fleet.until();
    fleet.look();
    let away = fleet.members.remove(1);
    fleet.serve(30);
    assert_eq!(fleet.look(), Looked::Waiting);
    fleet.members.push(away);
    let (_, looked) = fleet.until();
    assert_eq!(looked, Looked::Admitted(vec!["dp-001".into()]));
    fleet.finish();

    let mut fleet = Fleet::new(&[1, 1]);
    fleet.members[0].acked = TARGET + 5;
    fleet.finish();
    assert_eq!(fleet.order, [names(&[1])]);
}

/// one that drains or is frozen is not the first; one that never reports holds nobody for ever
#[test]
fn the_first_is_one_that_serves() {
    let mut fleet = Fleet::new(&[1, 1]);
    fleet.members[0].fit = false;
    fleet.members[1].traffic = None;
    fleet.until();
    assert_eq!(fleet.order, [names(&[1])]);
    let (waited, _) = fleet.until();
    assert_eq!(
        waited, 70,
        "calm and patience after the look that saw the ack"
    );
    fleet.finish();
}

/// what an operator lets go is told to all in their turns, whatever they have acked
#[test]
fn what_is_told_goes_to_those_as_well_who_have_the_table() {
    let mut fleet = Fleet::new(&[1, 1, 1]);
    for member in &mut fleet.members {
        member.acked = TARGET;
    }
    fleet.roll_out.begin(TARGET, true);
    fleet.finish();
    assert_eq!(fleet.order, [names(&[0]), names(&[1]), names(&[2])]);
}

/// a change that is still being made is given to nobody
#[test]
fn nobody_is_given_what_is_not_complete() {
    let mut fleet = Fleet::new(&[1, 1]);
    fleet.roll_out = RollOut::new(Settings::default());
    fleet.serve(100);
    assert_eq!(fleet.look(), Looked::Waiting);
    assert_eq!(*fleet.roll_out.stage(), Stage::Preparing);
    let settings = Settings::default();
    assert!(settings.is_large(101, 2000) && !settings.is_large(100, 2000));
    assert!(settings.is_large(51, 60) && !settings.is_large(50, 60));
    assert!(!settings.is_large(0, 0));
}
