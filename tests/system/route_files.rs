//! The path-routed balancer: services by name and version, from route files, through two data planes.

mod files;
mod losses;
mod roll_out;
mod services;
