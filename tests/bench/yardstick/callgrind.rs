//! A process of ours under callgrind.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use pointsman_tests::environment;
use tempfile::TempDir;

/// The folder of one run under callgrind.
#[derive(Debug)]
pub(super) struct Callgrind {
    folder: TempDir,
    program: PathBuf,
}

/// What one exchange cost the thread that worked most.
#[derive(Debug)]
pub(super) struct Profile {
    name: String,
    instructions: u64,
    file: PathBuf,
}

/// Lines of a profile that are shown.
const SHOWN: usize = 45;

impl Callgrind {
    /// Prepares a program that runs the data plane under callgrind, one file for each thread and dump.
    pub(super) fn of_data_plane() -> io::Result<Self> {
        Self::of("data-plane", "--separate-threads=yes")
    }

    /// Prepares one that runs the control plane, one file for all threads: any of them may do any of its work.
    pub(super) fn of_control_plane() -> io::Result<Self> {
        Self::of("control-plane", "--separate-threads=no")
    }

    fn of(binary: &str, threads: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join(binary);
        let out = folder.path().join("profile");
        let binaries = environment("POINTSMAN_BINARIES")
            .ok_or_else(|| io::Error::other("POINTSMAN_BINARIES names no folder"))?;
        let script = format!(
            "#!/bin/sh\nexec valgrind --tool=callgrind {threads} --compress-strings=no --compress-pos=no \
             --callgrind-out-file={} \
             {binaries}/{binary} \"$@\"\n",
            out.display()
        );
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder, program })
    }

    /// What to start in the place of the binary.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Forgets what was counted.
    pub(super) fn begin(&self, pid: u32) -> Result<(), String> {
        control("--zero", pid)
    }

    /// Takes what was counted.
    pub(super) fn end(&self, pid: u32, name: &str) -> Result<Profile, String> {
        self.forget_dumps().map_err(|error| error.to_string())?;
        control("--dump=exchange", pid)?;
        let profiles = self.dumps().map_err(|error| error.to_string())?;
        let counted = |file: PathBuf| {
            let text = fs::read_to_string(&file).ok()?;
            Some((total(&text)?, file))
        };
        let most = profiles.into_iter().filter_map(counted).max();
        let (instructions, file) =
            most.ok_or_else(|| format!("{name}: callgrind wrote no profile"))?;
        Ok(Profile {
            name: name.to_owned(),
            instructions,
            file,
        })
    }

    fn forget_dumps(&self) -> io::Result<()> {
        self.dumps()?.into_iter().try_for_each(fs::remove_file)
    }

    fn dumps(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.folder.path())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("profile") {
                files.push(path);
            }
        }
        Ok(files)
    }
}

/// The instructions of a profile: its `totals:`.
fn total(profile: &str) -> Option<u64> {
    let line = profile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn control(what: &str, pid: u32) -> Result<(), String> {
    let output = Command::new("callgrind_control")
        .args([what, &pid.to_string()])
        .output()
        .map_err(|error| format!("callgrind_control: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && text.contains("OK") {
        Ok(())
    } else {
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(format!("callgrind_control {what}: {text}{errors}"))
    }
}

impl Profile {
    pub(super) fn instructions(&self) -> u64 {
        self.instructions
    }

    /// Shows the functions that cost most, without what they called.
    ///
    /// `callgrind_annotate` would do so too, but charges everything to a thread's first function in what was counted
    /// since a `--zero`.
    #[expect(clippy::print_stdout, reason = "the report of a tool")]
    pub(super) fn show(&self) -> Result<(), String> {
        let text = fs::read_to_string(&self.file).map_err(|error| error.to_string())?;
        println!("\n{}: {} instructions", self.name, self.instructions);
        for (function, instructions) in by_function(&text).into_iter().take(SHOWN) {
            let share = instructions as f64 / self.instructions as f64 * 100.0;
            println!("{instructions:12} {share:5.1} %  {function}");
        }
        Ok(())
    }
}

/// The instructions of each function itself, the most first.
fn by_function(profile: &str) -> Vec<(&str, u64)> {
    let mut sums: HashMap<&str, u64> = HashMap::new();
    let (mut function, mut is_inclusive) = ("", false);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if line.starts_with("calls=") {
            // The next line is what the called function cost.
            is_inclusive = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
            if !std::mem::take(&mut is_inclusive) {
                *sums.entry(function).or_default() += cost.unwrap_or(0);
            }
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|&(function, cost)| (Reverse(cost), function));
    sums
}

#[cfg(test)]
mod tests {
    use super::{by_function, total};

    #[test]
    fn the_instructions_stand_at_the_end() {
        assert_eq!(
            total("events: Ir\nsummary: 7\n\ntotals: 12345\n"),
            Some(12345)
        );
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn a_call_is_not_charged_to_the_caller() {
        let text = "positions: line\nevents: Ir\nfn=a\n10 5\ncfn=b\ncalls=2 20\n11 400\n12 6\nfn=b\n20 400\ntotals: 411\n";
        assert_eq!(by_function(text), [("b", 400), ("a", 11)]);
    }
}
