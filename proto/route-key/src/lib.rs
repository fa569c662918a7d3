//! The canonical host and path of a route, which both planes must compute alike.
