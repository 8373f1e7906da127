//! The portal behind the HTTPS port, and the server's APIs behind the portal.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, request};
use roadstead_front_http::{Body, Caller, HttpFront};
use roadstead_front_portal::{Door, Portal};
use roadstead_front_transport::DrainWatch;
use roadstead_model::Clock;
use roadstead_service::{InProcess, ServiceError, Transport};

/// The portal, as the HTTPS port knows it.
pub struct Pages(pub Arc<Portal>);

#[async_trait]
impl roadstead_front_http::Portal for Pages {
    fn claims(&self, head: &request::Parts) -> bool {
        Portal::claims(&head.method, head.uri.path(), &head.headers)
    }

    async fn answer(&self, request: Request<Bytes>, base_url: &str, address: SocketAddr) -> Response<Body> {
        self.0.answer(request, base_url, address).await
    }
}

/// The public APIs of this server, as the portal asks them: without a socket between.
pub struct PublicApis {
    front: HttpFront,
    draining: DrainWatch,
    transport: Transport,
}

impl PublicApis {
    /// `front` answers; it has no portal itself.
    pub fn new(front: HttpFront, draining: DrainWatch, clock: Arc<dyn Clock>) -> Result<Self, ServiceError> {
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        let asked = Asked { front: front.clone(), draining: draining.clone(), from: nobody };
        Ok(Self { transport: Transport::in_process(Arc::new(asked), clock)?, front, draining })
    }
}

impl Door for PublicApis {
    fn transport(&self, from: SocketAddr) -> Transport {
        let asked = Asked { front: self.front.clone(), draining: self.draining.clone(), from };
        self.transport.of_server(Arc::new(asked))
    }
}

/// By somebody at an address.
struct Asked {
    front: HttpFront,
    draining: DrainWatch,
    from: SocketAddr,
}

#[async_trait]
impl InProcess for Asked {
    async fn answer(&self, request: Request<Bytes>) -> Response<Body> {
        let caller = Caller { address: self.from, certificates: Arc::default(), server_name: None, connection: 0 };
        self.front.answer_in_process(request, caller, self.draining.clone()).await
    }
}
