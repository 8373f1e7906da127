//! Files that devices upload: a device asks where to, puts the file there with the signature it got, and tells how it went.
//!
//! A correlation id speaks for itself: it is signed, and says for which device and file it is and until when. So uploads outlive a
//! restart of the server. That the end of one was told is in the commit that keeps the notification of it: there is but one. How many are under way is counted in memory: that bound protects the machine, and a restart only
//! forgets to count.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use roadstead_model::{DeviceId, FileNotification, Secret, UnixMillis};
use roadstead_sas::{BlobRights, UploadKey};
use roadstead_store::{BlobError, BlobPath, Blobs, StoreError, Write};

use crate::{
    error::HubError,
    hub::{Hub, Login},
    limits::{
        CORRELATION_ID_BYTES_MAX, ENDED_UPLOADS_MAX, SWEEP_PAGE, SWEEP_PAGES_MAX, UPLOADING_DEVICES_SWEEP, UPLOADS_MAX,
    },
    throttle::Operation,
};

/// What uploads stand on.
#[derive(Clone)]
pub struct UploadParts {
    pub blobs: Arc<dyn Blobs>,
    /// Signs the hub's uploads.
    pub key: UploadKey,
}

/// Where a device may upload a file.
#[derive(Debug, Clone)]
pub struct UploadGrant {
    /// Names the upload when its end is told.
    pub correlation_id: String,
    /// In the container: `thermo-7/logs/1.txt`.
    pub blob_name: String,
    /// Begins with `?`.
    pub signature: Secret,
}

/// Uploads under way, and those whose end was told already, each until it expires.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    devices: HashMap<DeviceId, Vec<Active>>,
    /// How many devices there are when those whose uploads all expired are looked for next.
    sweep_at: usize,
}

#[derive(Debug)]
struct Active {
    number: [u8; 9],
    expires: UnixMillis,
    ended: bool,
}

/// What a correlation id says.
struct Correlation {
    number: [u8; 9],
    expires: UnixMillis,
    name: String,
}

impl Hub {
    /// Lets uploads begin; until then they are refused as `UploadsMissing`. Once is enough.
    pub fn set_uploads(&self, parts: UploadParts) {
        self.uploading().get_or_init(|| parts);
    }

    /// Lets a device upload a file, for as long as the hub's settings say. Errors: as [`Hub::connect`], and `Throttled`,
    /// `QuotaExceeded`, `UploadsMissing`, `TooManyUploads`, `Invalid` for a name that no blob may have.
    pub async fn start_upload(&self, login: Login<'_>, name: &str) -> Result<UploadGrant, HubError> {
        let device = self.identify(login).await?.0.device;
        self.throttle(Operation::UploadStart)?;
        self.check_quota()?;
        let parts = self.upload_parts()?;
        let path =
            BlobPath::parse(self.key(), device.clone(), name).map_err(|why| HubError::Invalid(why.to_string()))?;
        let now = self.now();
        let mut number = [0; 9];
        self.random().fill(&mut number);
        let expires = now.plus_ms(i64::from(self.resource().settings.files.lifetime_s) * 1000);
        let correlation = Correlation { number, expires, name: name.to_owned() };
        self.uploads().begin(&device, &correlation, now)?;
        self.charge(|| 0);
        let rights = BlobRights { read: true, write: true };
        let signature = parts.key.sign(&path.full_name(), rights, &correlation.expires.iso_seconds());
        Ok(UploadGrant {
            correlation_id: correlation.to_text(&parts.key, &device),
            blob_name: path.full_name(),
            signature: Secret::new(signature),
        })
    }

