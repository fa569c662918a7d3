//! Bodies in and out. Each case is read at once and byte by byte.

use pointsman_http1::{
    BadBody, BodyLength, BodyLimits, Decoder, Encoder, Fields, Step, WrongLength,
};

/// What a decoder made of some bytes: the data, and how many bytes the body had or what was wrong.
#[derive(Debug, PartialEq)]
struct Read {
    data: Vec<u8>,
    end: Result<Option<usize>, BadBody>,
}

/// Feeds `bytes` in pieces of at most `piece` bytes.
fn read(decoder: &mut Decoder, bytes: &[u8], piece: usize) -> Read {
    let mut data = Vec::new();
    let mut at = 0;
    loop {
        let input = &bytes[at..bytes.len().min(at + piece)];
        match decoder.step(input) {
            Ok(Step::Data(range)) => {
                assert!(!range.is_empty(), "data is never empty");
                data.extend_from_slice(&input[range.clone()]);
                at += range.end;
            }
            Ok(Step::NeedMore) if at + input.len() == bytes.len() => {
                return Read {
                    data,
                    end: Ok(None),
                };
            }
            Ok(Step::NeedMore) => at += input.len(),
            Ok(Step::Done(len)) => {
                return Read {
                    data,
                    end: Ok(Some(at + len)),
                };
            }
            Err(bad) => {
                assert_eq!(
                    decoder.step(b"5\r\nhello\r\n0\r\n\r\n"),
                    Err(bad),
                    "it stays refused"
                );
                return Read {
                    data,
                    end: Err(bad),
                };
            }
        }
    }
}

fn chunked_with(limits: BodyLimits, bytes: &[u8]) -> (Read, Fields) {
    let mut decoder = Decoder::new(BodyLength::Chunked, limits);
    let at_once = read(&mut decoder, bytes, usize::MAX >> 1);
    for piece in [1, 2, 3, 7] {
        let mut slow = Decoder::new(BodyLength::Chunked, limits);
        let dripped = read(&mut slow, bytes, piece);
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]);
        assert_eq!(at_once, dripped, "{text:?} in pieces of {piece}");
        assert_eq!(
            decoder.trailers(),
            slow.trailers(),
            "{text:?} in pieces of {piece}"
        );
    }
    (at_once, decoder.trailers().clone())
}

fn chunked(bytes: &[u8]) -> (Read, Fields) {
    chunked_with(BodyLimits::REQUEST, bytes)
}

#[track_caller]
fn refused(bytes: &[u8], reason: BadBody) {
    let (read, trailers) = chunked(bytes);
    assert_eq!(
        read.end,
        Err(reason),
        "{:?}",
        String::from_utf8_lossy(bytes)
    );
    assert!(trailers.is_empty());
}

const WRONG_SIZES: &[&str] = &[
    "",
    " ",
    "+5",
    "-5",
    "0x5",
    "5_0",
    "5h",
    "g",
    " 5",
    "\t5",
    "5 ",
    "5\t",
    "5 ;a=b",
    "\"5\"",
    "\u{665}",
    "00000000000000005",
    "5\0",
    "5,",
    "5.0",
    "\u{b}5",
];

const WRONG_ENDS: &[&str] = &[
    "5\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5\r\rhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhello world\r\n0\r\n\r\n",
    "5;a\nhello\r\n0\r\n\r\n",
    "0\n\r\n",
];

/// a chunk size is 1 to 16 hexadecimal digits ended by CRLF, and data is followed by CRLF.
#[test]
fn chunk_sizes_are_hexadecimal_digits() {
    for size in WRONG_SIZES {
        refused(
            format!("{size}\r\nhello\r\n0\r\n\r\n").as_bytes(),
            BadBody::ChunkSize,
        );
    }
    for overflow in ["8000000000000000", "ffffffffffffffff", "FFFFFFFFFFFFFFFF"] {
        refused(
            format!("{overflow}\r\nhello\r\n").as_bytes(),
            BadBody::ChunkSizeOverflow,
        );
    }
    for bytes in WRONG_ENDS {
        refused(bytes.as_bytes(), BadBody::ChunkEnd);
    }
    let (most, _) = chunked(b"7fffffffffffffff\r\nhello");
    assert_eq!(
        most,
        Read {
            data: b"hello".to_vec(),
            end: Ok(None)
        }
    );
    let (padded, _) = chunked(b"0000000000000005\r\nhello\r\n000\r\n\r\nrest");
    assert_eq!(
        padded,
        Read {
            data: b"hello".to_vec(),
            end: Ok(Some(32))
        }
    );
}

