//! Which endpoint serves this request.
