//! The one thread that writes: it takes every batch that waits and commits them together, with one sync for all.

use std::{
    io,
    path::PathBuf,
    thread::{self, JoinHandle},
};

use roadstead_store::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::{apply::apply_batch, change::Change, connection::open_writer, failure, limits};

/// The way to the writing thread. Dropped, it lets the thread finish what waits, and waits for that.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Batch>>,
    thread: Option<JoinHandle<()>>,
}

struct Batch {
    changes: Vec<Change>,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<(), StoreError>;

impl Writer {
    /// Starts the thread on `connection`, which is to the database file at `path`. `run` names this run of the program.
    pub(super) fn start(connection: Connection, path: PathBuf, run: i64) -> io::Result<Self> {
        let (queue, waiting) = mpsc::channel(limits::WAITING_BATCHES_MAX);
        let thread = thread::Builder::new()
            .name("records-writer".to_owned())
            .spawn(move || Thread { connection, path, run, failing: false }.run(waiting))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Returns when the batch is durable, or was refused. A caller that stops waiting does not stop the batch.
    pub(super) async fn commit(&self, changes: Vec<Change>) -> Answer {
        let stopped = || StoreError::Unavailable("the records' writer has stopped".to_owned());
        let Some(queue) = &self.queue else { return Err(stopped()) };
        let (answer, answered) = oneshot::channel();
        queue.try_send(Batch { changes, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Unavailable(format!(
                "{} writes wait already (nothing was written)",
                limits::WAITING_BATCHES_MAX
            )),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        // The thread drops what it cannot answer, so nobody waits for ever.
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            error!("the records' writer had panicked");
        }
    }
}

struct Thread {
    connection: Connection,
    path: PathBuf,
    run: i64,
    failing: bool,
}

impl Thread {
    fn run(mut self, mut waiting: mpsc::Receiver<Batch>) {
        let mut group = Vec::with_capacity(limits::GROUP_BATCHES_MAX);
        while waiting.blocking_recv_many(&mut group, limits::GROUP_BATCHES_MAX) > 0 {
            match commit_group(&mut self.connection, self.run, &group) {
                Ok(answers) => {
                    for (batch, answer) in group.drain(..).zip(answers) {
                        // Whoever no longer waits needs no answer.
                        let _ = batch.answer.send(answer);
                    }
                    if std::mem::take(&mut self.failing) {
                        info!("records are written again");
                    }
                }
                Err(error) => {
                    self.recover(&error);
                    for batch in group.drain(..) {
                        let _ = batch.answer.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// After a group that could not be written: says so once, and sees to it that the next one starts afresh.
    fn recover(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.failing, true) {
            error!(%error, "records cannot be written");
        }
        if !self.connection.is_autocommit() {
            // The transaction could not even be given up. Its connection is of no more use.
            match open_writer(&self.path) {
                Ok(fresh) => self.connection = fresh,
                Err(error) => warn!(%error, "the records' database cannot be opened again"),
            }
        }
    }
}

/// Commits what succeeds of a group and answers each of its batches. Error: none of the group was written, as far as is known.
fn commit_group(connection: &mut Connection, run_id: i64, group: &[Batch]) -> Result<Vec<Answer>, StoreError> {
    let refused = |error| failure::refused(&error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused)?;
    let mut answers = Vec::with_capacity(group.len());
    for batch in group {
        run(&transaction, "SAVEPOINT batch").map_err(refused)?;
        let answer = match apply_batch(&transaction, run_id, &batch.changes) {
            Ok(None) => Ok(()),
            Ok(Some(index)) => Err(StoreError::Conflict { index }),
            // A full disk ends the whole transaction: then there is nothing to go back to, nor to commit.
            Err(error) if transaction.is_autocommit() => return Err(refused(error)),
            Err(error) => Err(refused(error)),
        };
        if answer.is_err() {
            run(&transaction, "ROLLBACK TO batch").map_err(refused)?;
        }
        run(&transaction, "RELEASE batch").map_err(refused)?;
        answers.push(answer);
    }
    transaction.commit().map_err(|error| failure::in_doubt(&error))?;
    Ok(answers)
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use roadstead_store::{
        Expect, SealKey, Sealer, Write,
        suite::samples::{self, HUB, Pattern, device_id},
    };

    use super::*;
    use crate::records::connection::open_database;

    struct Bench {
        directory: tempfile::TempDir,
        sealer: Sealer,
    }

    impl Bench {
        fn new() -> Self {
            Self { directory: tempfile::tempdir().unwrap(), sealer: Sealer::new(&SealKey::fresh(&Pattern)) }
        }

        fn path(&self) -> PathBuf {
            self.directory.path().join("records.db")
        }

        fn database(&self) -> Connection {
            open_database(&self.path(), &SealKey::fresh(&Pattern)).unwrap()
        }

        fn changes(&self, write: Write) -> Vec<Change> {
            vec![Change::new(write, &self.sealer)]
        }

        fn create(&self, id: &str) -> Vec<Change> {
            self.changes(Write::PutDevice(HUB, samples::device(id), Expect::Absent))
        }

        fn remove(&self, id: &str) -> Vec<Change> {
            self.changes(Write::DeleteDevice(HUB, device_id(id), Expect::Present))
        }
    }

    fn devices(database: &Connection) -> usize {
        let number = |sql| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let found = number("SELECT count(*) FROM devices");
        assert_eq!(found, number("SELECT total FROM device_counts"), "the counts are in step");
        usize::try_from(found).unwrap()
    }

    #[tokio::test]
    async fn a_full_disk_refuses_what_does_not_fit_and_nothing_else() {
        let bench = Bench::new();
        let connection = bench.database();
        let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let limit = format!("PRAGMA max_page_count = {}", pages + 20);
        connection.query_row(&limit, [], |row| row.get::<_, i64>(0)).unwrap();
        let writer = Arc::new(Writer::start(connection, bench.path(), 1).unwrap());
        for n in 0..10 {
            writer.commit(bench.create(&format!("first-{n}"))).await.unwrap();
        }

        let commits = (0..300).map(|n| {
            let (writer, changes) = (writer.clone(), bench.create(&format!("many-{n}")));
            tokio::spawn(async move { writer.commit(changes).await })
        });
        let (mut kept, mut refused) = (10, 0);
        for commit in commits.collect::<Vec<_>>() {
            match commit.await.unwrap() {
                Ok(()) => kept += 1,
                Err(StoreError::Full(_)) => refused += 1,
                Err(other) => panic!("neither kept nor refused as full: {other}"),
            }
        }
        assert!(refused > 0, "the limit was reached");
        assert_eq!(devices(&bench.database()), kept);

        for n in 0..10 {
            writer.commit(bench.remove(&format!("first-{n}"))).await.unwrap();
        }
        writer.commit(bench.create("fits-again")).await.unwrap();
        assert_eq!(devices(&bench.database()), kept - 10 + 1);
    }

    #[test]
    fn what_one_batch_meets_is_no_matter_of_the_others_in_its_group() {
        let bench = Bench::new();
        let mut connection = bench.database();
        connection.execute_batch("DROP TABLE twins").unwrap();
        let twin = Write::PutTwin(HUB, device_id("a").into(), samples::twin(), Expect::Any);
        let both = [bench.create("c"), bench.changes(twin)].into_iter().flatten().collect();
        let group = [bench.create("a"), bench.create("a"), both, bench.create("b")]
            .map(|changes| Batch { changes, answer: oneshot::channel().0 });
        let answers = commit_group(&mut connection, 1, &group).unwrap();
        assert!(
            matches!(
                answers.as_slice(),
                [Ok(()), Err(StoreError::Conflict { index: 0 }), Err(StoreError::Unavailable(_)), Ok(())]
            ),
            "{answers:?}"
        );
        assert_eq!(devices(&connection), 2);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_thread_that_ended() {
        let (queue, mut waiting) = mpsc::channel(4);
        let thread = thread::spawn(move || drop(waiting.blocking_recv()));
        let writer = Writer { queue: Some(queue), thread: Some(thread) };
        for _ in 0..2 {
            let answer = writer.commit(Vec::new()).await;
            assert!(matches!(&answer, Err(StoreError::Unavailable(why)) if why.contains("has stopped")), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn the_queue_is_bounded() {
        let (queue, _waiting) = mpsc::channel(1);
        let writer = Writer { queue: Some(queue), thread: None };
        let answer = tokio::select! {
            biased;
            answer = writer.commit(Vec::new()) => panic!("answered by nobody: {answer:?}"),
            answer = writer.commit(Vec::new()) => answer,
        };
        assert!(matches!(&answer, Err(StoreError::Unavailable(why)) if why.contains("wait already")), "{answer:?}");
    }
}
