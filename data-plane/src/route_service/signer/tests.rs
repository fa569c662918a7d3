use super::*;

/// Made by Python's `hashlib.pbkdf2_hmac` and its package `cryptography`, from JSON as Go writes it.
struct Foreign {
    secret: &'static str,
    signature: &'static str,
    metadata: &'static str,
    forwarded_url: &'static str,
    /// Milliseconds of the Unix epoch.
    requested_at: i64,
}

const FOREIGN: [Foreign; 3] = [
    // With a zone, nanoseconds, and an escape that the URL itself has.
    Foreign {
        secret: "tWPE+sWJq+ZnGJpyKkIPYg==",
        signature: "NXCphQ8spdoHNTp0I68nUCoLAbRsI6wgBwPbkBrhco3NgxQKKiifCML1w5gQyG6wh7m26B8LodKjIjZ1kBTT4XfbAAoSS\
                    SU9GcVolhx0Lfc7e6bIxDOSjvsQfo39cebi-aoROKDx52aN1S-AdtEZB_eCgbURi90a9C8R27gU2KVVjsy3",
        metadata: "eyJub25jZSI6IkFBRUNBd1FGQmdjSUNRb0wifQ==",
        forwarded_url: "https://app.example.com/p?q=1&r=%3C2",
        requested_at: 1_743_590_096_789,
    },
    Foreign {
        secret: "an older secret",
        signature: "j7l2zf-DBiozryvd3fbTzah050AMsPxFK6G1NFVn4fJWu5JNwCQ2wRzTnU29HuAlyawrNH0tdKILktx5dZRrZmBBcLAOi\
                    M-9zcNjIHlm4PtJwd2AFyOYeA5afFss88R8QIyorG0zXfCCg4XFhA==",
        metadata: "eyJub25jZSI6IlpHVm1aMmhwYW10c2JXNXYifQ==",
        forwarded_url: "http://app.example.com/a&b",
        requested_at: 1_743_590_096_500,
    },
    Foreign {
        secret: "secret",
        signature: "nPn8QTaT1k4O1sdEh1Gia3Rxh6IVCYyp_F_552wHJoImBh7PWJiu0A-JQ4qnwCTjXGkHLycCQJugiCSzAHQVOXdH5mUoL\
                    Uj7lw_FyYIYPEj9lliy5Cyo5on1mGauq0dMaNRAxB4Ie4azE8BC5LfFfjhqeEGFxUMPZvGtG3IpY7oc5Iw=",
        metadata: "eyJub25jZSI6IkJ3Y0hCd2NIQndjSEJ3Y0gifQ==",
        forwarded_url: "https://app.example.com/a?b=1&c=<>\"",
        requested_at: 1_743_590_096_789,
    },
];

const LIFE: Duration = Duration::from_secs(60);

fn signer(secret: &str, decrypt_only: Option<&str>) -> Signer {
    Signer::new(secret, decrypt_only, LIFE).expect("a secret")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).expect("a moment")
}

impl Foreign {
    fn opened_by(&self, signer: &Signer, after_millis: i64) -> Result<String, Invalid> {
        let (signature, metadata) = (self.signature.as_bytes(), self.metadata.as_bytes());
        signer.open(signature, metadata, at(self.requested_at + after_millis))
    }
}

/// D-601: a valid signature is opened, whoever made it.
/// C-518: whatever length its secret has, shorter and longer than the key.
/// R-081: signatures of another implementation are good here.
#[test]
fn signatures_of_others_are_opened() {
    for foreign in &FOREIGN {
        let opened = foreign.opened_by(&signer(foreign.secret, None), 59_000);
        assert_eq!(opened.as_deref(), Ok(foreign.forwarded_url));
    }
}

/// D-599: signing gives the URL, the signature and the metadata together.
/// D-598: the time of the request is within.
/// R-081: what is signed here is what another implementation makes of the same, to the byte.
#[test]
fn what_is_signed_is_what_others_sign() {
    let foreign = &FOREIGN[2];
    let signed = signer(foreign.secret, None).sign(
        foreign.forwarded_url.to_owned(),
        at(foreign.requested_at),
        [7; NONCE],
    );
    let expected = Signed {
        forwarded_url: foreign.forwarded_url.to_owned(),
        signature: foreign.signature.to_owned(),
        metadata: foreign.metadata.to_owned(),
    };
    assert_eq!(signed, Some(expected));
}

/// D-606: what was signed is opened again.
/// D-597: with the URL as it was.
/// C-519: each time with another nonce, which stands beside it.
/// C-521: the right key and nonce open it.
/// C-523: random bytes are as many as were asked for, and others each time.
#[test]
fn a_round_trip_keeps_the_url() {
    let signer = signer("s", None);
    let drawn: [[u8; NONCE]; 2] = [(); 2].map(|()| nonce().expect("randomness"));
    let signed = drawn.map(|nonce| {
        let signed = signer.sign("https://h/".to_owned(), at(0), nonce);
        signed.expect("sealed")
    });
    assert_ne!(drawn[0], drawn[1]);
    assert_ne!(signed[0].signature, signed[1].signature);
    assert_ne!(signed[0].metadata, signed[1].metadata);
    assert_eq!(
        envelope::read_metadata(signed[0].metadata.as_bytes()),
        Ok(drawn[0])
    );
    for url in [
        "https://h/",
        "http://[::1]/%2f?a=b&c=%zz<\"\\>'+,",
        "https://host/ä",
    ] {
        let nonce = nonce().expect("randomness");
        let signed = signer.sign(url.to_owned(), at(0), nonce).expect("sealed");
        let opened = signer.open(
            signed.signature.as_bytes(),
            signed.metadata.as_bytes(),
            at(1),
        );
        assert_eq!(opened.as_deref(), Ok(url));
        assert_eq!(signed.forwarded_url, url);
    }
}

