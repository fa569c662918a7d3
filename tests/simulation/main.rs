//! Both pure cores joined by the real batch format, under a seed.
