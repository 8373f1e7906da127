//! A TLS server on loopback whose every answer a test writes.

use bytes::{Bytes, BytesMut};
use roadstead_mqtt_proto::{Connack, Packet, PacketId, Publish, QoS, SubackCode, decode, encode, frame};
use roadstead_pki::{Authority, KeyKind, Validity};
use roadstead_wire::{DpsPublish, DpsResponse};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme, crypto::aws_lc_rs};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub struct Stub {
    pub address: SocketAddr,
    pub ca_pem: String,
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

/// One connection, from the server's end.
pub struct Peer {
    stream: TlsStream<TcpStream>,
    received: BytesMut,
    /// The client's certificate, if it showed one.
    pub certificate: Option<CertificateDer<'static>>,
}

/// What a CONNECT said.
#[derive(Debug)]
pub struct Login {
    pub client_id: String,
    pub user_name: String,
    pub password: Option<String>,
    pub clean_session: bool,
}

/// What a PUBLISH said.
#[derive(Debug, PartialEq, Eq)]
pub struct Received {
    pub topic: String,
    pub payload: Vec<u8>,
    pub id: PacketId,
    pub dup: bool,
}

pub fn validity() -> Validity {
    #[expect(clippy::disallowed_methods, reason = "the client checks certificates against the machine's clock")]
    let now = std::time::SystemTime::now();
    let now_s = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Validity { now_s: i64::try_from(now_s).unwrap(), lifetime_s: 3600 }
}

impl Stub {
    pub async fn start() -> Self {
        let ca = Authority::root("stub", KeyKind::P256, validity()).unwrap();
        let names = ["dps.localhost".to_owned(), "hub.localhost".to_owned()];
        let server = ca.server(&names, KeyKind::P256, validity()).unwrap();
        let chain = vec![CertificateDer::from(server.certificate.der().to_vec())];
        let key = PrivateKeyDer::from_pem_slice(server.key_pem.as_bytes()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(Arc::new(AnyCertificate))
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            ca_pem: ca.certificate().to_pem(),
            listener,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }

    pub async fn accept(&self) -> Peer {
        self.try_accept().await.unwrap()
    }

    /// `None` when the handshake failed.
    pub async fn try_accept(&self) -> Option<Peer> {
        let (stream, _) = self.listener.accept().await.unwrap();
        let stream = self.acceptor.accept(stream).await.ok()?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned();
        Some(Peer { stream, received: BytesMut::new(), certificate })
    }
}

impl Peer {
    /// The next packet; `None` when the client closed.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(len) = frame::first_packet_len(&self.received, 1 << 20).unwrap() {
                return Some(self.received.split_to(len).freeze());
            }
            if self.stream.read_buf(&mut self.received).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    pub async fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        write(&mut bytes);
        self.stream.write_all(&bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads CONNECT, answers nothing.
    pub async fn connect(&mut self) -> Login {
        let packet = self.next().await.unwrap();
        let Packet::Connect(connect) = decode(&packet).unwrap() else { panic!("{packet:?}") };
        Login {
            client_id: connect.client_id.to_owned(),
            user_name: connect.user_name.unwrap().to_owned(),
            password: connect.password.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()),
            clean_session: connect.clean_session,
        }
    }

    /// Reads CONNECT and accepts it.
    pub async fn login(&mut self) -> Login {
        let login = self.connect().await;
        self.send(|out| encode::connack(out, Connack::Accepted { session_present: false })).await;
        login
    }

    /// Reads CONNECT and SUBSCRIBE, grants both.
    pub async fn login_to_dps(&mut self) -> Login {
        let login = self.login().await;
        let packet = self.next().await.unwrap();
        let Packet::Subscribe(mut subscribe) = decode(&packet).unwrap() else { panic!("{packet:?}") };
        assert_eq!(subscribe.filters.next(), Some(("$dps/registrations/res/#", QoS::AtLeastOnce)));
        let (id, code) = (subscribe.packet_id, SubackCode::Granted(QoS::AtLeastOnce));
        self.send(|out| encode::suback(out, id, [code]).unwrap()).await;
        login
    }

    pub async fn publish(&mut self) -> Received {
        let packet = self.next().await.unwrap();
        let Packet::Publish(publish) = decode(&packet).unwrap() else { panic!("{packet:?}") };
        Received {
            topic: publish.topic.to_owned(),
            payload: publish.payload.to_vec(),
            id: publish.packet_id.unwrap(),
            dup: publish.dup,
        }
    }

    pub async fn puback(&mut self, id: PacketId) {
        self.send(|out| encode::puback(out, id)).await;
    }

    /// Answers a request to DPS as Azure does: PUBACK first, then the response at QoS 1.
    pub async fn respond(&mut self, request: &Received, status: u16, retry_after_s: Option<u32>, body: &str) {
        let rid = DpsPublish::parse(&request.topic).unwrap().rid();
        let topic = DpsResponse { status, rid, retry_after_s }.to_string();
        let packet_id = PacketId::new(77);
        let payload = body.as_bytes();
        let response = Publish { dup: false, qos: QoS::AtLeastOnce, retain: false, topic: &topic, packet_id, payload };
        self.send(|out| {
            encode::puback(out, request.id);
            encode::publish(out, &response).unwrap();
        })
        .await;
    }

    /// Reads a PUBACK, or whatever else it is.
    pub async fn expect(&mut self, expected: Packet<'_>) {
        let packet = self.next().await.unwrap();
        assert_eq!(decode(&packet).unwrap(), expected);
    }
}

pub fn assigned(registration_id: &str) -> String {
    format!(
        r#"{{"operationId":"4.a1","status":"assigned","registrationState":{{"registrationId":"{registration_id}",
        "assignedHub":"hub.localhost","deviceId":"{registration_id}","status":"assigned","substatus":"initialAssignment"}}}}"#
    )
}

/// Takes any certificate whose key proves itself, and none.
#[derive(Debug)]
struct AnyCertificate;

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
