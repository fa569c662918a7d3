//! Who is let in as whom.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn access(user: &str, password: &str) -> Access {
    Access {
        credentials: Some(Credentials {
            user: user.to_owned(),
            password: password.into(),
            role: Role::Write,
        }),
        ..Access::default()
    }
}

fn peer(names: &[&str]) -> Peer {
    Peer {
        address: [127, 0, 0, 1].into(),
        names: names.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, value.parse().unwrap())])
}

fn authorization(value: &str) -> HeaderMap {
    headers(header::AUTHORIZATION, value)
}

fn encoded(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

/// Who is let in, or why nobody is.
fn decide(access: &Access, method: &Method, headers: &HeaderMap) -> Result<Box<str>, Denied> {
    let decided = access.decide(method, headers, &peer(&[]));
    decided.map(|Caller(name)| name)
}

/// C-359: no header is refused
/// C-360: a header that is none is refused
/// C-361: a wrong password is refused
/// C-362: the right one is taken
/// C-364: the scheme in lower case is refused
/// C-365: a password with a colon is refused
#[tokio::test]
async fn credentials_are_read_as_gorouter_reads_them() {
    let none = decide(&access("user", "good"), &Method::GET, &HeaderMap::new());
    assert_eq!(none, Err(Denied::Unauthorized));
    for (value, allowed) in [
        ("invalid".to_owned(), false),
        ("Basic".to_owned(), false),
        ("Basic !!!".to_owned(), false),
        (encoded("user:bad"), false),
        (encoded("user:goo"), false),
        (encoded("user:goodd"), false),
        (encoded("user:good\0"), false),
        (encoded("other:good"), false),
        (encoded("user"), false),
        (encoded("user:good:"), false),
        (encoded("user:good").replace("Basic", "basic"), false),
        (encoded("user:good").replace(' ', "  "), false),
        (encoded(&format!("user:{}", "x".repeat(10_000))), false),
        (encoded("user:good"), true),
    ] {
        let access = access("user", "good");
        let decided = decide(&access, &Method::GET, &authorization(&value));
        assert_eq!(decided.is_ok(), allowed, "{value}");
    }
    let colon = access("user", "a:b");
    let decided = decide(&colon, &Method::GET, &authorization(&encoded("user:a:b")));
    assert!(decided.is_err());
}

fn token(folder: &std::path::Path, name: &str, text: &str) -> Result<Arc<Token>, String> {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    let role = if name == "writer" {
        Role::Write
    } else {
        Role::Read
    };
    Token::load(name, role, &file).map_err(|refused| refused.to_string())
}

/// a token or a certificate lets in as well, each with its role, and a reader changes nothing
/// tokens are compared whole, in constant time
#[tokio::test]
async fn tokens_and_certificates_have_roles() {
    let folder = tempfile::tempdir().unwrap();
    let other = TOKEN.replace('0', "f");
    let access = Access {
        tokens: vec![
            token(folder.path(), "writer", TOKEN).unwrap(),
            token(folder.path(), "reader", &format!("{other}\n")).unwrap(),
        ],
        clients: vec![Client {
            san: "ops.example.com".to_owned(),
            role: Role::Read,
        }],
        ..access("user", "good")
    };
    let bearer = |token: &str| authorization(&format!("Bearer {token}"));
    for (headers, looks, changes) in [
        (bearer(TOKEN), Ok("token writer"), Ok("token writer")),
        (
            bearer(&other),
            Ok("token reader"),
            Err(Denied::ReadOnly("token reader".into())),
        ),
        (authorization(&encoded("user:good")), Ok("user"), Ok("user")),
        (
            bearer(&TOKEN[1..]),
            Err(Denied::Unauthorized),
            Err(Denied::Unauthorized),
        ),
        (
            bearer(&format!("{TOKEN}0")),
            Err(Denied::Unauthorized),
            Err(Denied::Unauthorized),
        ),
        (
            bearer(""),
            Err(Denied::Unauthorized),
            Err(Denied::Unauthorized),
        ),
    ] {
        let looked = decide(&access, &Method::GET, &headers);
        assert_eq!(looked, looks.map(Into::into));
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let changed = decide(&access, &method, &headers);
            assert_eq!(changed.as_deref(), changes.as_ref().copied());
        }
    }
    let nobody = HeaderMap::new();
    let named = |names| {
        let decided = access.decide(&Method::GET, &nobody, &peer(names));
        decided.map(|Caller(name)| name)
    };
    assert_eq!(
        named(&["x", "ops.example.com"]),
        Ok("certificate ops.example.com".into())
    );
    assert_eq!(named(&["ops.example.com.evil"]), Err(Denied::Unauthorized));
    // A wrong token is not made good by a certificate.
    let wrong = access.decide(&Method::GET, &bearer("x"), &peer(&["ops.example.com"]));
    assert_eq!(wrong.unwrap_err(), Denied::Unauthorized);
}

/// a token has 128 bits at least, and is renewed with its file
#[test]
fn weak_tokens_are_refused_and_new_ones_are_read() {
    use pointsman_process::tls::Reload as _;
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| token(folder.path(), "reader", text);
    for (text, told) in [
        ("secret", "less than 128 bits"),
        (&TOKEN[1..], "less than 128 bits"),
        (&"a".repeat(64), "less than 128 bits"),
        (
            "with blanks in the middle of it",
            "character 5 cannot be sent",
        ),
        (&TOKEN.repeat(20), "longer than 512 bytes"),
        ("", "is empty"),
    ] {
        let refused = write(text).unwrap_err();
        assert!(refused.contains(told), "{refused}");
        assert!(text.is_empty() || !refused.contains(text), "{refused}");
    }
    assert!(
        write("Zm9vYmFyYmF6cXV4cXV1eA").is_ok(),
        "22 characters of base64"
    );
    let token = write(TOKEN).unwrap();
    assert!(token.is(&format!("bearer {TOKEN}")));
    assert!(!token.is(TOKEN));
    let new = TOKEN.replace('a', "b");
    std::fs::write(folder.path().join("reader"), &new).unwrap();
    assert_eq!(token.reload(), Ok(true));
    assert!(token.is(&format!("Bearer {new}")) && !token.is(&format!("Bearer {TOKEN}")));
    assert_eq!(token.reload(), Ok(false));
    std::fs::write(folder.path().join("reader"), "weak").unwrap();
    assert!(token.reload().is_err());
    assert!(
        token.is(&format!("Bearer {new}")),
        "the last good one stays"
    );
    let shown = format!("{token:?}");
    assert!(!shown.contains(&new), "{shown}");
}

/// without credentials, a name that is not this machine's is not answered
#[test]
fn foreign_names_are_refused_without_credentials() {
    let open = Access::default();
    let none = decide(&open, &Method::GET, &HeaderMap::new());
    assert_eq!(none, Err(Denied::ForeignHost));
    for (host, allowed) in [
        ("127.0.0.1:7601", true),
        ("[::1]:7601", true),
        ("localhost", true),
        ("LOCALHOST:7601", true),
        ("evil.example.com", false),
        ("localhost.evil.example.com:7601", false),
        ("127.0.0.1.evil.example.com", false),
        ("[::1", false),
    ] {
        let decided = decide(&open, &Method::GET, &headers(header::HOST, host));
        assert_eq!(decided.is_ok(), allowed, "{host}");
    }
}
