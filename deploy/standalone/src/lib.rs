//! Both planes in one process from an unchanged `gorouter.yml`: the drop-in for Gorouter, and the quick start.
//!
//! The library is what the binary is made of, so that it can be tested; it is of no use to anybody else.

pub mod command_line;
pub mod gorouter_yml;
pub mod metron;
pub mod operator;
pub mod run;
pub mod served;
pub mod settings;
pub mod status;
pub mod varz;
