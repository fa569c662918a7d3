//! The control plane alone: a real broker in front of it, and a data plane behind it that the test plays.
