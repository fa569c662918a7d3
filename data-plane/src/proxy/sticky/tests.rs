use super::*;

const NOW: i64 = 1_700_000_000;
const ID: &str = "inst-0";
const SESSION: &str = "JSESSIONID=x";

/// One exchange: what the client sent, what the endpoint answered.
#[derive(Default)]
struct Case<'a> {
    request: &'a [(&'a str, &'a str)],
    response: &'a [(&'a str, &'a str)],
    negotiate: bool,
    secure: bool,
    path: &'a str,
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in pairs {
        fields.push(*name, value.as_bytes()).expect("a field");
    }
    fields
}

/// The cookies that the client is given when the instance `inst-0` answered.
fn given(case: &Case<'_>) -> Vec<String> {
    let sessions = Sessions {
        auth_negotiate: case.negotiate,
        secure_cookies: case.secure,
        ..Sessions::default()
    };
    let request = fields(case.request);
    let session = session(&request, &sessions);
    let lines = cookies(
        &sessions,
        &Answered {
            request: &request,
            response: &fields(case.response),
            session: session.as_ref(),
            instance: ID,
            path: if case.path.is_empty() { "/" } else { case.path },
            now: NOW,
        },
    );
    lines
        .into_iter()
        .map(|line| String::from_utf8(line).expect("text"))
        .collect()
}

/// The same where the endpoint set only this session cookie.
fn for_session(cookie: &str, secure: bool) -> Vec<String> {
    given(&Case {
        response: &[("Set-Cookie", cookie)],
        secure,
        ..Case::default()
    })
}

/// What a session cookie says about itself, and whether `secure_cookies` is on; what the cookie
/// beside it then says, and what is remembered of that.
const CASES: &[(&str, bool, &str, &str)] = &[
    ("", false, "; HttpOnly", ""),
    ("; Secure", false, "; HttpOnly; Secure", "secure"),
    ("", true, "; HttpOnly; Secure", "secure"),
    ("; SECURE", true, "; HttpOnly; Secure", "secure"),
    (
        "; SameSite=Lax",
        false,
        "; HttpOnly; SameSite=Lax",
        "samesite=lax",
    ),
    (
        "; samesite=STRICT",
        false,
        "; HttpOnly; SameSite=Strict",
        "samesite=strict",
    ),
    ("; SameSite=odd", false, "; HttpOnly", ""),
    (
        "; Max-Age=30",
        false,
        "; Max-Age=30; HttpOnly",
        "maxage=1700000030",
    ),
    ("; Max-Age=0", false, "; Max-Age=0; HttpOnly", "maxage=-1"),
    ("; max-age=-7", false, "; Max-Age=0; HttpOnly", "maxage=-1"),
    ("; Max-Age=soon", false, "; HttpOnly", ""),
    (
        "; Expires=Tue, 14-Nov-2023 22:13:20 GMT",
        false,
        "; Expires=Tue, 14 Nov 2023 22:13:20 GMT; HttpOnly",
        "expires=1700000000",
    ),
    ("; Expires=0", false, "; HttpOnly", ""),
    (
        "; Domain=evil.test; Path=/deep; HttpOnly",
        false,
        "; HttpOnly",
        "",
    ),
];

