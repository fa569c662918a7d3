//! What holds for any message: the split of the bytes does not matter, what is written is read
//! back, and nothing panics.

use pointsman_http1::{
    BodyLength, BodyLimits, Decoder, Encoder, Fields, Method, Name, RequestHead, RequestLimits,
    RequestOut, RequestParser, ResponseHead, ResponseLimits, ResponseOut, ResponseParser, Step,
    UpstreamConnection, Version, write_request, write_response,
};
use proptest::prelude::*;

/// Prefixes of `bytes` that grow by arbitrary steps up to the whole.
fn growing<'a>(bytes: &'a [u8], steps: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut len = 0;
    let part = steps.iter().map_while(move |step| {
        len += step;
        bytes.get(..len)
    });
    part.chain(std::iter::once(bytes))
}

fn steps() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..40, 0..40)
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z][A-Za-z0-9-]{0,20}",
        "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,30}",
        Just("Cookie".to_owned()),
        Just("x-forwarded-for".to_owned()),
        Just("Accept-Encoding".to_owned()),
    ]
    .prop_filter("framing and host are set apart", |name| {
        ![
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "upgrade",
            "expect",
            "date",
        ]
        .contains(&name.to_ascii_lowercase().as_str())
    })
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[ -~]{0,60}".prop_map(|text| text.trim().as_bytes().to_vec()),
        prop::collection::vec(prop_oneof![Just(b'\t'), 0x20u8..0x7f, 0x80u8..], 0..80)
            .prop_map(|bytes| bytes.trim_ascii().to_vec()),
    ]
}

fn fields() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    prop::collection::vec((name(), value()), 0..20)
}

fn body() -> impl Strategy<Value = BodyLength> {
    prop_oneof![
        Just(BodyLength::None),
        (0u64..1 << 63).prop_map(BodyLength::Exact),
        Just(BodyLength::Chunked),
    ]
}

