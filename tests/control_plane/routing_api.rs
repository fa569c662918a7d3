//! Routes from the Routing API: its list, its stream, its tokens, and whatever goes wrong with them.

mod away;
mod events;
mod lists;
mod scene;
mod tokens;
mod trust;
