//! A process that is killed while it writes: a child appends as fast as it can and tells what was acknowledged.

use roadstead_testkit::killed;

use super::*;

const WRITERS: usize = 8;

/// Not a test of its own: [`what_was_acknowledged_survives_a_kill`] starts it as a process.
#[test]
#[ignore = "only does something in a process started by another test"]
fn child() {
    let Some(path) = killed::place() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let log = open(&path).await;
        let writers = (0..WRITERS as u16).map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                for n in 0u64.. {
                    let ticket = append(&*log, writer % 2, &format!("{writer} {n}"), T0).unwrap();
                    log.commits().wait(ticket).await.unwrap();
                    killed::acknowledge(format_args!("{writer} {n}"));
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

/// The number of events acknowledged to each writer.
fn run_and_kill(path: &Path, enough: usize) -> [u64; WRITERS] {
    let mut acknowledged = [0; WRITERS];
    for event in killed::run("log::tests::kill::child", path, enough) {
        let (writer, n) = event.split_once(' ').unwrap();
        let (writer, n): (usize, u64) = (writer.parse().unwrap(), n.parse().unwrap());
        acknowledged[writer] = acknowledged[writer].max(n + 1);
    }
    acknowledged
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    for count in [100, 1000, 3000] {
        let directory = tempfile::tempdir().unwrap();
        let acknowledged = run_and_kill(directory.path(), count);
        let log = open(directory.path()).await;
        let mut found = [0u64; WRITERS];
        for partition in 0..2 {
            for (n, event) in read_all(&*log, partition).await.iter().enumerate() {
                assert_eq!(event.offset, n as u64);
                let body = body(event);
                let (writer, number) = body.split_once(' ').unwrap();
                let writer: usize = writer.parse().unwrap();
                assert_eq!(number.parse(), Ok(found[writer]), "each once and in order");
                found[writer] += 1;
            }
        }
        for (writer, (found, acknowledged)) in found.into_iter().zip(acknowledged).enumerate() {
            assert!(found >= acknowledged, "writer {writer}: {acknowledged} acknowledged, {found} found");
            assert!(found <= acknowledged + 2, "one event per writer was in flight, one may be untold");
        }
    }
}