/// D-543: a session cookie of the app brings `__VCAP_ID__` with the instance's id, for the route's
/// path, out of scripts' reach.
/// D-544: it ends when the session cookie does.
/// D-545: it is Secure as the session cookie is.
/// D-546: with `secure_cookies` it always is.
/// D-547: it has the session cookie's `SameSite`.
/// D-548: and all of its attributes together, in Gorouter's order.
/// D-563: with a session cookie that the app expires it expires.
/// D-638: and it has the session cookie's Max-Age, whatever that is.
#[test]
fn the_cookie_has_the_attributes_of_the_session_s() {
    const DATE: &str = "Tue, 14 Nov 2023 22:13:20 GMT";
    for (attributes, secure, expected, meta) in CASES.iter().copied() {
        let cookie = format!("{SESSION}{attributes}");
        let expected = [
            format!("__VCAP_ID__=inst-0; Path=/{expected}"),
            format!("__VCAP_ID_META__={meta}; Path=/{expected}"),
        ];
        assert_eq!(for_session(&cookie, secure), expected, "{attributes}");
    }
    let all = format!(
        "{SESSION}; Path=/; Domain=a.test; Expires={DATE}; Max-Age=5; HttpOnly; Secure; \
         SameSite=None; Partitioned"
    );
    let expected = format!(
        "__VCAP_ID__=inst-0; Path=/; Expires={DATE}; Max-Age=5; HttpOnly; Secure; SameSite=None; \
         Partitioned"
    );
    assert_eq!(for_session(&all, false).first(), Some(&expected));
}

/// D-542: without a session cookie there is none.
/// D-549: nor where the endpoint sets `__VCAP_ID__` itself.
#[test]
fn the_endpoint_decides_whether_there_is_a_cookie() {
    assert!(given(&Case::default()).is_empty());
    for cookies in [
        &[("Set-Cookie", "other=1")][..],
        &[("Set-Cookie", "jsessionid=1")],
        &[("Set-Cookie", "JSESSIONID")],
        &[("Set-Cookie", "__VCAP_ID__=mine")],
        &[("Set-Cookie", SESSION), ("Set-Cookie", "__VCAP_ID__=mine")],
        &[("Set-Cookie", "__VCAP_ID__="), ("Set-Cookie", SESSION)],
    ] {
        let case = Case {
            response: cookies,
            ..Case::default()
        };
        assert!(given(&case).is_empty(), "{cookies:?}");
    }
}

#[test]
fn each_session_cookie_brings_its_pair() {
    let case = Case {
        response: &[
            (
                "Set-Cookie",
                "JSESSIONID=a; Secure; SameSite=None; Partitioned",
            ),
            ("Set-Cookie", "other=1"),
            ("Set-Cookie", "__Host-JSESSIONID=; Max-Age=0"),
        ],
        path: "/ctx;x",
        ..Case::default()
    };
    assert_eq!(
        given(&case),
        [
            "__VCAP_ID__=inst-0; Path=/ctxx; HttpOnly; Secure; SameSite=None; Partitioned",
            "__VCAP_ID_META__=secure&partitioned&samesite=none; Path=/ctxx; HttpOnly; Secure; \
             SameSite=None; Partitioned",
            "__VCAP_ID__=inst-0; Path=/ctxx; Max-Age=0; HttpOnly",
            "__VCAP_ID_META__=maxage=-1; Path=/ctxx; Max-Age=0; HttpOnly",
        ]
    );
}

const NONE: &[(&str, &str)] = &[];
const NEGOTIATE: (&str, &str) = ("WWW-Authenticate", "Negotiate abc");
const WITH_ATTRIBUTES: (&str, &str) = ("Set-Cookie", "JSESSIONID=x; Max-Age=5; SameSite=Lax");
const BOTH_AT_HOME: &[(&str, &str)] = &[("Cookie", "JSESSIONID=x; __VCAP_ID__=inst-0")];
const BOTH_AWAY: &[(&str, &str)] = &[("Cookie", "JSESSIONID=x; __VCAP_ID__=gone")];

/// D-550: a negotiation sticks for a minute, strictly.
/// D-552: also where there is a session cookie with attributes of its own.
/// D-553: with `secure_cookies` it is Secure.
#[test]
fn a_negotiation_sticks_for_a_minute() {
    const LINE: &str = "__VCAP_ID__=inst-0; Path=/; Max-Age=60; HttpOnly";
    for response in [
        &[NEGOTIATE][..],
        &[("www-authenticate", "NEGOTIATE")],
        &[NEGOTIATE, WITH_ATTRIBUTES],
    ] {
        for secure in [false, true] {
            let case = Case {
                response,
                negotiate: true,
                secure,
                ..Case::default()
            };
            let secure = if secure { "; Secure" } else { "" };
            assert_eq!(given(&case), [format!("{LINE}{secure}; SameSite=Strict")]);
        }
    }
}

