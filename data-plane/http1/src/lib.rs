//! HTTP/1.1 heads and bodies, bytes in, events out, for both roles.