    /// Takes note that an upload is over. When it succeeded, and the hub shall tell back ends, a notification is kept, durably;
    /// `blob_uri` makes the file's address of its name. Errors: as [`Hub::connect`], and `UploadsMissing`, `UploadUnknown` also
    /// for one that was ended before, `UploadExpired`, `UploadEmpty` for a success without a file.
    pub async fn finish_upload(
        &self,
        login: Login<'_>,
        correlation_id: &str,
        succeeded: bool,
        blob_uri: impl Fn(&str) -> String,
    ) -> Result<(), HubError> {
        let device = self.identify(login).await?.0.device;
        let parts = self.upload_parts()?;
        let now = self.now();
        let correlation = Correlation::parse(correlation_id, &parts.key, &device).ok_or(HubError::UploadUnknown)?;
        if correlation.expires <= now {
            return Err(HubError::UploadExpired);
        }
        self.uploads().check(&device, &correlation)?;
        if succeeded && self.resource().settings.files.notifications {
            let path = BlobPath::parse(self.key(), device.clone(), &correlation.name);
            let path = path.map_err(|why| HubError::Invalid(why.to_string()))?;
            let blob = parts.blobs.find(&path).await.map_err(blob_failure)?.ok_or(HubError::UploadEmpty)?;
            let name = path.full_name();
            let notification = FileNotification {
                blob_uri: blob_uri(&name),
                device: device.clone(),
                blob_name: name,
                last_updated: blob.last_modified,
                blob_bytes: blob.size,
                enqueued: now,
            };
            let batch = vec![
                Write::RememberUpload {
                    hub: self.key(),
                    upload: correlation.upload(),
                    until: correlation.expires,
                    now,
                },
                Write::AddFileNotification(self.key(), notification),
            ];
            match self.records().commit(batch).await {
                Ok(()) => {}
                // Its end was told meanwhile, or to a program before this one.
                Err(StoreError::Conflict { .. }) => return Err(HubError::UploadUnknown),
                Err(error) => return Err(error.into()),
            }
        }
        self.uploads().end(&device, &correlation, now);
        self.charge(|| 0);
        Ok(())
    }

    /// Drops notifications that nobody took in time.
    pub(crate) async fn sweep_file_notifications(&self, now: UnixMillis) -> Result<(), HubError> {
        let life_ms = i64::from(self.resource().settings.files.notification_ttl_s) * 1000;
        for _ in 0..SWEEP_PAGES_MAX {
            let page = self.records().list_file_notifications(self.key(), SWEEP_PAGE).await?;
            let is_over = |told: &FileNotification| now >= told.enqueued.plus_ms(life_ms);
            let over: Vec<u64> = page.iter().filter(|(_, told)| is_over(told)).map(|(number, _)| *number).collect();
            if over.is_empty() {
                break;
            }
            self.records().commit(vec![Write::DeleteFileNotifications(self.key(), over)]).await?;
        }
        Ok(())
    }

    /// What uploads stand on. Errors: `UploadsMissing`.
    pub(crate) fn upload_parts(&self) -> Result<&UploadParts, HubError> {
        self.uploading().get().ok_or(HubError::UploadsMissing)
    }
}

/// What is left of a blob's failure where no condition was set.
pub(crate) fn blob_failure(error: BlobError) -> HubError {
    match error {
        BlobError::Store(error) => error.into(),
        BlobError::Busy => HubError::Busy,
        other => HubError::Invalid(other.to_string()),
    }
}

impl Uploads {
    fn begin(&self, device: &DeviceId, new: &Correlation, now: UnixMillis) -> Result<(), HubError> {
        let mut table = self.0.lock();
        let uploads = table.of(device, now);
        let active = uploads.iter().filter(|upload| !upload.ended).count();
        if active >= UPLOADS_MAX {
            return Err(HubError::TooManyUploads { device: device.clone(), max: UPLOADS_MAX });
        }
        uploads.push(Active { number: new.number, expires: new.expires, ended: false });
        Ok(())
    }

    /// Errors: `UploadUnknown` for one that ended.
    fn check(&self, device: &DeviceId, one: &Correlation) -> Result<(), HubError> {
        let table = self.0.lock();
        let known = table.devices.get(device).into_iter().flatten().find(|upload| upload.number == one.number);
        if known.is_some_and(|upload| upload.ended) { Err(HubError::UploadUnknown) } else { Ok(()) }
    }

    fn end(&self, device: &DeviceId, one: &Correlation, now: UnixMillis) {
        let mut table = self.0.lock();
        let uploads = table.of(device, now);
        uploads.retain(|upload| upload.number != one.number);
        // The oldest are forgotten first; of those that made a notification, the store knows as well.
        let ended = uploads.iter().filter(|upload| upload.ended).count();
        if ended >= ENDED_UPLOADS_MAX
            && let Some(oldest) = uploads.iter().position(|upload| upload.ended)
        {
            uploads.remove(oldest);
        }
        uploads.push(Active { number: one.number, expires: one.expires, ended: true });
    }
}

impl Table {
    /// The uploads of a device that did not expire.
    ///
    /// All devices are looked through only when there are twice as many as were left the last time: so an upload costs the same
    /// however many there are.
    fn of(&mut self, device: &DeviceId, now: UnixMillis) -> &mut Vec<Active> {
        if self.devices.len() >= self.sweep_at.max(UPLOADING_DEVICES_SWEEP) {
            self.devices.retain(|_, uploads| uploads.iter().any(|upload| upload.expires > now));
            self.sweep_at = self.devices.len() * 2;
        }
        let uploads = self.devices.entry(device.clone()).or_default();
        uploads.retain(|upload| upload.expires > now);
        uploads
    }
}