/// D-604: a signature of the previous secret is good.
/// D-580: as one that only opens.
/// D-603: one of a stranger's secret is not.
/// D-581: nor where two secrets might have made it.
/// R-085: two secrets are live while they are changed.
#[test]
fn two_secrets_are_live() {
    let old = &FOREIGN[1];
    let rotating = signer("a new secret", Some(old.secret));
    assert_eq!(
        old.opened_by(&rotating, 0).as_deref(),
        Ok(old.forwarded_url)
    );
    for stranger in [signer("x", None), signer("x", Some("y"))] {
        assert_eq!(old.opened_by(&stranger, 0), Err(Invalid::Key));
    }
    let sign = |signer: &Signer| signer.sign("https://h/".to_owned(), at(0), [1; NONCE]);
    assert_eq!(sign(&rotating), sign(&signer("a new secret", None)));
    assert_eq!(
        sign(&signer("a new secret", Some(""))),
        sign(&rotating),
        "an empty second secret is none"
    );
    assert!(Signer::new("", Some("old"), LIFE).is_none());
}

/// D-602: after its time a signature is expired, whichever key made it.
/// R-081: a signature is good in its window only; one from a clock that is ahead is good.
#[test]
fn a_signature_has_its_time() {
    let foreign = &FOREIGN[1];
    for signer in [
        signer(foreign.secret, None),
        signer("new", Some(foreign.secret)),
    ] {
        for (after, good) in [
            (0, true),
            (60_000, true),
            (60_001, false),
            (86_400_000, false),
            (-3_600_000, true),
        ] {
            let opened = foreign.opened_by(&signer, after);
            let expected = if good { Ok(()) } else { Err(Invalid::Expired) };
            assert_eq!(opened.map(|_| ()), expected, "{after} ms later");
        }
    }
    assert_eq!(
        foreign.opened_by(&signer("x", None), 86_400_000),
        Err(Invalid::Key),
        "what nobody signed is not called expired"
    );
}

/// D-603: a corrupt signature is an error.
/// C-522: so is one of another key, of another nonce, or beside a nonce of another length.
/// R-081: a bad nonce, base64, JSON or length is an error, and never a panic.
#[test]
fn what_is_no_signature_is_an_error() {
    assert_eq!(
        FOREIGN[2].opened_by(&signer("another", None), 0),
        Err(Invalid::Key)
    );
    assert_eq!(Invalid::Nonce.text(), "incorrect nonce length");
    let signer = signer("secret", None);
    let good = &FOREIGN[2];
    let short_nonce = FOR_TESTS.encode(br#"{"nonce":"AAAA"}"#);
    let no_nonce = FOR_TESTS.encode(br#"{"nonce":"not base64!"}"#);
    let other_json = FOR_TESTS.encode(b"[]");
    let flipped = good.signature.replacen('n', "o", 1);
    let shorter = &good.signature[..good.signature.len() - 4];
    for (signature, metadata, expected) in [
        (good.signature, "", Invalid::NoMetadata),
        (good.signature, "%", Invalid::Base64),
        (good.signature, &*other_json, Invalid::Metadata),
        (good.signature, &no_nonce, Invalid::Metadata),
        (good.signature, &short_nonce, Invalid::Nonce),
        ("%", good.metadata, Invalid::Base64),
        ("AAA", good.metadata, Invalid::Base64),
        ("", good.metadata, Invalid::Key),
        ("AAAA", good.metadata, Invalid::Key),
        (&flipped, good.metadata, Invalid::Key),
        (shorter, good.metadata, Invalid::Key),
        (good.signature, FOREIGN[0].metadata, Invalid::Key),
    ] {
        let opened = signer.open(signature.as_bytes(), metadata.as_bytes(), at(0));
        assert_eq!(opened, Err(expected), "{signature} {metadata}");
    }
    for sealed in [
        "",
        "[]",
        "{}",
        r#"{"forwarded_url":"x","requested_time":"now"}"#,
    ] {
        let sealed = signer.current.seal([1; NONCE], sealed.into());
        let signature = envelope::signature(&sealed.expect("sealed"));
        let metadata = envelope::metadata(&[1; NONCE]);
        let opened = signer.open(signature.as_bytes(), metadata.as_bytes(), at(0));
        assert_eq!(opened, Err(Invalid::Contents));
    }
}

/// R-172: a secret is never printed.
#[test]
fn secrets_are_not_printed() {
    let printed = format!("{:?}", signer("hush", Some("husher")));
    assert!(!printed.contains("hush"), "{printed}");
}

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE as FOR_TESTS;
