//! What back ends hear of uploaded files, one notification after the other.

use roadstead_model::{FileNotification, UnixMillis};
use roadstead_store::Write;
use tokio::sync::Mutex;

use crate::{error::HubError, hub::Hub, limits, messages::LockToken};

/// The notifications that back ends have, or had and gave back. Forgotten on restart, when all of them wait again.
#[derive(Debug, Default)]
pub(crate) struct FileNotificationDesk(Mutex<Vec<Held>>);

#[derive(Debug)]
struct Held {
    number: u64,
    lock: Option<(LockToken, UnixMillis)>,
    abandoned: u32,
}

impl Held {
    fn is_locked(&self, now: UnixMillis) -> bool {
        self.lock.is_some_and(|(_, until)| now < until)
    }
}

impl Hub {
    /// The oldest notification that nobody has in hand; nobody else gets it for the hub's
    /// `notification_lock_s`. Errors: `Internal`.
    pub async fn receive_file_notification(&self) -> Result<Option<(LockToken, FileNotification)>, HubError> {
        let (now, settings) = (self.now(), self.resource().settings.files);
        let [life_ms, lock_ms] =
            [settings.notification_ttl_s, settings.notification_lock_s].map(|s| i64::from(s) * 1000);
        let mut desk = self.file_notifications().0.lock().await;
        if desk.iter().filter(|held| held.is_locked(now)).count() >= limits::FILE_NOTIFICATIONS_HELD_MAX {
            return Ok(None);
        }
        let kept = self.records().list_file_notifications(self.key(), desk.len() + 1).await?;
        desk.retain(|held| held.is_locked(now) || kept.iter().any(|(number, _)| *number == held.number));
        let is_free = |number: u64| desk.iter().all(|held| held.number != number || !held.is_locked(now));
        let is_current = |told: &FileNotification| now < told.enqueued.plus_ms(life_ms);
        let found = kept.into_iter().find(|(number, told)| is_free(*number) && is_current(told));
        let Some((number, notification)) = found else { return Ok(None) };
        let token = LockToken::fresh(self.random());
        let lock = Some((token, now.plus_ms(lock_ms)));
        match desk.iter_mut().find(|held| held.number == number) {
            Some(held) => held.lock = lock,
            None => desk.push(Held { number, lock, abandoned: 0 }),
        }
        Ok(Some((token, notification)))
    }

    /// The back end has taken note: the notification is gone, durably. Errors: `LockLost`, `Full`, `Internal`.
    pub async fn complete_file_notification(&self, token: LockToken) -> Result<(), HubError> {
        let mut desk = self.file_notifications().0.lock().await;
        let at = find_locked(&desk, token, self.now())?;
        self.delete_file_notification(desk[at].number).await?;
        desk.remove(at);
        Ok(())
    }

    /// Gives a notification back, to be given again unless that happened too often; then it is gone.
    /// Errors: `LockLost`, `Full`, `Internal`.
    pub async fn abandon_file_notification(&self, token: LockToken) -> Result<(), HubError> {
        let mut desk = self.file_notifications().0.lock().await;
        let at = find_locked(&desk, token, self.now())?;
        let abandoned = desk[at].abandoned.saturating_add(1);
        if abandoned >= self.resource().settings.files.notification_delivery_count_max {
            self.delete_file_notification(desk[at].number).await?;
            desk.remove(at);
        } else {
            (desk[at].abandoned, desk[at].lock) = (abandoned, None);
        }
        Ok(())
    }

    async fn delete_file_notification(&self, number: u64) -> Result<(), HubError> {
        Ok(self.records().commit(vec![Write::DeleteFileNotifications(self.key(), vec![number])]).await?)
    }
}

fn find_locked(desk: &[Held], token: LockToken, now: UnixMillis) -> Result<usize, HubError> {
    let is_it = |held: &Held| held.lock.is_some_and(|(lock, until)| lock == token && now < until);
    desk.iter().position(is_it).ok_or(HubError::LockLost)
}
