//! The command line, as Gorouter takes it.

use std::path::PathBuf;

use clap::Parser;

const COMMANDS: &str = "Commands, as the first word, look into a running Pointsman: routes, replicas, explain, watch,\n\
history, overrides, check, publish, completions; see pointsman help.";

/// An HTTP router for Cloud Foundry that starts from an unchanged gorouter.yml.
#[derive(Debug, Parser)]
#[command(name = "pointsman", version, about, after_help = COMMANDS)]
pub struct Arguments {
    /// The gorouter.yml; without one, everything has its default
    #[arg(short = 'c', long = "config", alias = "c", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A file of routes, or a folder of such files, beside what is registered over NATS
    #[arg(long, value_name = "PATH")]
    pub routes: Option<PathBuf>,
    /// Checks the file, tells what it finds, and ends
    #[arg(long)]
    pub check: bool,
    /// Gorouter ignores whatever else stands on its command line
    #[arg(hide = true)]
    pub ignored: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CF-001: without a file everything has its default.
    /// CF-002: an unknown flag is told on stderr, and the status is 2.
    #[test]
    fn flags_are_gorouters() {
        let parse =
            |arguments: &[&str]| Arguments::try_parse_from([&["pointsman"], arguments].concat());
        assert_eq!(parse(&[]).expect("nothing is needed").config, None);
        for given in [
            &["-c", "g.yml"][..],
            &["-c=g.yml"],
            &["--c", "g.yml"],
            &["--config=g.yml", "x"],
        ] {
            let parsed = parse(given).unwrap_or_else(|error| panic!("{given:?}: {error}"));
            assert_eq!(parsed.config, Some(PathBuf::from("g.yml")), "{given:?}");
        }
        let parsed =
            parse(&["-c", "g.yml", "--routes", "/etc/routes"]).expect("a folder of routes");
        assert_eq!(parsed.routes, Some(PathBuf::from("/etc/routes")));
        let refused = parse(&["--unknown"]).expect_err("it is unknown");
        assert_eq!((refused.exit_code(), refused.use_stderr()), (2, true));
    }
}
