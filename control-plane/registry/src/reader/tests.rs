//! Readers against what they would copy, told and untold.

mod cases;
mod model;
mod replica;
mod staged;
mod weight;
