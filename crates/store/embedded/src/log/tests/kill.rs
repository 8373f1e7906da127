//! A process that is killed while it writes: a child appends as fast as it can and tells what was acknowledged.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use super::*;

const PLACE: &str = "ROADSTEAD_TEST_EVENT_LOG";

/// Not a test of its own: [`what_was_acknowledged_survives_a_kill`] starts it as a process.
#[test]
#[ignore = "only does something in a process started by another test"]
fn child() {
    let Some(path) = std::env::var_os(PLACE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let log = open(Path::new(&path)).await;
        let writers = (0..8u16).map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                for n in 0u64.. {
                    let ticket = append(&*log, writer % 2, &format!("{writer} {n}"), T0).unwrap();
                    log.commits().wait(ticket).await.unwrap();
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {writer} {n}").unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

/// Runs a child until it has told of `count` events, kills it, and gives the number of events acknowledged to each writer.
fn run_and_kill(path: &Path, count: usize) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log::tests::kill::child", "--ignored", "--nocapture"])
        .env(PLACE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = vec![0; 8];
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for told in 0.. {
        if told == count {
            child.kill().unwrap();
        }
        let Some(Ok(line)) = lines.next() else { break };
        let mut words = line.split_once("acknowledged ").map_or("", |(_, rest)| rest).split(' ');
        if let (Some(Ok(writer)), Some(Ok(n))) =
            (words.next().map(str::parse::<usize>), words.next().map(str::parse::<u64>))
        {
            acknowledged[writer] = acknowledged[writer].max(n + 1);
        }
    }
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    for count in [100, 1000, 3000] {
        let directory = tempfile::tempdir().unwrap();
        let acknowledged = run_and_kill(directory.path(), count);
        assert!(acknowledged.iter().sum::<u64>() >= count as u64 - 10, "the child did write");
        let log = open(directory.path()).await;
        let mut found = [0u64; 8];
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
