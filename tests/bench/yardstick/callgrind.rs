//! A data plane under callgrind.

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
    pub(super) fn new() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let program = folder.path().join("data-plane");
        let out = folder.path().join("profile");
        let binaries = environment("POINTSMAN_BINARIES")
            .ok_or_else(|| io::Error::other("POINTSMAN_BINARIES names no folder"))?;
        let script = format!(
            "#!/bin/sh\nexec valgrind --tool=callgrind --separate-threads=yes --compress-strings=no --compress-pos=no \
             --callgrind-out-file={} \
             {binaries}/data-plane \"$@\"\n",
            out.display()
        );
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(Self { folder, program })
    }

    /// What to start in the place of the data plane.
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

    /// Shows the functions that cost most.
    #[expect(clippy::print_stdout, reason = "the report of a tool")]
    pub(super) fn show(&self) -> Result<(), String> {
        let output = Command::new("callgrind_annotate")
            .args(["--auto=no", "--inclusive=no", "--threshold=95"])
            .arg(&self.file)
            .output()
            .map_err(|error| format!("callgrind_annotate: {error}"))?;
        println!("\n{}: {} instructions", self.name, self.instructions);
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().filter(|line| line.contains('%'));
        for line in lines.take(SHOWN) {
            println!("{line}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_instructions_stand_at_the_end() {
        assert_eq!(
            total("events: Ir\nsummary: 7\n\ntotals: 12345\n"),
            Some(12345)
        );
        assert_eq!(total("events: Ir\n"), None);
    }
}
