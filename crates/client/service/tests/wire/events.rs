//! Streams that break and go on.

use crate::server::{Server, Step, Told, policy, told};
use roadstead_model::UnixMillis;
use roadstead_service::{EventFilter, EventStream, HubService, ServiceError, StreamItem};

fn event(offset: u64) -> String {
    format!(
        "id: 0:{}\ndata: {{\"partition\":0,\"offset\":\"{offset}\",\"sequenceNumber\":{offset},\"enqueuedTimeUtc\":\"t\"}}\n\n",
        offset + 1
    )
}

fn stream(body: Vec<Step>) -> Told {
    Told { status: 200, headers: vec![("content-type", "text/event-stream".to_owned())], body }
}

fn events(server: &Server, filter: EventFilter) -> EventStream {
    HubService::new(server.transport(), "hub.localhost", policy()).events(filter)
}

/// Numbers of the events; `lost` and `again` in between.
async fn take(stream: &mut EventStream, count: usize) -> Vec<String> {
    let mut shown = Vec::new();
    while shown.len() < count {
        shown.push(match stream.next().await.unwrap() {
            StreamItem::Event(event) => event.offset,
            StreamItem::Skipped(left_out) => format!("without {} and {}", left_out.skipped, left_out.unseen),
            StreamItem::Interrupted(_) => "lost".to_owned(),
            StreamItem::Resumed => "again".to_owned(),
        });
    }
    shown
}

#[tokio::test]
async fn after_a_break_the_stream_goes_on_where_it_stood() {
    let server = Server::start(|before, _| match before {
        0 => {
            let cut_short = event(3).replace("\n\n", "\n");
            stream(vec![Step::Send(format!(": hello\n\n{}", event(1))), Step::Send(event(2) + &cut_short), Step::Cut])
        }
        1 => told(503, "starting"),
        2 => stream(vec![Step::Send(event(3))]),
        _ => stream(vec![Step::Send(event(4)), Step::Hang]),
    });
    let server = server.await;
    let mut stream = events(&server, EventFilter::default());
    assert_eq!(take(&mut stream, 8).await, ["1", "2", "lost", "again", "3", "lost", "again", "4"]);
    let ids: Vec<_> = server.asked().iter().map(|asked| asked.headers.get("last-event-id").cloned()).collect();
    assert_eq!(ids, [None, Some("0:3"), Some("0:3"), Some("0:4")].map(|id| id.map(str::to_owned)));
}

#[tokio::test]
async fn a_stream_that_gave_nothing_begins_again_at_its_own_beginning() {
    let server = Server::start(|before, _| match before {
        0 => stream(vec![Step::Cut]),
        _ => stream(vec![Step::Send(event(1)), Step::Hang]),
    });
    let server = server.await;
    assert_eq!(take(&mut events(&server, EventFilter::default()), 3).await, ["lost", "again", "1"]);
    let path = "GET /messages/events?api-version=2021-04-12";
    assert_eq!(server.lines(), [path.to_owned(), format!("{path}&enqueuedTime=1795271400000")]);
}

#[tokio::test]
async fn a_filter_is_asked_for_at_every_connection() {
    let server = Server::start(|before, _| match before {
        0 => stream(vec![Step::Send(event(1))]),
        _ => stream(vec![Step::Send(event(2) + "event: skipped\ndata: {\"skipped\":12,\"unseen\":3}\n\n"), Step::Hang]),
    });
    let server = server.await;
    let filter = EventFilter {
        device_id: Some("dev #1".to_owned()),
        enqueued_after: Some(UnixMillis(5)),
        consumer_group: Some("$Default".to_owned()),
        sample: Some(20),
    };
    let taken = take(&mut events(&server, filter), 5).await;
    assert_eq!(taken, ["1", "lost", "again", "2", "without 12 and 3"]);
    let line = "GET /messages/events?api-version=2021-04-12&deviceId=dev%20%231&enqueuedTime=5&consumerGroup=%24Default\
                &sample=20";
    assert_eq!(server.lines(), [line, line]);
    let asked = server.asked().remove(0);
    assert_eq!(asked.headers["accept"], "text/event-stream");
    assert!(asked.headers["authorization"].starts_with("SharedAccessSignature sr=hub.localhost&"));
}

#[tokio::test]
async fn what_trying_again_cannot_cure_ends_the_stream() {
    for (status, expected) in [(401, Some(401)), (404, Some(404)), (400, Some(400)), (200, None)] {
        let server = Server::start(move |before, _| match before {
            0 => stream(vec![Step::Cut]),
            _ => told(status, "no"),
        });
        let server = server.await;
        let mut stream = events(&server, EventFilter::default());
        assert_eq!(take(&mut stream, 1).await, ["lost"]);
        assert_eq!(stream.next().await.unwrap_err().status(), expected);
    }
}

#[tokio::test]
async fn the_first_connection_must_succeed() {
    let server = Server::start(|_, _| stream(Vec::new())).await;
    let mut stream = events(&server, EventFilter::default());
    server.stop().await;
    assert!(matches!(stream.next().await, Err(ServiceError::Unreachable { .. })));
}
