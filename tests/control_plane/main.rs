//! The control plane alone: a real broker in front of it, and a data plane behind it that the test plays.

mod admin;
mod command_line;
mod connection;
mod contract;
mod doors;
mod flood;
mod follower;
mod greeting;
mod messages;
mod nats_tls;
mod operator;
mod overrides;
mod plane;
mod publishers;
mod reported;
mod routing_api;
mod slow;
