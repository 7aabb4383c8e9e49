use super::*;

/// Runs itself again with an environment in which the system has no certificates.
#[test]
#[cfg(all(unix, not(target_vendor = "apple")))]
fn where_the_system_has_no_certificates_the_bundled_ones_are_used() {
    const AGAIN: &str = "SIPGATE_OAUTH2_TEST_WITHOUT_CERTIFICATES";
    if env::var_os(AGAIN).is_some() {
        let crypto = Arc::new(aws_lc_rs::default_provider());
        assert!(rustls_platform_verifier::Verifier::new(Arc::clone(&crypto)).is_err());
        assert!(format!("{:?}", verifier(&Roots::System, crypto)).starts_with("WebPkiServerVerifier"));
        return;
    }
    let name = "tls::trust::tests::where_the_system_has_no_certificates_the_bundled_ones_are_used";
    let output = std::process::Command::new(env::current_exe().unwrap())
        .args(["--exact", name])
        .envs([(AGAIN, "1"), ("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/dev/null")])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn sessions_are_shared_by_those_that_trust_the_same_at_one_port() {
    let own = Roots::Own(vec![made(|_| {})]);
    let trust = Trust::of(&own);
    assert!(Arc::ptr_eq(&trust, &Trust::of(&own.clone())));
    assert!(!Arc::ptr_eq(&trust, &Trust::of(&Roots::Own(vec![made(|_| {})]))));
    assert!(Arc::ptr_eq(&trust.config_for(443), &trust.config_for(443)));
    assert!(!Arc::ptr_eq(&trust.config_for(443), &trust.config_for(8443)));
}

/// A certificate as `openssl req -x509` makes it, changed a little.
fn made(change: impl FnOnce(&mut rcgen::CertificateParams)) -> CertificateDer<'static> {
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    change(&mut parameters);
    parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
}

fn verify(given: &[CertificateDer<'static>], presented: &CertificateDer<'_>, host: &'static str) -> Result<ServerCertVerified, Error> {
    let verifier = OwnCertificates::new(given, Arc::new(aws_lc_rs::default_provider()));
    verifier.verify_server_cert(presented, &[], &ServerName::try_from(host).unwrap(), &[], UnixTime::now())
}

#[test]
fn a_certificate_that_was_given_is_believed_when_the_server_presents_it() {
    let (authority, leaf) = (made(|_| {}), made(|parameters| parameters.is_ca = rcgen::IsCa::ExplicitNoCa));
    for certificate in [&authority, &leaf] {
        let given = [made(|_| {}), certificate.clone()];
        assert!(verify(&given, certificate, "localhost").is_ok());
        let wrong_name = verify(&given, certificate, "example.com");
        assert!(matches!(wrong_name, Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))), "{wrong_name:?}");
    }
}

#[test]
fn a_certificate_that_was_not_given_is_not_believed() {
    let error = verify(&[made(|_| {})], &made(|_| {}), "localhost");
    assert!(matches!(error, Err(Error::InvalidCertificate(_))), "{error:?}");
    // Nor is what an end-entity that was given has signed with the same name, but another key.
    let leaf = || made(|parameters| parameters.is_ca = rcgen::IsCa::ExplicitNoCa);
    assert!(verify(&[leaf()], &leaf(), "localhost").is_err());
}

#[test]
fn a_given_certificate_of_another_authority_is_believed_for_itself() {
    let mut parameters = rcgen::CertificateParams::new(["authority.example".to_owned()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::Issuer::new(parameters, rcgen::KeyPair::generate().unwrap());
    let parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = parameters.signed_by(&rcgen::KeyPair::generate().unwrap(), &issuer).unwrap().der().clone();
    assert!(verify(std::slice::from_ref(&leaf), &leaf, "localhost").is_ok());
    assert!(verify(&[made(|_| {})], &leaf, "localhost").is_err());
}

/// As `openssl req -x509 -subj /CN=localhost` makes it.
#[test]
fn a_certificate_without_alternative_names_is_for_no_host() {
    let unnamed = made(|parameters| parameters.subject_alt_names.clear());
    let error = verify(std::slice::from_ref(&unnamed), &unnamed, "localhost");
    let names = |error| match error {
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => Some(presented.len()),
        _ => None,
    };
    assert_eq!(error.err().and_then(names), Some(0));
}

#[test]
fn the_time_of_a_given_certificate_counts() {
    let expired = made(|parameters| parameters.not_after = rcgen::date_time_ymd(2001, 1, 1));
    let error = verify(std::slice::from_ref(&expired), &expired, "localhost");
    assert!(matches!(error, Err(Error::InvalidCertificate(CertificateError::ExpiredContext { .. }))), "{error:?}");
    let not_yet = made(|parameters| parameters.not_before = rcgen::date_time_ymd(4000, 1, 1));
    assert!(verify(std::slice::from_ref(&not_yet), &not_yet, "localhost").is_err());
}
