//! One assertion for each promise of the README, on real processes.
