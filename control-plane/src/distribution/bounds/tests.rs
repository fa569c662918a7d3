use rcgen::{CertificateParams, KeyPair, SanType};
use tonic::Code;

use super::*;

/// A certificate with these URI names, and these DNS names.
fn certificate(uris: &[&str], names: &[&str]) -> CertificateDer<'static> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    let uris = uris
        .iter()
        .map(|uri| SanType::URI((*uri).try_into().unwrap()));
    params.subject_alt_names.extend(uris);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().clone()
}

fn bounds(mapping: &[(&str, &[&str])]) -> SegmentBounds {
    let mapping = mapping.iter().map(|(name, segments)| {
        (
            (*name).to_owned(),
            segments
                .iter()
                .map(|segment| (*segment).to_owned())
                .collect(),
        )
    });
    SegmentBounds::Certificate {
        mapping: mapping.collect(),
    }
}

fn listed(segments: &[&str]) -> Vec<Box<str>> {
    segments.iter().map(|segment| Box::from(*segment)).collect()
}

#[test]
fn the_certificate_decides_and_what_it_does_not_grant_is_named() {
    let (a, shared_a, all) = (
        certificate(&["pointsman://segments/a"], &[]),
        certificate(&["pointsman://segments/a", "pointsman://segments/"], &[]),
        certificate(&["pointsman://segments/*"], &[]),
    );
    let other = certificate(&["https://example.com/a"], &["dp.example.com"]);
    let only = |segments| SegmentFilter::Only(listed(segments));
    let shared = |segments| SegmentFilter::SharedAnd(listed(segments));
    let nothing = "the certificate does not grant \"a\"; it grants none";
    for (certificate, wanted, refused) in [
        (&a, only(&["a"]), ""),
        (
            &a,
            only(&["a", "b"]),
            "the certificate does not grant \"b\"; it grants \"a\"",
        ),
        (
            &a,
            shared(&["a"]),
            "the certificate does not grant the shared segment; it grants \"a\"",
        ),
        (
            &a,
            SegmentFilter::All,
            "the certificate does not grant all segments; it grants \"a\"",
        ),
        (&shared_a, shared(&["a"]), ""),
        (&shared_a, only(&[""]), ""),
        (&all, SegmentFilter::All, ""),
        (&all, only(&["whatever"]), ""),
        (&other, only(&["a"]), nothing),
    ] {
        let checked = bounds(&[]).check(Some(std::slice::from_ref(certificate)), &wanted);
        match checked {
            Ok(()) => assert_eq!(refused, "", "{wanted:?}"),
            Err(status) => {
                assert_eq!(
                    (status.code(), status.message()),
                    (Code::PermissionDenied, refused)
                );
            }
        }
    }
}

#[test]
fn a_mapping_grants_by_any_name_of_the_certificate() {
    let bounds = bounds(&[("dp.example.com", &["a", ""]), ("spiffe://x/dp", &["*"])]);
    let shared = SegmentFilter::SharedAnd(listed(&["a"]));
    let by_dns = certificate(&[], &["dp.example.com"]);
    assert!(
        bounds
            .check(Some(std::slice::from_ref(&by_dns)), &shared)
            .is_ok()
    );
    assert!(bounds.check(Some(&[by_dns]), &SegmentFilter::All).is_err());
    let by_uri = certificate(&["spiffe://x/dp"], &[]);
    assert!(bounds.check(Some(&[by_uri]), &SegmentFilter::All).is_ok());
}

#[test]
fn without_a_certificate_nobody_comes_in_unless_it_is_open() {
    let refused = bounds(&[]).check(None, &SegmentFilter::All).unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let garbage = CertificateDer::from(vec![1, 2, 3]);
    let refused = bounds(&[])
        .check(Some(&[garbage]), &SegmentFilter::All)
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(SegmentBounds::Open.check(None, &SegmentFilter::All).is_ok());
}
