//! A server that answers as it is told and remembers what it was asked.

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use roadstead_model::{Clock, UnixMillis};
use roadstead_service::{Policy, Reach, Transport, Trust};
use rustls_pki_types::PrivateKeyDer;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `GET /devices/a?api-version=2021-04-12`
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What is answered.
pub struct Told {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<Step>,
}

/// A piece of a body.
pub enum Step {
    Send(String),
    /// What came before is sent, then the connection breaks.
    Cut,
    CutNow,
    /// Nothing more ever comes.
    Hang,
}

pub fn told(status: u16, body: &str) -> Told {
    Told { status, headers: Vec::new(), body: vec![Step::Send(body.to_owned())] }
}

impl Told {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

type Answers = Arc<dyn Fn(usize, &Asked) -> Told + Send + Sync>;

pub struct Server {
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

/// Half past two on the day the project began.
pub struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_795_271_400_000)
    }
}

impl Server {
    /// `answers` is given how many requests came before, and the request.
    pub async fn start(answers: impl Fn(usize, &Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Arc::new(answers))
    }

    fn on(listener: TcpListener, answers: Answers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned(), "hub.localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("ca.pem"), signed.cert.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(serve(listener, acceptor, asked.clone(), answers));
        Self { address, folder, asked, task }
    }

    pub fn reach(&self) -> Reach {
        Reach {
            trust: Trust::File(self.folder.path().join("ca.pem")),
            https_port: self.address.port(),
            connect_to: BTreeMap::new(),
        }
    }

    pub fn transport(&self) -> Transport {
        Transport::new(&self.reach(), Arc::new(Noon)).unwrap()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// Answers no more: from here on the port refuses.
    pub async fn stop(self) -> SocketAddr {
        self.task.abort();
        let _ = self.task.await;
        self.address
    }
}

pub fn policy() -> Policy {
    Policy::new("iothubowner", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=").unwrap()
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, asked: Arc<Mutex<Vec<Asked>>>, answers: Answers) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, asked, answers) = (acceptor.clone(), asked.clone(), answers.clone());
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(|request| answer(request, asked.clone(), answers.clone()));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Answers,
) -> Result<Response<Script>, Infallible> {
    let (head, body) = request.into_parts();
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
    let question = Asked {
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
    };
    let before = {
        let mut asked = asked.lock().unwrap();
        asked.push(question.clone());
        asked.len() - 1
    };
    let told = answers(before, &question);
    let mut response = Response::builder().status(told.status);
    for (name, value) in told.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Script(told.body.into())).unwrap())
}

struct Script(VecDeque<Step>);

impl Body for Script {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Send(text)) => Poll::Ready(Some(Ok(Frame::data(Bytes::from(text))))),
            Some(Step::Cut) => {
                self.0.push_front(Step::CutNow);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::CutNow) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            Some(Step::Hang) => {
                self.0.push_front(Step::Hang);
                Poll::Pending
            }
        }
    }
}
