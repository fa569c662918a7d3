use super::*;

const DICE: Dice = Dice {
    trace: 0x8f14_e45f_ceea_467a_9a0e_6a1f_3c2b_4d5e,
    span: 0x53ce_929d_0e0e_4736,
    parent: 0x0102_0304_0506_0708,
};
const TRACE: &str = "8f14e45fceea467a9a0e6a1f3c2b4d5e";
const SPAN: &str = "53ce929d0e0e4736";
const PARENT: &str = "0102030405060708";

/// Trace headers of a request.
type Sent<'a> = &'a [(&'a str, &'a str)];

fn zipkin() -> Tracing {
    Tracing {
        b3: true,
        w3c: None,
    }
}

fn w3c(b3: bool, tenant: &str) -> Tracing {
    let key = VendorKey::of_tenant(tenant).expect("a tenant");
    Tracing { b3, w3c: Some(key) }
}

/// What the trace headers of a request become, and where it stands.
fn kept(tracing: &Tracing, sent: Sent<'_>) -> (Vec<(String, String)>, Option<Place>) {
    let mut fields = Fields::new();
    for (name, value) in sent {
        fields.push(*name, value.as_bytes()).expect("a field");
    }
    let place = keep_going(&mut fields, tracing, DICE).expect("there is room");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let fields = fields.iter().map(|field| {
        (
            text(field.name.as_bytes()).to_lowercase(),
            text(field.value),
        )
    });
    let mut fields: Vec<_> = fields.collect();
    fields.sort();
    (fields, place)
}

/// The value of one of them.
fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|field| field.0 == name);
    found.map(|field| field.1.as_str())
}

fn is_fresh(fields: &[(String, String)]) -> bool {
    value(fields, "x-b3-traceid") == Some(TRACE)
        && value(fields, "x-b3-spanid") == Some(SPAN)
        && value(fields, "b3") == Some(format!("{TRACE}-{SPAN}").as_str())
        && fields.len() == 3
}

fn id(place: Option<Place>) -> Option<String> {
    let id = place.and_then(Place::request_id)?;
    Some(String::from_utf8_lossy(&id).into_owned())
}

/// D-113: the request's id is made from the trace that its headers tell.
/// D-117: of a trace that begins here, it is the id with dashes.
/// D-118: a trace id that is a UUID is the request's id.
/// D-119: one that is none is not, and stays.
/// D-120: nor is one of another length.
#[test]
fn a_trace_id_that_is_a_uuid_is_the_requests() {
    let (_, fresh) = kept(&zipkin(), &[]);
    assert_eq!(fresh, Some(DICE.place()));
    let dashed = "8f14e45f-ceea-467a-9a0e-6a1f3c2b4d5e";
    assert_eq!(id(fresh).as_deref(), Some(dashed));
    let (_, sent) = kept(&zipkin(), &[("b3", &format!("{TRACE}-{PARENT}"))]);
    assert_eq!(id(sent).as_deref(), Some(dashed));
    for (trace, number) in [
        (
            "8f14e45fceea067a9a0e6a1f3c2b4d5e",
            0x8f14_e45f_ceea_067a_9a0e_6a1f_3c2b_4d5e,
        ),
        (
            "8f14e45fceea667a9a0e6a1f3c2b4d5e",
            0x8f14_e45f_ceea_667a_9a0e_6a1f_3c2b_4d5e,
        ),
        ("9a0e6a1f3c2b4d5e", 0x9a0e_6a1f_3c2b_4d5e),
    ] {
        let (_, place) = kept(&zipkin(), &[("b3", &format!("{trace}-{SPAN}"))]);
        assert_eq!(place.map(|place| place.trace), Some(number), "{trace}");
        assert_eq!(id(place), None, "{trace}");
    }
}

/// D-121: without headers, ids and `b3` are made, and no parent.
/// D-129: a span alone is replaced.
/// D-130: so is a trace alone.
/// D-132: a `b3` that cannot be read is replaced.
/// D-133: so is one with invalid ids.
#[test]
fn a_b3_trace_begins_where_there_is_none() {
    let cases: [Sent<'_>; 10] = [
        &[],
        &[("X-B3-SpanId", "7b484e1afc0e8966")],
        &[("X-B3-TraceId", "7b484e1afc0e8966")],
        &[("X-B3-TraceId", ""), ("X-B3-SpanId", "7b484e1afc0e8966")],
        &[("b3", "no trace at all")],
        &[("b3", "7b484e1afc0e896g-7b484e1afc0e8966")],
        &[("b3", "7b484e1afc0e8966-7b484e1afc0e8966-2")],
        &[("b3", "7b484e1afc0e8966-7b484e1afc0e8966-1-7b")],
        &[("b3", "7b484e1afc0e8966")],
        &[("b3", "")],
    ];
    for sent in cases {
        let (fields, place) = kept(&zipkin(), sent);
        assert!(is_fresh(&fields), "{sent:?} became {fields:?}");
        assert_eq!(place, Some(DICE.place()));
    }
}

