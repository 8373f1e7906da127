use std::sync::Arc;

use rustls::{
    HandshakeKind,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use crate::rig::{Shows, client, connect, self_signed, serve_freely, server_key};

#[tokio::test]
async fn without_a_certificate() {
    let mut server = serve_freely();
    for version in [&TLS12, &TLS13] {
        let stream = connect(&client(version, None), &server, "localhost").await.unwrap();
        let peer = server.peers.recv().await.unwrap();
        assert!(peer.certificates.is_empty());
        assert_eq!(peer.server_name.as_deref(), Some("localhost"));
        assert_eq!(peer.address, stream.get_ref().0.local_addr().unwrap());
    }
}

#[tokio::test]
async fn with_a_certificate_also_when_resumed() {
    let mut server = serve_freely();
    for version in [&TLS12, &TLS13] {
        let (certificate, key) = self_signed(&["dev-01"]);
        let shown =
            CertifiedKey::from_der(vec![certificate.clone()], key, &rustls::crypto::aws_lc_rs::default_provider());
        let config = client(version, Some(Shows(Arc::new(shown.unwrap()))));
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let stream = connect(&config, &server, "localhost").await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
            let peer = server.peers.recv().await.unwrap();
            assert_eq!(&*peer.certificates, [certificate.to_vec()], "{version:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let mut server = serve_freely();
    for version in [&TLS12, &TLS13] {
        let (certificate, _) = self_signed(&["dev-01"]);
        let (_, other_key) = self_signed(&["dev-02"]);
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&other_key).unwrap();
        let stolen = Arc::new(CertifiedKey::new(vec![certificate], key));
        let refused = connect(&client(version, Some(Shows(stolen))), &server, "localhost").await;
        assert!(refused.is_err(), "{version:?}");
    }
    server.capacity.emptied().await;
    assert!(server.peers.try_recv().is_err(), "nobody got in");
}

#[tokio::test]
async fn the_name_asked_for_chooses_the_certificate() {
    let server = serve_freely();
    let (fallback, plant, newer) =
        (server_key(&["localhost"]), server_key(&["plant.localhost"]), server_key(&["plant.localhost"]));
    server.names.replace(Arc::clone(&fallback), [("Plant.localhost".to_owned(), Arc::clone(&plant))]);
    let client = client(&TLS13, None);
    for (name, expected) in [
        ("plant.localhost", &plant),
        ("PLANT.localhost", &plant),
        ("other.localhost", &fallback),
        ("127.0.0.1", &fallback),
    ] {
        let stream = connect(&client, &server, name).await.unwrap();
        assert_eq!(stream.get_ref().1.peer_certificates().unwrap(), expected.cert, "{name}");
    }
    let fresh = crate::rig::client(&TLS13, None);
    server.names.replace(fallback, [("plant.localhost".to_owned(), Arc::clone(&newer))]);
    let stream = connect(&fresh, &server, "plant.localhost").await.unwrap();
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap(), newer.cert);
}