/// a body that is cut off is never taken for a whole one.
#[test]
fn a_cut_body_is_not_complete() {
    let whole = b"5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
    for len in 0..whole.len() {
        let mut decoder = Decoder::new(BodyLength::Chunked, BodyLimits::REQUEST);
        assert_eq!(
            read(&mut decoder, &whole[..len], 1000).end,
            Ok(None),
            "{len} bytes"
        );
        assert!(!decoder.is_done());
        assert_eq!(
            decoder.end_of_input(),
            Err(BadBody::Truncated),
            "{len} bytes"
        );
        assert_eq!(decoder.step(b"0\r\n\r\n"), Err(BadBody::Truncated));
    }
    let mut decoder = Decoder::new(BodyLength::Chunked, BodyLimits::REQUEST);
    let read = read(&mut decoder, whole, 1000);
    assert_eq!(read.end, Ok(Some(whole.len())));
    assert!(decoder.is_done());
    assert_eq!(decoder.end_of_input(), Ok(()));
    assert_eq!(decoder.step(b"GET / HTTP/1.1"), Ok(Step::Done(0)));
}

/// extensions are parsed, and not part of the data.
#[test]
fn chunk_extensions_are_parsed() {
    for extension in [
        ";a",
        ";a=b",
        ";a=\"b\"",
        ";a=\"; \\\" \\\\ ,\tx\"",
        ";a;b=c;d=\"\"",
        ";a=\"\u{e4}\"",
    ] {
        let (read, _) =
            chunked(format!("5{extension}\r\nhello\r\n0{extension}\r\n\r\n").as_bytes());
        assert_eq!(read.data, b"hello", "{extension}");
        assert!(matches!(read.end, Ok(Some(_))), "{extension}");
    }
    for extension in [
        ";",
        ";;a",
        ";=b",
        ";a=",
        ";a==b",
        ";a b",
        "; a",
        ";a ",
        ";a= b",
        ";a=\"b\"c",
        ";a=b\"",
        ";a\0",
        ";a=\"\0\"",
        ";a=\"\\\0\"",
        ";a=\"\r\n",
    ] {
        refused(
            format!("5{extension}\r\nhello\r\n0\r\n\r\n").as_bytes(),
            BadBody::ChunkExtension,
        );
    }
}

/// extensions are bounded, each line (L-11) and all together (L-12).
#[test]
fn chunk_extensions_are_bounded() {
    let line = |len: usize| format!("5;{}\r\nhello\r\n", "a".repeat(len - 2)).into_bytes();
    assert_eq!(chunked(&line(256)).0.end, Ok(None));
    refused(&line(257), BadBody::ChunkLineTooLong);
    refused(&line(20_000), BadBody::ChunkLineTooLong);
    refused(
        &format!("5;{}", "a".repeat(256)).into_bytes(),
        BadBody::ChunkLineTooLong,
    );
    let limits = BodyLimits {
        framing: None,
        ..BodyLimits::REQUEST
    };
    let lines = |count: usize| line(202).repeat(count);
    assert_eq!(
        chunked_with(limits, &lines(81)).0.end,
        Ok(None),
        "81 × 201 bytes"
    );
    let (read, _) = chunked_with(limits, &lines(400));
    assert_eq!(read.end, Err(BadBody::ChunkExtensionsTooLong));
    assert_eq!(read.data.len(), 81 * 5);
}

/// trailers are surfaced without those that may not pass, and bounded (L-13).
#[test]
fn trailers_are_filtered_and_bounded() {
    let forbidden = [
        "Content-Length",
        "Transfer-Encoding",
        "Host",
        "Authorization",
        "Proxy-Authorization",
        "Proxy-Anything",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Client-Cert",
        "X-Forwarded-New",
        "X-CF-ApplicationID",
        "x-cf-anything",
        "X-Vcap-Request-Id",
        "Connection",
        "Trailer",
        "TE",
        "Upgrade",
        "Cookie",
        "Set-Cookie",
        "Content-Type",
        "Content-Range",
        "If-Match",
        "WWW-Authenticate",
        "Expect",
        "Cache-Control",
    ];
    for name in forbidden {
        let bytes = format!("0\r\nX-Sum: 1\r\n{name}: x\r\nGrpc-Status: 0\r\n\r\nrest");
        let (read, trailers) = chunked(bytes.as_bytes());
        assert_eq!(read.end, Ok(Some(bytes.len() - 4)), "{name}");
        let names: Vec<_> = trailers
            .iter()
            .map(|field| field.name.as_bytes().to_vec())
            .collect();
        assert_eq!(names, [&b"X-Sum"[..], b"Grpc-Status"], "{name}");
        assert_eq!(trailers.get(name), None);
    }
    for line in [
        "NoColon",
        " X: folded",
        "X : y",
        ": y",
        "X: a\0",
        "X: a\rb",
        "X: a\nY: b",
        "X\u{e4}: y",
    ] {
        refused(
            format!("0\r\nA: b\r\n{line}\r\n\r\n").as_bytes(),
            BadBody::TrailerField,
        );
    }
    let fields = |count: usize| format!("0\r\n{}\r\n", "X: y\r\n".repeat(count)).into_bytes();
    assert_eq!(chunked(&fields(32)).1.len(), 32);
    refused(&fields(33), BadBody::TrailersTooLong);
    let section = |len: usize| format!("0\r\nX: {}\r\n\r\n", "y".repeat(len - 7)).into_bytes();
    assert_eq!(chunked(&section(8192)).1.len(), 1);
    refused(&section(8193), BadBody::TrailersTooLong);
    refused(&section(80_000), BadBody::TrailersTooLong);
}

