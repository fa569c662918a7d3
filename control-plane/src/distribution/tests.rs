mod admission;
mod ends;
mod fill;
mod health;
mod orders;
mod questions;
mod scene;
mod trust;
