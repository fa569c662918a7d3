//! The command line.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};

/// An app for trying the router, and its clients.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Be an instance of an app, until SIGTERM
    Serve(Serve),
    /// Wait until an instance has answered through every router
    Await(Await),
    /// Send requests through every router until SIGTERM, and count
    Ask(Ask),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The name that the instance answers with
    #[arg(long)]
    pub(crate) name: String,
    /// The route, for instance `app.example.com`
    #[arg(long)]
    pub(crate) route: String,
    /// The broker's address
    #[arg(long)]
    pub(crate) nats: String,
    /// Seconds between two registrations
    #[arg(long, default_value_t = 5)]
    pub(crate) interval: u64,
    /// Milliseconds between the unregistration and the end, in which requests are still answered
    #[arg(long, default_value_t = 1000)]
    pub(crate) linger: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Await {
    /// The routers
    #[arg(long = "to", required = true)]
    pub(crate) routers: Vec<SocketAddr>,
    /// The route's host
    #[arg(long)]
    pub(crate) host: String,
    /// The instance that must have answered
    #[arg(long)]
    pub(crate) instance: String,
    /// Seconds to wait
    #[arg(long, default_value_t = 30)]
    pub(crate) within: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The routers
    #[arg(long = "to", required = true)]
    pub(crate) routers: Vec<SocketAddr>,
    /// The route's host
    #[arg(long)]
    pub(crate) host: String,
    /// Connections to each router
    #[arg(long, default_value_t = 4)]
    pub(crate) connections: usize,
    /// Milliseconds between two requests of a connection
    #[arg(long, default_value_t = 5)]
    pub(crate) pause: u64,
}
