//! Our own binaries, as they are shipped.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::broker::pid_of;
use crate::fleet::BOUND;
use crate::{environment, eventually};

/// How long a process may take until it has bound its sockets.
const START: Duration = Duration::from_secs(20);

/// Lines of a log that are shown when a test failed: its end, for one that registers much logs much.
const SHOWN: usize = 200;

/// A running binary of ours; it is killed when the value is dropped, and its log is shown if the test failed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    folder: TempDir,
}

/// How a binary of ours is started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Its name.
    pub program: String,
    /// On which cores alone, as `taskset -c` reads them; `None`: on all.
    pub cores: Option<String>,
    /// A program and its arguments that becomes the binary, whose path and arguments are added.
    pub through: Vec<String>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
}

impl Launch {
    /// The same for this binary.
    #[must_use]
    pub fn of(self, program: &str) -> Self {
        Self {
            program: program.to_owned(),
            ..self
        }
    }

    fn command(&self) -> Command {
        let mut through = self.through.clone();
        if let Some(cores) = &self.cores {
            // taskset becomes the program, so that the child is the program itself.
            through.extend(["taskset", "-c", cores].map(str::to_owned));
        }
        through.push(binary(&self.program).display().to_string());
        let mut command = Command::new(&through[0]);
        command.args(&through[1..]).envs(
            self.environment
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        command
    }
}

impl Process {
    /// Starts `control-plane` or `data-plane` with this configuration, and waits until it has bound its sockets.
    ///
    /// # Panics
    ///
    /// When the binary is not built, ends at once, or binds nothing in time.
    pub async fn start(name: &str, configuration: &str) -> Self {
        Self::launch(&Launch::default().of(name), configuration).await
    }

    /// The same on these cores alone, as `taskset -c` reads them.
    ///
    /// # Panics
    ///
    /// When the binary is not built, ends at once, or binds nothing in time; or when there is no `taskset`.
    pub async fn start_on(cores: Option<&str>, name: &str, configuration: &str) -> Self {
        let launch = Launch {
            cores: cores.map(str::to_owned),
            ..Launch::default()
        };
        Self::launch(&launch.of(name), configuration).await
    }

    /// The same, started in any way.
    ///
    /// # Panics
    ///
    /// When the binary is not built, ends at once, or binds nothing in time.
    pub async fn launch(launch: &Launch, configuration: &str) -> Self {
        let name = &launch.program;
        let folder = tempfile::tempdir().expect("a folder for the process");
        let config_file = folder.path().join("config.yml");
        std::fs::write(&config_file, configuration).expect("the configuration");
        let addresses_file = folder.path().join("addresses.json");
        let arguments: [&OsStr; 4] = [
            "--config".as_ref(),
            config_file.as_ref(),
            "--addresses-file".as_ref(),
            addresses_file.as_ref(),
        ];
        let mut process = Self::spawn_in(folder, launch, arguments);
        eventually(&format!("{name} to bind its sockets"), START, async || {
            if let Some(status) = process.child.try_wait().expect("wait for a child") {
                panic!("{name} ended with {status}:\n{}", process.log());
            }
            process.try_addresses().map(drop)
        })
        .await;
        process
    }

    /// Starts any of our binaries with these arguments, and waits for nothing.
    ///
    /// # Panics
    ///
    /// When the binary is not built.
    pub fn spawn(name: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the process");
        Self::spawn_in(folder, &Launch::default().of(name), arguments)
    }

    fn spawn_in(
        folder: TempDir,
        launch: &Launch,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Self {
        let log = File::create(folder.path().join("log")).expect("a log file");
        let mut command = launch.command();
        let child = command
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self {
            name: launch.program.clone(),
            child,
            folder,
        }
    }

    /// Where a binary of ours is, for a test that starts it in its own way.
    ///
    /// # Panics
    ///
    /// When it is not built.
    #[must_use]
    pub fn binary(name: &str) -> PathBuf {
        binary(name)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The same, for system calls.
    #[must_use]
    pub fn pid(&self) -> Pid {
        pid_of(&self.child)
    }

    /// The address that it bound under this name.
    ///
    /// # Panics
    ///
    /// When it bound none of that name.
    #[must_use]
    pub fn address(&self, name: &str) -> SocketAddr {
        let addresses = self.try_addresses().unwrap_or_else(|seen| panic!("{seen}"));
        let found = addresses.get(name).copied();
        found.unwrap_or_else(|| panic!("{} has no address {name:?}: {addresses:?}", self.name))
    }

    /// What it has written to its standard output and error so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until its log says this, and returns what the log says then: lines are written a little later than what they
    /// tell of can be seen.
    ///
    /// # Panics
    ///
    /// When it is not said for long.
    pub async fn until_logged(&self, text: &str) -> String {
        eventually(&format!("{text:?} in the log"), BOUND, async || {
            let log = self.log();
            if log.contains(text) {
                Ok(log)
            } else {
                Err(log)
            }
        })
        .await
    }

    /// The folder that it runs in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks it to drain and end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// When it has ended and that was seen.
    pub fn signal(&self, signal: Signal) {
        kill_process(pid_of(&self.child), signal).expect("signal a running process");
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        // Killing what has ended already is no mistake of the test.
        let _ended = self.child.kill();
        self.child.wait().expect("wait for a child");
    }

    /// Waits until it has ended, and says how.
    ///
    /// # Panics
    ///
    /// When it runs on beyond `bound`.
    pub async fn ended(&mut self, bound: Duration) -> ExitStatus {
        let what = format!("{} to end", self.name);
        eventually(&what, bound, async || {
            let ended = self.child.try_wait().expect("wait for a child");
            ended.ok_or_else(|| "it runs".to_owned())
        })
        .await
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("wait for a child").is_none()
    }

    fn try_addresses(&self) -> Result<BTreeMap<String, SocketAddr>, String> {
        let text = std::fs::read_to_string(self.folder.path().join("addresses.json"))
            .map_err(|error| format!("no addresses yet: {error}; its log: {}", self.log()))?;
        serde_json::from_str(&text).map_err(|error| format!("addresses {text:?}: {error}"))
    }
}

impl Drop for Process {
    #[expect(
        clippy::print_stderr,
        reason = "the log of a process belongs to the failed test"
    )]
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let (left_out, shown) = lines.split_at(lines.len().saturating_sub(SHOWN));
            eprintln!(
                "---- log of {}, after {} lines ----",
                self.name,
                left_out.len()
            );
            eprintln!("{}", shown.join("\n"));
        }
    }
}

/// Where a binary of ours is: in `$POINTSMAN_BINARIES`, else beside the test that runs, which the same profile built.
fn binary(name: &str) -> PathBuf {
    let folder = environment("POINTSMAN_BINARIES").map_or_else(
        || {
            let test = std::env::current_exe().expect("the test's own path");
            // TARGET/PROFILE/deps/TEST
            let profile = test
                .parent()
                .and_then(Path::parent)
                .expect("a folder of the profile");
            profile.to_owned()
        },
        PathBuf::from,
    );
    let binary = folder.join(name);
    assert!(
        binary.is_file(),
        "{} is not built: run ./tests/run, or cargo build --workspace --bins with the tests' profile",
        binary.display()
    );
    binary
}