/// Lines as a peer may write them: blanks around values vary.
fn lines(fields: &[(String, Vec<u8>)], blanks: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut blanks = blanks.iter().cycle();
    for (name, value) in fields {
        let mut pad = |out: &mut Vec<u8>| {
            for _ in 0..blanks.next().copied().unwrap_or(1) {
                out.push(b" \t"[usize::from(blanks.next().copied().unwrap_or(0) & 1)]);
            }
        };
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        pad(&mut out);
        out.extend_from_slice(value);
        pad(&mut out);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Something near a request: valid parts with noise in between.
fn near_request() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"GET / HTTP/1.1\r\n".to_vec()),
        Just(b"POST /a%41?b HTTP/1.0\r\n".to_vec()),
        Just(b"OPTIONS * HTTP/1.1\r\n".to_vec()),
        Just(b"PUT http://a/ HTTP/1.1\r\n".to_vec()),
        Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Just(b"HTTP/1.1 100 \r\n".to_vec()),
        Just(b"Host: a\r\n".to_vec()),
        Just(b"Content-Length: 5\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"Connection: close, x\r\n".to_vec()),
        Just(b"X-Header:  value \r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\n".to_vec()),
        Just(b" ".to_vec()),
        Just(b":".to_vec()),
        Just(b"5\r\nhello\r\n".to_vec()),
        Just(b"0\r\n".to_vec()),
        Just(b"3;a=\"b\"\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..3),
        "[a-zA-Z/:;=%?. -]{0,12}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

const TIGHT: RequestLimits = RequestLimits {
    request_line: 40,
    head: 120,
    fields: 4,
    field_name: 12,
    field_value: 24,
    obs_text_in_target: true,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_a_request_reads_the_same(bytes in near_request(), steps in steps()) {
        for limits in [RequestLimits::DEFAULT, TIGHT] {
            let mut whole = RequestHead::new();
            let at_once = RequestParser::new(limits).parse(&bytes, &mut whole);
            let mut parser = RequestParser::new(limits);
            let mut head = RequestHead::new();
            let split = growing(&bytes, &steps)
                .map(|input| parser.parse(input, &mut head))
                .find(|outcome| *outcome != Ok(None));
            prop_assert_eq!(split.unwrap_or(Ok(None)), at_once);
            prop_assert_eq!(head.fields(), whole.fields());
            prop_assert_eq!(head.target(), whole.target());
            prop_assert_eq!(head.authority(), whole.authority());
            prop_assert_eq!(head.body(), whole.body());
        }
    }

    #[test]
    fn any_split_of_a_response_reads_the_same(bytes in near_request(), steps in steps()) {
        let bytes = [b"HTTP/1.1 2", &bytes[..]].concat();
        for limits in [ResponseLimits::DEFAULT, ResponseLimits { head: 80, fields: 3, interim: 1 }] {
            let mut whole = ResponseHead::new();
            let at_once = ResponseParser::new(limits).parse(&bytes, &mut whole);
            let mut parser = ResponseParser::new(limits);
            let mut head = ResponseHead::new();
            let split = growing(&bytes, &steps)
                .map(|input| parser.parse(input, &mut head))
                .find(|outcome| *outcome != Ok(None));
            prop_assert_eq!(split.unwrap_or(Ok(None)), at_once);
            prop_assert_eq!(head.fields(), whole.fields());
            prop_assert_eq!(head.status(), whole.status());
        }
    }

    #[test]
    fn any_split_of_a_body_reads_the_same(bytes in near_request(), steps in steps()) {
        let tight = BodyLimits { chunk_line: 9, extensions: 12, trailer: 30, trailer_fields: 2, framing: Some(20) };
        for limits in [BodyLimits::REQUEST, tight] {
            let bytes = [b"4\r\nbody\r\n", &bytes[..]].concat();
            let mut decoder = Decoder::new(BodyLength::Chunked, limits);
            let at_once = decode(&mut decoder, std::iter::once(&bytes[..]));
            let mut dripped = Decoder::new(BodyLength::Chunked, limits);
            let mut before = 0;
            let pieces = growing(&bytes, &steps).map(|part| {
                let piece = &part[before..];
                before = part.len();
                piece
            });
            prop_assert_eq!(decode(&mut dripped, pieces), at_once);
            prop_assert_eq!(dripped.trailers(), decoder.trailers());
        }
    }

    #[test]
    fn a_written_request_reads_back(
        fields in fields(),
        blanks in prop::collection::vec(0u8..4, 1..20),
        body in body(),
        close in any::<bool>(),
        added in fields(),
    ) {
        let mut bytes = b"PATCH /a/b?c=%zz HTTP/1.1\r\nHost: app.example:81\r\n".to_vec();
        bytes.extend_from_slice(&lines(&fields, &blanks));
        bytes.extend_from_slice(b"Connection: keep-alive\r\nContent-Length: 77\r\n\r\n");
        let head = read_request(&bytes)?;
        let with: Vec<_> = added.iter().map(|(name, value)| (Name::from(name.as_str()), &value[..])).collect();
        let connection = if close { UpstreamConnection::Close } else { UpstreamConnection::KeepAlive };
        let how = RequestOut { body, connection, with: &with, ..RequestOut::default() };
        let mut out = Vec::new();
        prop_assert_eq!(write_request(&mut out, &head, &how), Ok(()));
        let again = read_request(&out)?;
        prop_assert_eq!((again.method(), again.version()), (Method::Patch, Version::Http11));
        prop_assert_eq!((again.target(), again.authority()), (head.target(), head.authority()));
        prop_assert_eq!((again.body(), again.keep_alive()), (body, !close));
        let sent = fields.into_iter().chain(added);
        let all: Vec<_> = sent.map(|(name, value)| (lower(&name), value)).collect();
        prop_assert_eq!(passed_on(again.fields()), all);
        // Writing what was written changes nothing any more.
        let mut twice = Vec::new();
        let how = RequestOut { body, connection, ..RequestOut::default() };
        prop_assert_eq!(write_request(&mut twice, &again, &how), Ok(()));
        let thrice = read_request(&twice)?;
        prop_assert_eq!(thrice.fields().len(), again.fields().len());
        prop_assert_eq!(twice.len(), out.len());
    }

    #[test]
    fn a_written_response_reads_back(
        status in 100u16..600,
        fields in fields(),
        blanks in prop::collection::vec(0u8..4, 1..20),
        body in prop_oneof![body(), Just(BodyLength::UntilClose)],
        keep_alive in any::<bool>(),
        old in any::<bool>(),
        method in prop_oneof![Just(Method::Get), Just(Method::Head)],
    ) {
        let mut bytes = format!("HTTP/1.1 {status} Whatever\r\n").into_bytes();
        bytes.extend_from_slice(&lines(&fields, &blanks));
        bytes.extend_from_slice(b"\r\n");
        let head = read_response(&bytes)?;
        let client = if old { Version::Http10 } else { Version::Http11 };
        let how = ResponseOut { client, method, body, keep_alive, ..ResponseOut::default() };
        let mut out = Vec::new();
        let written = write_response(&mut out, &head, &how);
        prop_assert!(written.is_ok());
        let again = read_response(&out)?;
        prop_assert_eq!((again.status(), again.version()), (status, client));
        let sent = fields.into_iter().map(|(name, value)| (lower(&name), value));
        prop_assert_eq!(passed_on(again.fields()), sent.collect::<Vec<_>>());
        if let Ok(written) = written && again.status() != 101 {
            // A client that follows the rules expects exactly what will be sent.
            prop_assert_eq!(again.body(method), written.body);
            prop_assert_eq!(again.reusable(method), written.keep_alive);
        }
    }

    #[test]
    fn an_encoded_body_decodes(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
        trailers in prop::collection::vec(("X-[A-Z]{1,8}", value()), 0..5),
        how in 0usize..3,
        steps in steps(),
    ) {
        let data = pieces.concat();
        let length = [BodyLength::Chunked, BodyLength::Exact(data.len() as u64), BodyLength::UntilClose][how];
        let mut list = Fields::new();
        for (name, value) in &trailers {
            prop_assert_eq!(list.push(name.as_str(), value), Ok(()));
        }
        let mut encoder = Encoder::new(length);
        let mut out = Vec::new();
        for piece in &pieces {
            prop_assert_eq!(encoder.append(piece, &mut out), Ok(()));
        }
        prop_assert_eq!(encoder.finish(&list, &mut out), Ok(()));
        let limits = BodyLimits { framing: None, ..BodyLimits::REQUEST };
        let mut decoder = Decoder::new(length, limits);
        let mut before = 0;
        let fed = growing(&out, &steps).map(|part| {
            let piece = &part[before..];
            before = part.len();
            piece
        });
        let (read, end) = decode(&mut decoder, fed);
        prop_assert_eq!(read, data);
        prop_assert_eq!(decoder.end_of_input(), Ok(()));
        match length {
            BodyLength::Chunked => {
                prop_assert_eq!(end, Ok(Some(out.len())));
                prop_assert_eq!(decoder.trailers(), &list);
            }
            _ => prop_assert!(end.is_ok()),
        }
    }
}

/// All data, and where the body ended, counted over all pieces.
fn decode<'a>(
    decoder: &mut Decoder,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<u8>, Result<Option<usize>, pointsman_http1::BadBody>) {
    let mut data = Vec::new();
    let mut consumed = 0;
    for piece in pieces {
        let mut at = 0;
        loop {
            match decoder.step(&piece[at..]) {
                Ok(Step::Data(range)) => {
                    data.extend_from_slice(&piece[at..][range.clone()]);
                    at += range.end;
                }
                Ok(Step::NeedMore) => break,
                Ok(Step::Done(len)) => return (data, Ok(Some(consumed + at + len))),
                Err(bad) => return (data, Err(bad)),
            }
        }
        consumed += piece.len();
    }
    (data, Ok(None))
}

fn read_request(bytes: &[u8]) -> Result<RequestHead, TestCaseError> {
    let mut head = RequestHead::new();
    let outcome = RequestParser::new(RequestLimits::CEILING).parse(bytes, &mut head);
    prop_assert_eq!(
        outcome,
        Ok(Some(bytes.len())),
        "{:?}",
        String::from_utf8_lossy(bytes)
    );
    Ok(head)
}

fn read_response(bytes: &[u8]) -> Result<ResponseHead, TestCaseError> {
    let mut head = ResponseHead::new();
    let outcome = ResponseParser::new(ResponseLimits::DEFAULT).parse(bytes, &mut head);
    prop_assert_eq!(
        outcome,
        Ok(Some(bytes.len())),
        "{:?}",
        String::from_utf8_lossy(bytes)
    );
    Ok(head)
}

/// The fields without those that the writers make. The case of names is not part of a message.
fn passed_on(fields: &Fields) -> Vec<(String, Vec<u8>)> {
    let made = ["host", "content-length", "transfer-encoding", "connection"];
    fields
        .iter()
        .map(|field| {
            (
                lower(&String::from_utf8_lossy(field.name.as_bytes())),
                field.value.to_vec(),
            )
        })
        .filter(|(name, _)| !made.contains(&name.as_str()))
        .collect()
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}
