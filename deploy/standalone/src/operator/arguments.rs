//! What an operator may ask for.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::checked;
use super::publish::Publish;

const EXIT_CODES: &str = "Exit codes:
  0  it is so, or was done
  1  it is not so: no such route, a fleet that is not well, data planes that differ
  2  the command line, or what it asks for, is wrong
  3  nobody was reached, let in, or answered as the admin API does; or it has too much to do;
     or a data plane that explain asks did not say what it would answer

Without a command, pointsman is the router itself: see pointsman --help.";

/// Looks into a running Pointsman through the admin API of its control plane.
#[derive(Debug, Parser)]
#[command(name = "pointsman", version, about, after_help = EXIT_CODES)]
pub struct Operator {
    #[command(flatten)]
    pub(super) server: Server,
    /// How answers are shown
    #[arg(short, long, global = true, value_enum, default_value = "table")]
    pub(super) output: Output,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    Table,
    /// For scripts: what the admin API answers
    Json,
}

/// Whom to ask, and as whom.
#[derive(Debug, Args)]
pub(super) struct Server {
    /// The admin API of the control plane; for overrides also that of a data plane, port 7602
    #[arg(
        long,
        global = true,
        env = "POINTSMAN_SERVER",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:7601"
    )]
    pub(super) server: String,
    /// A file with a bearer token
    #[arg(long, global = true, env = "POINTSMAN_TOKEN_FILE", value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// A user; its password stands in the file of --password-file
    #[arg(long, global = true, env = "POINTSMAN_USER")]
    pub(super) user: Option<String>,
    /// A file with the password of --user
    #[arg(
        long,
        global = true,
        env = "POINTSMAN_PASSWORD_FILE",
        value_name = "FILE"
    )]
    pub(super) password_file: Option<PathBuf>,
    /// The authorities that the server's certificate may be from
    #[arg(long, global = true, env = "POINTSMAN_CA", value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// A certificate to show, with the key of --key
    #[arg(
        long,
        global = true,
        env = "POINTSMAN_CERTIFICATE",
        value_name = "FILE"
    )]
    pub(super) certificate: Option<PathBuf>,
    /// The key of --certificate
    #[arg(long, global = true, env = "POINTSMAN_KEY", value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// What is registered
    Routes(Wanted),
    /// The data planes, and how far behind each is
    Replicas {
        /// Only this one
        #[arg(value_parser = checked::id)]
        id: Option<String>,
    },
    /// Which route and endpoints a URL gets, and which data planes would answer otherwise
    Explain(Question),
    /// Every change as it happens, until it is interrupted
    Watch(Watch),
    /// What became of one route
    History {
        /// HOST or HOST/PATH
        #[arg(value_parser = checked::route)]
        route: String,
        /// The latest so many changes
        #[arg(long)]
        limit: Option<u32>,
    },
    /// What operators have put over the rules for a while, at a control plane or a data plane; without more words, the list
    Overrides {
        #[command(subcommand)]
        command: Option<Override>,
    },
    /// Whether everything is well; data planes have five seconds for what is on its way to them
    Check,
    /// Registers an endpoint over NATS for as long as it runs, as a route emitter does
    Publish(Publish),
    /// Completions for a shell
    Completions { shell: Shell },
}

/// Which routes are wanted. All that is named has to be so.
#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// Only this route, HOST or HOST/PATH
    #[arg(value_parser = checked::route)]
    pub(super) uri: Option<String>,
    /// Only routes of this host; * for those of every host
    #[arg(long, value_parser = checked::host)]
    pub(super) host: Option<String>,
    /// Only endpoints of this app
    #[arg(long)]
    pub(super) app: Option<String>,
    /// Only what is in this isolation segment; - for the shared one
    #[arg(long)]
    pub(super) segment: Option<String>,
    /// Only endpoints that this source has said
    #[arg(long)]
    pub(super) source: Option<String>,
    /// Only endpoints that were not heard within their threshold, or with =false only those that were
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) stale: Option<bool>,
}

#[derive(Debug, Args)]
pub(super) struct Question {
    /// The URL; the scheme may be left out
    pub(super) url: String,
    /// The method of the request
    #[arg(long)]
    pub(super) method: Option<String>,
    /// A header field of the request, as often as there are some
    #[arg(long, value_name = "NAME:VALUE")]
    pub(super) header: Vec<String>,
    /// Does not ask the data planes
    #[arg(long)]
    pub(super) without_replicas: bool,
}

#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Everything above this revision, and not only from now on
    #[arg(long)]
    pub(super) since: Option<u64>,
    /// The epoch that the revision is of
    #[arg(long, requires = "since")]
    pub(super) epoch: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Override {
    #[command(flatten)]
    New(New),
    /// Ends one before its time
    End {
        /// As the list names it
        #[arg(value_parser = checked::id)]
        id: String,
    },
    /// Lets go what was held back because too much fell silent at once, here and in every data plane
    Release,
}

/// What is put over the rules.
#[derive(Debug, Subcommand)]
pub(super) enum New {
    /// Nothing goes for want of heartbeats
    FreezePruning(Terms),
    /// Takes an endpoint out
    Eject {
        /// Its address, as it is registered
        address: String,
        /// Only of this route, HOST or HOST/PATH
        #[arg(long, value_parser = checked::route)]
        route: Option<String>,
        /// Only of this app
        #[arg(long)]
        app: Option<String>,
        /// Also where a route is left without an endpoint, or there is no such endpoint yet
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        terms: Terms,
    },
    /// Of a data plane: what is served stays
    FreezeTable(Terms),
    /// Of a data plane: serves a table that was written before
    LastKnownGood {
        /// Which: 1 is the latest
        #[arg(long, default_value_t = 1)]
        generation: u8,
        /// At any age
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        terms: Terms,
    },
    /// Of a data plane: lets no request go to a route service, nor past it
    DisableRouteService {
        /// HOST, HOST:PORT, a URL, or * for all
        service: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Of a data plane: offers HTTP/2 to no client
    DisableHttp2(Terms),
    /// Of a data plane: raises a bound
    RaiseLimit {
        /// requests-in-flight or connections
        limit: String,
        /// How many there may be
        to: u64,
        #[command(flatten)]
        terms: Terms,
    },
}

/// Why, and for how long.
#[derive(Debug, Args)]
pub(super) struct Terms {
    /// For those who find it
    #[arg(long)]
    pub(super) reason: String,
    /// A duration up to 24h
    #[arg(long = "for", value_name = "DURATION", default_value = "1h")]
    pub(super) lasts: String,
}
