//! Actors, suites on real processes, benches, fuzz targets and the index of behaviours.