/// D-122: neither ids nor the parent are overwritten.
/// D-123: `b3` is added as trace and span.
/// D-124: it says whether the trace is sampled.
/// D-125: with the debug flag it says `d`.
/// D-126: it says sampling and parent.
/// D-127: the ids stay, and are the request's place.
/// D-128: a trace id that is no UUID stays, and is not the request's id.
#[test]
fn several_b3_headers_become_one_beside_them() {
    const IDS: [(&str, &str); 2] = [
        ("X-B3-TraceId", "7f46165474d11ee5836777d85df2cdab"),
        ("X-B3-SpanId", "54ebcb82b14862d9"),
    ];
    const PARENT: (&str, &str) = ("X-B3-ParentSpanId", "e56b75d6af463476");
    let joined = "7f46165474d11ee5836777d85df2cdab-54ebcb82b14862d9";
    let cases: [(Sent<'_>, String); 8] = [
        (&[], joined.to_owned()),
        (&[("X-B3-Sampled", "1")], format!("{joined}-1")),
        (&[("X-B3-Sampled", "true")], format!("{joined}-1")),
        (&[("X-B3-Sampled", "0")], format!("{joined}-0")),
        (&[("X-B3-Flags", "1")], format!("{joined}-d")),
        (
            &[("X-B3-Sampled", "1"), PARENT],
            format!("{joined}-1-e56b75d6af463476"),
        ),
        (&[PARENT], joined.to_owned()),
        (&[("b3", "nonsense")], joined.to_owned()),
    ];
    for (more, expected) in cases {
        let sent = [&IDS[..], more].concat();
        let (fields, place) = kept(&zipkin(), &sent);
        assert_eq!(value(&fields, "b3"), Some(expected.as_str()), "{sent:?}");
        for (name, sent) in sent.iter().filter(|field| field.0 != "b3") {
            assert_eq!(value(&fields, &name.to_lowercase()), Some(*sent));
        }
        let place = place.expect("the ids are its place");
        assert_eq!(place.trace, 0x7f46_1654_74d1_1ee5_8367_77d8_5df2_cdab);
        assert_eq!(place.span, 0x54eb_cb82_b148_62d9);
    }
    let short = [("X-B3-TraceId", "7f46165474d11ee5"), IDS[1]];
    let (fields, place) = kept(&zipkin(), &short);
    assert_eq!(
        value(&fields, "b3"),
        Some("7f46165474d11ee5-54ebcb82b14862d9")
    );
    assert_eq!(value(&fields, "x-b3-traceid"), Some("7f46165474d11ee5"));
    assert_eq!(id(place), None);
    for unclear in [
        [("X-B3-TraceId", "not hex"), IDS[1]],
        [IDS[0], ("X-B3-SpanId", "54ebcb82b14862d9ff")],
    ] {
        let (fields, place) = kept(&zipkin(), &unclear);
        assert_eq!((fields.len(), place), (2, None), "{unclear:?}");
        for (name, sent) in unclear {
            assert_eq!(value(&fields, &name.to_lowercase()), Some(sent));
        }
    }
}

/// D-131: a `b3` that can be read stays, alone, and is the request's place.
#[test]
fn a_single_b3_header_is_left_as_it_is() {
    for sent in [
        "7b484e1afc0e8966-7b484e1afc0e8965",
        "00000000000000007b484e1afc0e8966-7B484E1AFC0E8965-d",
        "7b484e1afc0e8966-7b484e1afc0e8965-1-7b484e1afc0e8964",
    ] {
        let (fields, place) = kept(&zipkin(), &[("b3", sent)]);
        assert_eq!(fields, [("b3".to_owned(), sent.to_owned())]);
        let expected = Place {
            trace: 0x7b48_4e1a_fc0e_8966,
            span: 0x7b48_4e1a_fc0e_8965,
        };
        assert_eq!(place, Some(expected));
    }
    let (fields, place) = kept(&zipkin(), &[("b3", "0")]);
    assert_eq!((fields.len(), place), (1, None));
}

/// D-135: a W3C trace that begins here has the ids that B3 gave it, and flags 01.
/// D-137: without any, they are made.
/// D-142: the state is our own member, with the tenant.
#[test]
fn a_w3c_trace_begins_where_there_is_none() {
    let cases: [Sent<'_>; 4] = [
        &[],
        &[("tracestate", "rojo=1")],
        &[("traceparent", "00-short-01"), ("tracestate", "rojo=1")],
        &[(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01",
        )],
    ];
    for sent in cases {
        let (fields, place) = kept(&w3c(false, "t1"), sent);
        let parent = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(value(&fields, "traceparent"), Some(parent.as_str()));
        let state = format!("t1@gorouter={SPAN}");
        assert_eq!(value(&fields, "tracestate"), Some(state.as_str()));
        assert_eq!((fields.len(), place), (2, Some(DICE.place())));
    }
    let b3 = "00000000000000007b484e1afc0e8966-7b484e1afc0e8965";
    let (fields, place) = kept(&w3c(true, ""), &[("b3", b3)]);
    assert_eq!(
        value(&fields, "traceparent"),
        Some("00-00000000000000007b484e1afc0e8966-7b484e1afc0e8965-01")
    );
    assert_eq!(
        value(&fields, "tracestate"),
        Some("gorouter=7b484e1afc0e8965")
    );
    assert_eq!(place.map(|place| place.span), Some(0x7b48_4e1a_fc0e_8965));
}

/// D-138: a W3C trace keeps its id and flags, and gets this hop as parent and as first member.
/// D-139: what B3 said of the request's place stays so.
/// D-140: without B3, the trace and this hop are its place.
/// D-148: flags 01, 00 and others can be read.
/// D-149: the version is 00 then, the trace and the flags stay, the parent is new.
#[test]
fn a_w3c_trace_goes_on_with_this_hop() {
    let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    for flags in ["01", "00", "Af"] {
        let sent = format!("cc-4bf92f3577b34da6A3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        let (fields, place) = kept(&w3c(false, ""), &[("traceparent", &sent)]);
        let flags = flags.to_lowercase();
        let next = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{PARENT}-{flags}");
        assert_eq!(value(&fields, "traceparent"), Some(next.as_str()));
        let state = format!("gorouter={PARENT}");
        assert_eq!(value(&fields, "tracestate"), Some(state.as_str()));
        let span = DICE.parent;
        assert_eq!(place, Some(Place { trace, span }));
        let (fields, place) = kept(&w3c(true, ""), &[("traceparent", &sent)]);
        assert_eq!(value(&fields, "traceparent"), Some(next.as_str()));
        assert_eq!(place, Some(DICE.place()));
    }
}

/// D-141: our older member is replaced by the new one, in front.
/// D-143: ours with the tenant is put in front.
/// D-144: members of other tenants, and of none, stay.
/// D-145: an older one of the same tenant is replaced.
/// D-151: without a tenant our member is put in front, of nothing and of something.
/// D-152: of our own members only the newest stays.
/// D-153: those of other tenants stay.
/// D-154: with a tenant our member is put in front, of nothing and of something.
/// D-155: a state of more than 2048 bytes is dropped.
#[test]
fn our_member_of_the_state_stands_in_front() {
    let key = |tenant| VendorKey::of_tenant(tenant).expect("a tenant");
    for (tenant, received, expected) in [
        ("", None, format!("gorouter={PARENT}")),
        ("t1", Some(""), format!("t1@gorouter={PARENT}")),
        ("", Some("rojo=1"), format!("gorouter={PARENT},rojo=1")),
        (
            "t1",
            Some("rojo=1, congo=t61"),
            format!("t1@gorouter={PARENT},rojo=1,congo=t61"),
        ),
        (
            "",
            Some("rojo=1,gorouter=aaaa,congo=t=61"),
            format!("gorouter={PARENT},rojo=1,congo=t=61"),
        ),
        (
            "t1",
            Some("rojo=1,gorouter=a,t2@gorouter=b,t1@gorouter=c,nothing,"),
            format!("t1@gorouter={PARENT},rojo=1,gorouter=a,t2@gorouter=b"),
        ),
        (
            "",
            Some("t1@gorouter=a"),
            format!("gorouter={PARENT},t1@gorouter=a"),
        ),
    ] {
        let state = w3c::state(&key(tenant), DICE.parent, received.map(str::as_bytes));
        assert_eq!(String::from_utf8_lossy(&state), expected, "{received:?}");
    }
    for (length, kept) in [(2048, true), (2049, false)] {
        let received = format!("rojo={}", "1".repeat(length - 5));
        let state = w3c::state(&key(""), DICE.parent, Some(received.as_bytes()));
        assert_eq!(state.ends_with(b"11"), kept, "{length}");
    }
}