/// D-554: with the feature off a negotiation sets nothing.
/// D-555: and a session cookie counts as ever.
/// D-551: an endpoint's own `__VCAP_ID__` is left alone.
#[test]
fn a_negotiation_sticks_only_where_that_is_wanted_and_needed() {
    let off = Case {
        response: &[NEGOTIATE],
        ..Case::default()
    };
    assert!(given(&off).is_empty());
    let off = Case {
        response: &[NEGOTIATE, WITH_ATTRIBUTES],
        ..Case::default()
    };
    assert_eq!(
        given(&off).first().map(String::as_str),
        Some("__VCAP_ID__=inst-0; Path=/; Max-Age=5; HttpOnly; SameSite=Lax")
    );
    for response in [
        &[NEGOTIATE, ("Set-Cookie", "__VCAP_ID__=mine")][..],
        &[
            NEGOTIATE,
            ("Set-Cookie", SESSION),
            ("Set-Cookie", "__VCAP_ID__=mine"),
        ],
    ] {
        let case = Case {
            response,
            negotiate: true,
            ..Case::default()
        };
        assert!(given(&case).is_empty());
    }
    let unmoved = Case {
        request: BOTH_AT_HOME,
        response: &[NEGOTIATE],
        negotiate: true,
        ..Case::default()
    };
    assert!(given(&unmoved).is_empty());
}

/// D-560: a request that came to its instance is given no cookie again.
/// D-556: unless the app sets its session cookie again.
/// D-557: then with the new attributes.
/// D-558: one that came to another instance is given that.
/// D-561: an endpoint's own `__VCAP_ID__` is left alone either way.
#[test]
fn a_cookie_is_renewed_where_something_changed() {
    let session = |request, response| {
        given(&Case {
            request,
            response,
            ..Case::default()
        })
    };
    assert!(session(BOTH_AT_HOME, &[]).is_empty());
    let again = session(BOTH_AT_HOME, &[("Set-Cookie", "JSESSIONID=y; Secure")]);
    assert_eq!(
        again.first().map(String::as_str),
        Some("__VCAP_ID__=inst-0; Path=/; HttpOnly; Secure")
    );
    let moved = session(BOTH_AWAY, &[]);
    assert_eq!(moved, ["__VCAP_ID__=inst-0; Path=/; HttpOnly"]);
    for request in [BOTH_AT_HOME, BOTH_AWAY] {
        let own = session(request, &[("Set-Cookie", "__VCAP_ID__=mine")]);
        assert!(own.is_empty());
    }
}

/// D-639: a session that moves keeps the attributes that the second cookie remembers.
#[test]
fn a_session_that_moves_keeps_its_attributes() {
    let moved = |meta: &str, secure| {
        let cookie = format!("JSESSIONID=x; __VCAP_ID__=gone; __VCAP_ID_META__={meta}");
        given(&Case {
            request: &[("Cookie", &cookie)],
            secure,
            ..Case::default()
        })
    };
    let all = "secure&partitioned&expires=1700000000&maxage=1700000100&samesite=none";
    assert_eq!(
        moved(all, false),
        [
            "__VCAP_ID__=inst-0; Path=/; Expires=Tue, 14 Nov 2023 22:13:20 GMT; Max-Age=100; \
             HttpOnly; Secure; SameSite=None; Partitioned"
        ]
    );
    for (meta, secure, expected) in [
        ("", false, ""),
        ("nonsense", false, ""),
        ("samesite=lax", true, "; Secure; SameSite=Lax"),
    ] {
        let expected = format!("__VCAP_ID__=inst-0; Path=/; HttpOnly{expected}");
        assert_eq!(moved(meta, secure), [expected], "{meta}");
    }
}