impl Correlation {
    /// Names the upload in the store.
    fn upload(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.number)
    }

    /// `<number>.<expiry>.<name>` signed as if it were a file of the device, all in base64.
    fn to_text(&self, key: &UploadKey, device: &DeviceId) -> String {
        let body = format!("{}.{}.{}", self.upload(), self.expires.0, self.name);
        let tag = key.seal(&sealed_text(device, &body));
        URL_SAFE_NO_PAD.encode([&tag[..], body.as_bytes()].concat())
    }

    /// `None` for what we did not make for this device.
    fn parse(text: &str, key: &UploadKey, device: &DeviceId) -> Option<Self> {
        if text.len() > CORRELATION_ID_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, body) = bytes.split_first_chunk::<32>()?;
        let body = std::str::from_utf8(body).ok()?;
        if !key.unseal(&sealed_text(device, body), tag) {
            return None;
        }
        let mut parts = body.splitn(3, '.');
        let number = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?.try_into().ok()?;
        let expires = UnixMillis(parts.next()?.parse().ok()?);
        Some(Self { number, expires, name: parts.next()?.to_owned() })
    }
}

fn sealed_text(device: &DeviceId, body: &str) -> String {
    format!("upload of {device}\n{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> DeviceId {
        DeviceId::parse(text).unwrap()
    }

    fn correlation(number: u8, expires: i64) -> Correlation {
        Correlation { number: [number; 9], expires: UnixMillis(expires), name: "a.b/ä.txt".to_owned() }
    }

    #[test]
    fn ids_speak_for_one_device_and_are_not_to_be_altered() {
        let (key, other) = (UploadKey::derive(b"secret", "7"), UploadKey::derive(b"secret", "8"));
        let text = correlation(1, 50).to_text(&key, &id("a"));
        let read = Correlation::parse(&text, &key, &id("a")).unwrap();
        assert_eq!((read.number, read.expires, read.name.as_str()), ([1; 9], UnixMillis(50), "a.b/ä.txt"));
        assert!(Correlation::parse(&text, &key, &id("b")).is_none());
        assert!(Correlation::parse(&text, &other, &id("a")).is_none());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert!(Correlation::parse(&altered, &key, &id("a")).is_none(), "at {at}");
            assert!(Correlation::parse(&text[..at], &key, &id("a")).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn ten_at_a_time_and_each_ends_once() {
        let (uploads, now) = (Uploads::default(), UnixMillis(0));
        for number in 0..UPLOADS_MAX as u8 {
            uploads.begin(&id("a"), &correlation(number, 100), now).unwrap();
        }
        let refused = uploads.begin(&id("a"), &correlation(99, 100), now);
        assert!(matches!(refused, Err(HubError::TooManyUploads { max: UPLOADS_MAX, .. })), "{refused:?}");
        uploads.begin(&id("b"), &correlation(99, 100), now).unwrap();
        uploads.check(&id("a"), &correlation(3, 100)).unwrap();
        uploads.end(&id("a"), &correlation(3, 100), now);
        assert!(matches!(uploads.check(&id("a"), &correlation(3, 100)), Err(HubError::UploadUnknown)));
        uploads.begin(&id("a"), &correlation(99, 100), now).unwrap();
        assert!(uploads.begin(&id("a"), &correlation(98, 100), now).is_err());
        uploads.begin(&id("a"), &correlation(98, 200), UnixMillis(100)).unwrap();
        // One that a program before this one began.
        uploads.check(&id("a"), &correlation(77, 200)).unwrap();
    }

    #[test]
    fn devices_are_looked_through_rarely_and_forgotten() {
        let uploads = Uploads::default();
        let begin = |device: usize, now| {
            uploads.begin(&id(&format!("d{device}")), &correlation(1, now + 100), UnixMillis(now)).unwrap();
        };
        let known = || {
            let table = uploads.0.lock();
            (table.devices.len(), table.sweep_at)
        };
        (0..UPLOADING_DEVICES_SWEEP + 5).for_each(|device| begin(device, 0));
        assert_eq!(
            known(),
            (UPLOADING_DEVICES_SWEEP + 5, UPLOADING_DEVICES_SWEEP * 2),
            "all are under way: not again soon"
        );
        (UPLOADING_DEVICES_SWEEP + 5..UPLOADING_DEVICES_SWEEP * 2).for_each(|device| begin(device, 50));
        begin(usize::MAX, 120);
        assert_eq!(known(), (UPLOADING_DEVICES_SWEEP - 5 + 1, (UPLOADING_DEVICES_SWEEP - 5) * 2));
    }
}
