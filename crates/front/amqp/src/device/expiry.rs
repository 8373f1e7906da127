//! Tokens of devices run out, and are renewed.

use roadstead_amqp_proto::{AmqpError, condition};
use roadstead_model::{DisconnectReason, ModuleId, UnixMillis};
use roadstead_wire::amqp::Audience;

use super::{Device, Devices, Wire};
use crate::limits;

impl Device {
    /// When its token is past its grace; `None` for certificates.
    fn over(&self) -> Option<UnixMillis> {
        let expires = self.session.expires_at()?.millis();
        Some(expires.plus_ms(limits::TOKEN_GRACE.as_millis() as i64))
    }
}

impl Devices {
    /// When the first token is past its grace.
    pub(crate) fn next_expiry(&self) -> Option<UnixMillis> {
        self.next_expiry
    }

    pub(super) fn note_expiry(&mut self) {
        self.next_expiry = self.seats.iter().flatten().filter_map(|device| device.over()).min();
    }

    /// Lets the sessions that a new token speaks for rest on it. Those that came with a certificate stay with that.
    pub(crate) async fn renew(&mut self, token: &str) {
        let audience = Audience::of_token(token);
        for device in self.seats.iter_mut().flatten() {
            let id = device.session.id();
            let module = id.module.as_ref().map(ModuleId::as_str);
            if device.session.expires_at().is_none() || audience.reach(id.device.as_str(), module).is_none() {
                continue;
            }
            // A token for less than it says: whatever the session rests on is as good as before.
            if let Err(refused) = device.session.renew(token).await {
                tracing::debug!(device = %device.session.id(), "the token is not one for the device: {refused}");
            }
        }
        self.note_expiry();
    }

    /// Detaches the links of devices whose token ran out and was not renewed. `true`: nobody is left.
    pub(crate) fn expire(&mut self, now: UnixMillis, wire: &mut Wire<'_>) -> bool {
        let is_over = |device: &Device| device.over().is_some_and(|over| over <= now);
        let over: Vec<u32> =
            (0..).zip(&self.seats).filter_map(|(seat, device)| is_over(device.as_deref()?).then_some(seat)).collect();
        for seat in &over {
            let error = AmqpError::new(condition::UNAUTHORIZED_ACCESS, "the token expired and was not renewed");
            self.shut(*seat, error, DisconnectReason::TokenExpired, wire);
        }
        !over.is_empty() && self.is_empty()
    }
}
