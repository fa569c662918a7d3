//! Addresses of the command line, which may hold a user and a password, as they are told to people.

/// An address without whoever stands in it: up to its last `@`, since a password that nobody has encoded may hold one.
pub(super) fn told(address: &str) -> String {
    let Some((before, place)) = address.rsplit_once('@') else {
        return address.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://***@{place}"),
        None => format!("***@{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_who_stands_in_an_address_is_told() {
        for (address, shown) in [
            ("http://127.0.0.1:7601", "http://127.0.0.1:7601"),
            ("nats://user:s3cret@a.b:4222", "nats://***@a.b:4222"),
            ("nats://t0ken@a.b", "nats://***@a.b"),
            ("user:s3cret@a.b:4222", "***@a.b:4222"),
            ("http://user:s3/c@r?et@a.b/x", "http://***@a.b/x"),
            ("nats://u:s3cret@a,nats://u:s3cret@b", "nats://***@b"),
        ] {
            assert_eq!(told(address), shown, "{address}");
        }
    }
}
