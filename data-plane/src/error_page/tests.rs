use super::*;

const HEADER: &[(&str, &[u8])] = &[
    ("X-Cf-RouterError", b"unknown_route"),
    ("Cache-Control", b""),
];

fn shown() -> Shown<'static> {
    Shown {
        status: 404,
        status_text: "Not Found",
        message: b"Requested route ('a<b>.test') does not exist.",
        header: HEADER,
    }
}

fn rendered(text: &str) -> Result<String, Failed> {
    let page = ErrorPage::parse(text).unwrap_or_else(|bad| panic!("{text}: {bad}"));
    let mut out = b"before ".to_vec();
    let rendered = page.render(&shown(), &mut out);
    let out = String::from_utf8(out).expect("it is text");
    let out = out.strip_prefix("before ").expect("it was appended");
    assert!(rendered.is_ok() || out.is_empty(), "{out}");
    rendered.map(|()| out.to_owned())
}

/// D-106: a page shows the status, its phrase, the message and the headers, escaped.
/// D-111: `X-Cf-RouterError` can be read from the headers.
#[test]
fn a_page_shows_what_happened() {
    for (page, expected) in [
        ("", ""),
        ("no action }} { }", "no action }} { }"),
        (
            "<h1>{{ .Status }} {{.StatusText}}</h1>",
            "<h1>404 Not Found</h1>",
        ),
        (
            "<p>{{ .Message }}</p>",
            "<p>Requested route (&#39;a&lt;b&gt;.test&#39;) does not exist.</p>",
        ),
        (
            "{{ .Header.Get \"X-Cf-RouterError\" }}|{{ .Header.Get `x-cf-routererror` }}|{{ .Header.Get \"X\" }}|",
            "unknown_route|unknown_route||",
        ),
        ("a {{- .Status -}} b", "a404b"),
        ("a\n{{- /* a comment */ -}}\n b", "ab"),
        (
            "<p title=\"{{ .Message }}\" data-x='{{.Status}}'>",
            "<p title=\"Requested route (&#39;a&lt;b&gt;.test&#39;) does not exist.\" data-x='404'>",
        ),
        ("{{ \"a+\\\"}}\" }}", "a&#43;&#34;}}"),
        (
            "<!DOCTYPE html><title>{{.Status}}</title><br/>{{.Status}}",
            "<!DOCTYPE html><title>404</title><br/>404",
        ),
        (
            "<script>let a = '<p>';</script>{{.Status}}",
            "<script>let a = '<p>';</script>404",
        ),
    ] {
        assert_eq!(rendered(page).as_deref(), Ok(expected), "{page}");
    }
}

/// D-106: a page decides by what happened.
#[test]
fn a_page_decides() {
    for (condition, expected) in [
        (".Status", true),
        (".Header.Get \"X\"", false),
        ("eq .Status 404", true),
        ("eq .Status 503 404", true),
        ("eq .Status 503", false),
        ("ne .Status 503", true),
        ("and (ge .Status 400) (lt .Status 500)", true),
        ("or (gt .Status 404) (le .Status 403)", false),
        ("not (eq .StatusText \"Not Found\")", false),
        (
            "eq (.Header.Get \"X-Cf-RouterError\") \"unknown_route\"",
            true,
        ),
    ] {
        let page = format!("{{{{ if {condition} }}}}yes{{{{ else }}}}no{{{{ end }}}}");
        let expected = if expected { "yes" } else { "no" };
        assert_eq!(rendered(&page).as_deref(), Ok(expected), "{condition}");
    }
    let page =
        "{{if eq .Status 400}}a{{else if eq .Status 404}}b{{if .Message}}c{{end}}{{else}}d{{end}}e";
    assert_eq!(rendered(page).as_deref(), Ok("bce"));
    assert_eq!(rendered("{{if not .Status}}x{{end}}").as_deref(), Ok(""));
}

/// D-105: a page that cannot be made is known when it is.
#[test]
fn a_page_can_fail() {
    for page in [
        "a {{ .Nothing }}",
        "{{ if eq .Status \"404\" }}{{ end }}",
        "{{ .Header.Nothing }}",
    ] {
        assert_eq!(rendered(page), Err(Failed), "{page}");
    }
    assert_eq!(
        rendered("{{if eq .Status 1}}{{.Nothing}}{{end}}x").as_deref(),
        Ok("x")
    );
}

/// D-104: a page that is wrong is refused, with its place.
#[test]
fn a_page_that_is_not_understood_is_refused() {
    for (page, line, expected) in [
        ("{{ .Status", 1, "has no `}}`"),
        ("\n\n{{ }}", 3, "an expression is missing"),
        ("{{ .Status | html }}", 1, "`|` is not understood"),
        (
            "{{ range .Header }}{{ end }}",
            1,
            "`range` is not understood",
        ),
        ("\n{{ if .Status }}", 2, "has no `{{ end }}`"),
        ("{{ end }}", 1, "`end` has no `if`"),
        ("{{ else }}", 1, "`else` has no `if`"),
        (
            "{{ if .Status }}{{ else }}{{ else }}{{ end }}",
            1,
            "behind `else`",
        ),
        ("{{ eq .Status }}", 1, "has 1 arguments"),
        ("{{ not 1 2 }}", 1, "has 2 arguments"),
        ("{{ (.Status }}", 1, "a `)` is missing"),
        ("{{ .Status ) }}", 1, "more behind"),
        ("{{ .Header.Get }}", 1, "needs a name"),
        ("{{ eq .Header.Get \"a\" }}", 1, "write `(.Header.Get"),
        ("{{ \"a }}", 1, "has no `}}`"),
        ("{{ \"\\n\" }}", 1, "only"),
    ] {
        let bad = ErrorPage::parse(page).expect_err(page);
        assert_eq!(bad.line, line, "{page}: {bad}");
        assert!(bad.what.contains(expected), "{page}: {bad}");
    }
}

#[test]
fn a_value_is_shown_only_where_it_stays_text() {
    for page in [
        "<script>{{ .Message }}</script>",
        "<SCRIPT type='x'>let a = \"{{ .Message }}\"</SCRIPT>",
        "<script/x>{{ .Message }}</script>",
        "<script>a</scripts>{{ .Message }}",
        "<style>{{ .Message }}</style>",
        "<a href=\"{{ .Message }}\">",
        "<p onclick='{{ .Message }}'>",
        "<p style = \"{{ .Message }}\">",
        "<p title={{ .Message }}>",
        "<p title=a{{ .Message }}>",
        "<p {{ .Message }}>",
        "<p title {{ .Message }}>",
        "<{{ .Message }}>",
        "<p{{ .Message }}>",
        "<!-- {{ .Message }} -->",
        "<p hidden href=\"{{ .Message }}\">",
    ] {
        assert!(ErrorPage::parse(page).is_err(), "{page}");
    }
    let bad = ErrorPage::parse("{{ if .Status }}<script>{{ end }}").expect_err("it is open");
    assert!(bad.what.contains("different places"), "{bad}");
    for page in [
        "<script>a</script >{{ .Message }}",
        "<p hidden title = '{{ .Message }}' class=a>{{ .Message }}",
        "a < b {{ .Message }}",
        "<p/>{{ .Message }}<!-- <script> -->{{ .Message }}",
        "{{ if .Status }}<b>{{ else }}<i>{{ end }}{{ .Message }}",
    ] {
        assert!(ErrorPage::parse(page).is_ok(), "{page}");
    }
}
