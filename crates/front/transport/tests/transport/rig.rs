//! A server that says hello and hangs up, and clients for it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use roadstead_front_transport::{Capacity, Conn, Drain, Listener, Peer, ServerNames, certified_key, server_config};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs::default_provider,
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// What the server sends to whoever gets in.
pub const HELLO: &[u8] = b"hello";

/// A certificate for these names, signed by its own key.
pub fn self_signed(names: &[&str]) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    (made.cert.der().clone(), PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into()))
}

pub fn server_key(names: &[&str]) -> Arc<CertifiedKey> {
    let (certificate, key) = self_signed(names);
    certified_key(vec![certificate], key).unwrap()
}

pub struct Server {
    pub address: SocketAddr,
    pub names: Arc<ServerNames>,
    pub capacity: Arc<Capacity>,
    pub drain: Drain,
    pub peers: mpsc::UnboundedReceiver<Peer>,
    pub serving: JoinHandle<()>,
}

/// Reports each peer, says hello and goodbye, and waits until the client hangs up.
async fn greet(mut conn: Conn, peers: mpsc::UnboundedSender<Peer>) {
    peers.send(conn.peer().clone()).unwrap();
    let said = async {
        conn.write_all(HELLO).await?;
        conn.shutdown().await?;
        conn.read_to_end(&mut Vec::new()).await
    };
    let _ = said.await;
}

pub fn serve(capacity: Arc<Capacity>, handshake_timeout: Duration) -> Server {
    let names = Arc::new(ServerNames::new(server_key(&["localhost"])));
    let tls = server_config(Arc::clone(&names)).unwrap();
    let listener = Listener::bind("test", "127.0.0.1:0".parse().unwrap(), tls, Arc::clone(&capacity))
        .unwrap()
        .with_handshake_timeout(handshake_timeout);
    let address = listener.local_address().unwrap();
    let (sender, peers) = mpsc::unbounded_channel();
    let drain = Drain::new();
    let serving = tokio::spawn(listener.serve(move |conn| greet(conn, sender.clone()), drain.watch()));
    Server { address, names, capacity, drain, peers, serving }
}

pub fn serve_freely() -> Server {
    serve(Capacity::new(100, 100), Duration::from_mins(1))
}

#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Shows what it is given, whether or not the key belongs to the certificate.
#[derive(Debug)]
pub struct Shows(pub Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, issuers: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        assert!(issuers.is_empty(), "clients choose by the issuers named here");
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A client that trusts every server.
pub fn client(version: &'static SupportedProtocolVersion, shows: Option<Shows>) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer));
    Arc::new(match shows {
        Some(shows) => builder.with_client_cert_resolver(Arc::new(shows)),
        None => builder.with_no_client_auth(),
    })
}

/// Connects and reads the server's hello.
pub async fn connect(client: &Arc<ClientConfig>, server: &Server, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = TlsConnector::from(Arc::clone(client)).connect(name, tcp).await?;
    let mut hello = [0; HELLO.len()];
    stream.read_exact(&mut hello).await?;
    assert_eq!(hello, HELLO);
    Ok(stream)
}