/// D-559: on the way to a route service nothing sticks.
/// D-561: nor is an endpoint's own `__VCAP_ID__` touched there.
#[test]
fn nothing_sticks_to_a_route_service() {
    let headers = [
        ("X-CF-Proxy-Signature", "s"),
        ("X-CF-Forwarded-Url", "http://app.test/"),
    ];
    let cookie = ("Cookie", "JSESSIONID=x; __VCAP_ID__=gone");
    for response in [
        NONE,
        &[("Set-Cookie", SESSION)],
        &[("Set-Cookie", "__VCAP_ID__=mine")],
    ] {
        let request = [headers[0], headers[1], cookie];
        let case = |request| Case {
            request,
            response,
            ..Case::default()
        };
        assert!(given(&case(&request)).is_empty());
        assert!(given(&case(&request[..2])).is_empty());
    }
    let one = Case {
        request: &headers[..1],
        response: &[("Set-Cookie", SESSION)],
        ..Case::default()
    };
    assert_eq!(given(&one).len(), 2, "one of the fields alone says nothing");
}

/// D-564: `__VCAP_ID__` alone names no session.
/// D-562: with `Authorization: Negotiate` beside it, it does, and no other instance will do.
#[test]
fn a_session_needs_both_cookies_or_a_negotiation() {
    let named = |lines: &[(&str, &str)], negotiate| {
        let sessions = Sessions {
            auth_negotiate: negotiate,
            ..Sessions::default()
        };
        let found = session(&fields(lines), &sessions);
        found.map(|session| (session.endpoint.into_string(), session.must))
    };
    let preferred = |id: &str| Some((id.to_owned(), false));
    for (cookies, expected) in [
        (&["__VCAP_ID__=a"][..], None),
        (&["JSESSIONID=x"], None),
        (&["JSESSIONID=x; __VCAP_ID__="], None),
        (&["jsessionid=x; __VCAP_ID__=a"], None),
        (&["JSESSIONID; __VCAP_ID__=a"], None),
        (&["JSESSIONID=x;__VCAP_ID__=\"a\""], preferred("a")),
        (
            &["__VCAP_ID__=a; b=c;; JSESSIONID=; __VCAP_ID__=b"],
            preferred("a"),
        ),
        (
            &["b=c; __VCAP_ID__=10.0.0.1:80", "JSESSIONID=x"],
            preferred("10.0.0.1:80"),
        ),
        (&["__Host-JSESSIONID=x; __VCAP_ID__=a"], preferred("a")),
    ] {
        let lines: Vec<_> = cookies.iter().map(|line| ("Cookie", *line)).collect();
        assert_eq!(named(&lines, false), expected, "{cookies:?}");
    }
    let negotiating = [
        ("Cookie", "__VCAP_ID__=a"),
        ("Authorization", "negotiate abc"),
    ];
    assert_eq!(named(&negotiating, true), Some(("a".to_owned(), true)));
    assert_eq!(named(&negotiating, false), None);
    assert_eq!(named(&negotiating[..1], true), None);
    assert_eq!(named(&negotiating[1..], true), None);
}

#[test]
fn an_instance_that_no_cookie_can_name_begins_no_session() {
    let line = |instance| {
        let lines = cookies(
            &Sessions::default(),
            &Answered {
                request: &Fields::new(),
                response: &fields(&[("Set-Cookie", SESSION)]),
                session: None,
                instance,
                path: "/",
                now: NOW,
            },
        );
        lines
            .first()
            .map(|line| String::from_utf8_lossy(line).into_owned())
    };
    for instance in ["", "a;b", "a\"b", "a\\b", "a\r\nb", "\u{e4}"] {
        assert_eq!(line(instance), None, "{instance:?}");
    }
    assert_eq!(
        line("a, b").as_deref(),
        Some("__VCAP_ID__=\"a, b\"; Path=/; HttpOnly")
    );
}