#[test]
fn framing_may_not_outweigh_data() {
    let ones = |count: usize| [b"1\r\nx\r\n".repeat(count), b"0\r\n\r\n".to_vec()].concat();
    // Five bytes of framing for one of data: 16 KiB are reached after 4,096 chunks.
    let (read, _) = chunked(&ones(4096));
    assert_eq!((read.data.len(), read.end), (4096, Ok(Some(4096 * 6 + 5))));
    let (read, _) = chunked(&ones(4200));
    assert_eq!(read.end, Err(BadBody::FramingHeavy), "L-14");
    let (read, _) = chunked_with(BodyLimits::RESPONSE, &ones(50_000));
    assert_eq!(read.data.len(), 50_000, "an event stream of short lines");
    let (read, _) = chunked(&b"5\r\nhello\r\n".repeat(50_000));
    assert_eq!(
        (read.data.len(), read.end),
        (250_000, Ok(None)),
        "framing equals data"
    );
}

#[test]
fn lengths_and_ends_of_connections_end_bodies() {
    let mut decoder = Decoder::new(BodyLength::Exact(5), BodyLimits::REQUEST);
    assert_eq!(decoder.remaining(), Some(5));
    assert_eq!(decoder.step(b""), Ok(Step::NeedMore));
    assert_eq!(decoder.step(b"he"), Ok(Step::Data(0..2)));
    assert_eq!(decoder.remaining(), Some(3));
    assert_eq!(decoder.step(b"lloGET /"), Ok(Step::Data(0..3)));
    assert!(decoder.is_done());
    assert_eq!(decoder.step(b"GET /"), Ok(Step::Done(0)));
    let mut decoder = Decoder::new(BodyLength::Exact(5), BodyLimits::REQUEST);
    assert_eq!(decoder.step(b"hell"), Ok(Step::Data(0..4)));
    assert_eq!(decoder.end_of_input(), Err(BadBody::Truncated));
    for nothing in [BodyLength::None, BodyLength::Exact(0)] {
        let mut decoder = Decoder::new(nothing, BodyLimits::REQUEST);
        assert!(decoder.is_done());
        assert_eq!(decoder.step(b"GET /"), Ok(Step::Done(0)));
        assert_eq!(decoder.end_of_input(), Ok(()));
    }
    let mut decoder = Decoder::new(BodyLength::UntilClose, BodyLimits::RESPONSE);
    assert_eq!(decoder.step(b"all"), Ok(Step::Data(0..3)));
    assert_eq!(decoder.step(b""), Ok(Step::NeedMore));
    assert!(!decoder.is_done());
    assert_eq!(decoder.end_of_input(), Ok(()));
    assert!(decoder.is_done());
}

#[test]
fn bodies_are_framed() {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(BodyLength::Chunked);
    let frame = encoder.frame(0x1f2a).expect("chunks have no limit");
    assert_eq!(
        (frame.before.as_bytes(), frame.after),
        (&b"1f2a\r\n"[..], &b"\r\n"[..])
    );
    assert_eq!(
        encoder.frame(0).map(|frame| frame.before.as_bytes().len()),
        Ok(0)
    );
    assert_eq!(encoder.append(b"hello", &mut out), Ok(()));
    assert_eq!(
        encoder.append(b"", &mut out),
        Ok(()),
        "an empty chunk would end the body"
    );
    let mut trailers = Fields::new();
    assert_eq!(trailers.push("X-Sum", b"1"), Ok(()));
    assert_eq!(encoder.finish(&trailers, &mut out), Ok(()));
    assert_eq!(out, b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
    assert_eq!(
        encoder.frame(1).err(),
        Some(WrongLength::TooMuch),
        "it is over"
    );

    let mut out = Vec::new();
    let mut encoder = Encoder::new(BodyLength::UntilClose);
    assert_eq!(encoder.append(b"all", &mut out), Ok(()));
    assert_eq!(encoder.finish(&trailers, &mut out), Ok(()));
    assert_eq!(out, b"all");
}

#[test]
fn a_declared_length_is_kept() {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(BodyLength::Exact(5));
    assert_eq!(encoder.append(b"hel", &mut out), Ok(()));
    assert_eq!(encoder.append(b"lo!", &mut out), Err(WrongLength::TooMuch));
    assert_eq!(encoder.append(b"lo", &mut out), Ok(()));
    assert_eq!(encoder.append(b"!", &mut out), Err(WrongLength::TooMuch));
    assert_eq!(encoder.finish(&Fields::new(), &mut out), Ok(()));
    assert_eq!(out, b"hello");
    let mut encoder = Encoder::new(BodyLength::Exact(5));
    assert_eq!(encoder.append(b"hel", &mut out), Ok(()));
    assert_eq!(
        encoder.finish(&Fields::new(), &mut out),
        Err(WrongLength::Missing(2))
    );
    let mut encoder = Encoder::new(BodyLength::None);
    assert_eq!(encoder.append(b"x", &mut out), Err(WrongLength::TooMuch));
    assert_eq!(encoder.finish(&Fields::new(), &mut out), Ok(()));
}
