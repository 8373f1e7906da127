//! Stand-ins for what is beside and below the front.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Request, Response, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use roadstead_auth::{AuthRefusal, BearerRefusal, Permission, permission::allows};
use roadstead_dps::{
    AllocationAnswer, AllocationRequest, AllocationWebhook, DeviceSpec, HubAddress, HubLink, LinkError, TwinSnapshot,
    WebhookError,
};
use roadstead_front_http::{BearerAt, Bearers, Caller, Management, Operations, WebSockets};
use roadstead_front_transport::websocket::Subprotocol;
use roadstead_model::{DeviceId, Role, Webhook};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
};

/// Hubs that take every device.
pub struct AnyHub;

#[async_trait]
impl HubLink for AnyHub {
    async fn ensure_device(&self, _: HubAddress<'_>, _: &DeviceSpec) -> Result<(), LinkError> {
        Ok(())
    }

    async fn take_twin(&self, _: HubAddress<'_>, _: &DeviceId) -> Result<Option<TwinSnapshot>, LinkError> {
        Ok(None)
    }

    async fn remove_device(&self, _: HubAddress<'_>, _: &DeviceId) -> Result<(), LinkError> {
        Ok(())
    }

    fn host_of(&self, _: &str) -> Option<String> {
        None
    }

    async fn device_count(&self, _: HubAddress<'_>) -> Result<u64, LinkError> {
        Ok(0)
    }
}

/// A webhook that chooses the first hub once it is let.
pub struct SlowWebhook(pub Semaphore);

#[async_trait]
impl AllocationWebhook for SlowWebhook {
    async fn allocate(
        &self,
        _: &Webhook,
        request: &AllocationRequest,
        _: Duration,
    ) -> Result<AllocationAnswer, WebhookError> {
        self.0.acquire().await.unwrap().forget();
        Ok(AllocationAnswer { hub: request.linked_hubs[0].clone(), ..AllocationAnswer::default() })
    }
}

/// Claims `/metadata/endpoints` and everything under `/subscriptions`, and tells what it was asked. `/subscriptions/slow`
/// waits until it is let.
#[derive(Debug)]
pub struct Echo {
    pub gate: Semaphore,
    pub waiting: AtomicUsize,
    pub done: AtomicUsize,
}

impl Default for Echo {
    fn default() -> Self {
        Self { gate: Semaphore::new(0), waiting: AtomicUsize::new(0), done: AtomicUsize::new(0) }
    }
}

/// Knows these tokens: `reader` may read anything, `writer` may do anything with this hub and no other, `brief` as much, but it counts
/// when it is shown for the first time only, `nobody` has no role, and the name of a role has that role.
#[derive(Default)]
pub struct FewBearers {
    briefs: AtomicUsize,
}

impl Bearers for FewBearers {
    fn judge(&self, token: &str, at: BearerAt<'_>, permission: Permission) -> Result<String, AuthRefusal> {
        let known = || Ok(token.to_owned());
        let is_read = matches!(permission, Permission::ReadHubData | Permission::ReadDpsData);
        let lacks = || AuthRefusal::RoleLacks { name: token.to_owned(), permission };
        match token {
            "reader" if is_read => known(),
            "writer" => {
                assert_eq!(
                    matches!(at, BearerAt::Hub(_)),
                    matches!(permission, Permission::ReadHubData | Permission::WriteHubData)
                );
                known()
            }
            "brief" if self.briefs.fetch_add(1, Ordering::SeqCst) == 0 => known(),
            "brief" => Err(BearerRefusal::Revoked.into()),
            "reader" | "nobody" => Err(lacks()),
            "late" => Err(BearerRefusal::Expired { by_s: 7 }.into()),
            other => match Role::ALL.into_iter().find(|role| format!("{role:?}") == other) {
                Some(role) => allows(role, permission).then(|| token.to_owned()).ok_or_else(lacks),
                None => Err(BearerRefusal::Foreign.into()),
            },
        }
    }
}

#[async_trait]
impl Management for Echo {
    fn claims(&self, path: &str) -> bool {
        path == "/metadata/endpoints" || path.starts_with("/subscriptions")
    }

    async fn answer(&self, request: Request<Bytes>, base_url: &str, _: IpAddr) -> Response<Bytes> {
        if request.uri().path() == "/subscriptions/slow" {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            self.done.fetch_add(1, Ordering::SeqCst);
        }
        let text = format!("{base_url} {} {} {:?}", request.method(), request.uri(), request.body());
        Response::builder().status(201).header("x-by", "management").body(text.into()).unwrap()
    }
}

/// Repeats what it hears, after the address of who said it and how.
pub struct Parrot;

#[async_trait]
impl WebSockets for Parrot {
    async fn serve(&self, mut io: TokioIo<Upgraded>, subprotocol: Subprotocol, caller: Caller) {
        let mut said = [0; 5];
        io.read_exact(&mut said).await.unwrap();
        io.write_all(format!("{} said {said:?} in {subprotocol:?}", caller.address).as_bytes()).await.unwrap();
    }
}

/// A process that is ready unless it says why not.
#[derive(Default)]
pub struct Process {
    pub hindrance: Mutex<Option<String>>,
}

impl Operations for Process {
    fn metrics(&self) -> String {
        "roadstead_connections 1\n".to_owned()
    }

    fn ready(&self) -> Result<(), String> {
        self.hindrance.lock().clone().map_or(Ok(()), Err)
    }
}
