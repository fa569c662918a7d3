//! Where a request body ends.

use super::{accepted, refused, with, written};
use pointsman_http1::{BodyLength, Refused, UpstreamConnection};

/// both lengths are refused in any order, case and spacing.
#[test]
fn both_lengths_are_refused() {
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "content-length:5\r\nTRANSFER-ENCODING:\tchunked \r\n",
        "Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 0\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: x\r\nTransfer-Encoding: chunked\r\n",
    ] {
        refused(&with(lines), Refused::BothLengths);
    }
    assert_eq!(Refused::BothLengths.status(), 400);
}

/// a length is digits below 2^63; several must be equal byte for byte.
/// D-065: an empty, negative, signed or conflicting length is 400.
#[test]
fn lengths_are_plain_numbers() {
    for value in [
        "+5", "-5", "0x5", "5.0", "1_0", "", " ", "5 5", "5;", "٥", "five", "5,", ",5", "5,,5",
        "\u{a0}5",
    ] {
        refused(
            &with(&format!("Content-Length: {value}\r\n")),
            Refused::ContentLength,
        );
    }
    refused(&with("Content-Length: 5\0\r\n"), Refused::ControlByte);
    for value in ["5,6", "5, 6", "5, 05"] {
        let lines = format!("Content-Length: {value}\r\n");
        refused(&with(&lines), Refused::ConflictingContentLength);
    }
    let twice = "Content-Length: 5\r\nContent-Length: 6\r\n";
    refused(&with(twice), Refused::ConflictingContentLength);
    for value in [
        "9223372036854775808",
        "18446744073709551621",
        &"1".repeat(400),
    ] {
        refused(
            &with(&format!("Content-Length: {value}\r\n")),
            Refused::ContentTooLarge,
        );
    }
    assert_eq!(Refused::ContentLength.status(), 400);
    assert_eq!(Refused::ContentTooLarge.status(), 413);
    let most = accepted(&with("Content-Length: 9223372036854775807\r\n"));
    assert_eq!(most.body(), BodyLength::Exact((1 << 63) - 1));
}

/// equal lengths become one.
/// D-066: two equal Content-Length lines are forwarded as one.
#[test]
fn equal_lengths_become_one() {
    for lines in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5\r\ncontent-length: 5,5 ,\t5\r\n",
    ] {
        let head = accepted(&with(lines));
        assert_eq!(head.body(), BodyLength::Exact(5));
        let written = written(&head, UpstreamConnection::KeepAlive);
        assert_eq!(written.matches("Content-Length").count(), 1, "{written}");
        assert!(written.contains("\r\nContent-Length: 5\r\n"), "{written}");
    }
}

/// Transfer-Encoding is one field that says exactly `chunked`.
/// D-067: any other coding is 501.
#[test]
fn transfer_encoding_is_chunked_or_nothing() {
    for value in [
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked,",
        ",chunked",
        "chunked, chunked",
        "xchunked",
        "chunkedx",
        "chunke",
        "",
        "\"chunked\"",
        "chunked;q=1",
        "\u{a0}chunked",
    ] {
        refused(
            &with(&format!("Transfer-Encoding: {value}\r\n")),
            Refused::TransferCoding,
        );
    }
    assert_eq!(Refused::TransferCoding.status(), 501);
    for byte in ["\u{b}", "\u{c}", "\0"] {
        refused(
            &with(&format!("Transfer-Encoding: {byte}chunked\r\n")),
            Refused::ControlByte,
        );
        refused(
            &with(&format!("Transfer-Encoding: chunked{byte}\r\n")),
            Refused::ControlByte,
        );
    }
    let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
    refused(&with(twice), Refused::RepeatedTransferEncoding);
    refused(
        &with("Transfer-Encoding: gzip,\r\n chunked\r\n"),
        Refused::Folded,
    );
    for value in ["chunked", "CHUNKED", "Chunked \t"] {
        let head = accepted(&with(&format!("Transfer-Encoding: {value}\r\n")));
        assert_eq!(head.body(), BodyLength::Chunked);
    }
}

/// Transfer-Encoding in an HTTP/1.0 request is refused.
#[test]
fn transfer_encoding_needs_http11() {
    for lines in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
    ] {
        let bytes = format!("POST / HTTP/1.0\r\nHost: a\r\n{lines}\r\n");
        refused(bytes.as_bytes(), Refused::TransferEncodingOnHttp10);
    }
    let both =
        b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    refused(both, Refused::BothLengths);
}
