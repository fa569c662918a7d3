use super::*;

const ALL: &[Reason] = &[
    Reason::Refused,
    Reason::Unreachable,
    Reason::DialTimeout,
    Reason::NoSuchHost,
    Reason::Exhausted,
    Reason::Forbidden,
    Reason::HandshakeTimeout,
    Reason::HandshakeBroken,
    Reason::HandshakeFailed,
    Reason::TlsVersion,
    Reason::NotTls,
    Reason::WrongName,
    Reason::Untrusted,
    Reason::ClientCertificate,
    Reason::Closed,
    Reason::Reset,
    Reason::Unprocessed,
    Reason::Malformed(Malformed::StatusLine),
    Reason::Switched,
    Reason::BadBody(BadBody::Truncated),
    Reason::Timeout,
    Reason::Unwritable,
    Reason::ClientGone,
    Reason::ClientStalled,
    Reason::ClientBody(BadBody::ChunkSize),
    Reason::ClientSlow,
];

const REPEATABLE: Safety = Safety {
    replayable: true,
    idempotent: true,
};
const POST: Safety = Safety {
    replayable: true,
    idempotent: false,
};
const SPENT: Safety = Safety {
    replayable: false,
    idempotent: true,
};

fn repeats(reason: Reason, sent: Sent, safety: Safety) -> bool {
    Failure { reason, sent }.may_repeat(safety)
}

/// a request whose body is gone is never repeated, whatever failed.
#[test]
fn what_cannot_be_replayed_is_not_repeated() {
    for &reason in ALL {
        assert!(!repeats(reason, Sent::Nothing, SPENT), "{reason:?}");
        assert!(!repeats(reason, Sent::Head, SPENT), "{reason:?}");
    }
}

/// D-445: a POST whose head was sent is not repeated when the endpoint closes.
/// D-449: a GET without a body is.
/// D-466: each class before the request was sent may be repeated.
/// no request that may have been acted on is repeated unless it is idempotent.
#[test]
fn a_request_is_repeated_only_where_nobody_can_have_acted_on_it() {
    let after_head: Vec<_> = ALL
        .iter()
        .filter(|&&reason| repeats(reason, Sent::Head, POST))
        .collect();
    // A certificate that is refused under TLS 1.3 is refused after the head was sent, by an
    // endpoint that has read nothing of it.
    let never_acted_on = [
        Reason::Refused,
        Reason::Unreachable,
        Reason::DialTimeout,
        Reason::NoSuchHost,
        Reason::Exhausted,
        Reason::HandshakeTimeout,
        Reason::HandshakeBroken,
        Reason::HandshakeFailed,
        Reason::TlsVersion,
        Reason::NotTls,
        Reason::WrongName,
        Reason::Untrusted,
        Reason::ClientCertificate,
        Reason::Unprocessed,
        Reason::Unwritable,
    ];
    assert_eq!(after_head, never_acted_on.iter().collect::<Vec<_>>());
    assert!(repeats(Reason::Closed, Sent::Head, REPEATABLE));
    assert!(!repeats(Reason::Closed, Sent::Head, POST));
    assert!(repeats(Reason::Closed, Sent::Nothing, POST));
    assert!(repeats(Reason::Reset, Sent::Nothing, POST));
    assert!(repeats(Reason::Reset, Sent::Head, REPEATABLE));
    assert!(!repeats(Reason::Reset, Sent::Head, POST));
    assert!(repeats(Reason::Unprocessed, Sent::Head, POST));
    assert!(!repeats(Reason::Timeout, Sent::Head, REPEATABLE));
}

/// without descriptors requests are refused, and no endpoint is held to be at fault.
#[test]
fn a_shortage_of_sockets_blames_nobody() {
    assert_eq!(Reason::Exhausted.blame(), Blame::None);
    assert_eq!(Reason::Exhausted.status(&Headers::default()), 503);
    assert!(repeats(Reason::Exhausted, Sent::Nothing, POST));
}

/// D-461: a client that goes away never blames the endpoint.
/// D-467: what a TLS endpoint is set aside for.
/// D-492: a timeout after the head was sent leaves no mark.
/// the same.
/// C-230: a plain endpoint that resets is marked.
/// C-235: a TLS endpoint that resets is marked, and not set aside.
/// F-065: a reset connection marks its endpoint.
#[test]
fn blame_falls_on_endpoints_only() {
    for &reason in ALL {
        let expected = match reason.status(&Headers::default()) {
            400 | 408 | 499 | 504 => Some(Blame::None),
            503 if reason == Reason::Exhausted => Some(Blame::None),
            496 | 503 | 525 | 526 => Some(Blame::SetAside),
            _ => None,
        };
        if let Some(expected) = expected {
            assert_eq!(reason.blame(), expected, "{reason:?}");
        }
    }
    assert_eq!(Reason::Reset.blame(), Blame::Mark);
    assert_eq!(Reason::Closed.blame(), Blame::None);
    assert_eq!(Reason::Refused.blame(), Blame::SetAside);
}

/// D-478: an endpoint's failure is told as `endpoint_failure (TEXT)`.
/// the text has no address, port, path or unescaped input.
#[test]
fn what_clients_are_told_has_no_detail_of_the_inside() {
    for &reason in ALL {
        let status = reason.status(&Headers {
            timeout_is_bad_gateway: true,
            ..Headers::default()
        });
        let mut value = Vec::new();
        reason.router_error(status).write(&mut value);
        let value = String::from_utf8(value).expect("text");
        let plain = ["bad_request", "request_timeout", "overloaded"].contains(&value.as_str());
        assert!(plain || value.starts_with("endpoint_failure ("), "{value}");
        assert!(
            !value
                .bytes()
                .any(|byte| byte.is_ascii_digit() && value.contains("10."))
        );
        assert!(
            reason.body(status).starts_with(&status.to_string()),
            "{reason:?}"
        );
    }
}

/// D-479: what has no status of its own is a 502 and counts as bad gateway.
/// D-483: a wrong name is a 503 and has its counter.
/// D-484: an untrusted certificate is a 526 and has its counter.
/// D-485: TLS to a plain server is a 525 and has its counter.
/// D-486: a remote handshake failure likewise.
/// D-487: a cancelled request is a 499.
/// D-480: none of these counts as bad gateway.
#[test]
fn statuses_and_counters() {
    let counters = Counters::default();
    for &reason in ALL {
        let status = reason.status(&Headers::default());
        if let Some(counter) = reason.counter(status, &counters) {
            counter.increment();
        }
        let bad_gateways = counters.bad_gateways.get();
        counters.bad_gateways.set(0);
        assert_eq!(bad_gateways == 1, status == 502, "{reason:?}");
    }
    assert_eq!(counters.backend_invalid_id.get(), 1);
    assert_eq!(counters.backend_invalid_tls_cert.get(), 1);
    assert_eq!(counters.backend_tls_handshake_failed.get(), 2);
    for (reason, status) in [
        (Reason::WrongName, 503),
        (Reason::Untrusted, 526),
        (Reason::NotTls, 525),
        (Reason::HandshakeFailed, 525),
        (Reason::ClientCertificate, 496),
        (Reason::ClientGone, 499),
        (Reason::Closed, 502),
        (Reason::Timeout, 504),
    ] {
        assert_eq!(reason.status(&Headers::default()), status, "{reason:?}");
    }
}

#[test]
fn every_word_is_listed() {
    let words: std::collections::BTreeSet<_> = ALL.iter().map(|reason| reason.word()).collect();
    assert_eq!(words, Reason::WORDS.into_iter().collect());
}
