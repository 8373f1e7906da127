//! Where events come from: a server's own stream over HTTPS, or the built-in endpoint of any hub over AMQP.

use crate::args::Global;
use crate::args::hub::MonitorEvents;
use crate::args::value::EventTransport;
use crate::context::{amqp_port, open_anywhere};
use crate::failure::Failure;
use crate::iot::lookup::{hub_service, read_login};
use roadstead_model::UnixMillis;
use roadstead_service::{AmqpEvents, EventFilter, EventHub, EventStream, HubService, ServiceError, StreamItem};

/// Events as they come, over either.
pub enum Source {
    Https(Box<EventStream>),
    Amqp(Box<AmqpEvents>),
}

impl Source {
    /// The source that the words ask for, and the host that it is at. Nothing is read yet.
    pub async fn open(monitor: &MonitorEvents, global: &Global) -> Result<(Self, String), Failure> {
        let filter = EventFilter {
            device_id: monitor.device_id.clone().filter(|id| !super::is_pattern(id)),
            enqueued_after: monitor.enqueued_time.map(UnixMillis),
            consumer_group: Some(monitor.consumer_group.clone()),
            sample: None,
        };
        let login = monitor.hub.login.as_deref();
        let transport = transport(login, monitor.transport)?;
        if let Some(login) = login.filter(|login| is_event_hub(login)) {
            let hub = EventHub::parse(login).map_err(|error| Failure::usage(format!("`--login`: {error}")))?;
            let host = hub.host().to_owned();
            let events = AmqpEvents::of_event_hub(open_anywhere(global)?, hub, filter);
            return Ok((Self::Amqp(Box::new(events)), host));
        }
        let hub = match (login, transport) {
            (Some(login), EventTransport::Amqp) => {
                let (host, policy) = read_login(login)?;
                HubService::new(open_anywhere(global)?, &host, policy)
            }
            _ => hub_service(&monitor.hub, global).await?,
        };
        let source = match transport {
            EventTransport::Https => Self::Https(Box::new(hub.events(filter))),
            EventTransport::Amqp => {
                let events = hub.events_over_amqp(amqp_port(hub.host(), global), filter);
                Self::Amqp(Box::new(events.ok_or_else(|| Failure::error("events over AMQP need a policy's key"))?))
            }
        };
        Ok((source, hub.host().to_owned()))
    }

    /// The next item. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Result<StreamItem, ServiceError> {
        match self {
            Self::Https(events) => events.next().await,
            Self::Amqp(events) => events.next().await,
        }
    }

    /// What the user is told when it ends so.
    pub fn failure(&self, error: ServiceError) -> Failure {
        let has_no_way = matches!((self, &error), (Self::Amqp(_), ServiceError::Unreachable { .. }));
        let failure = Failure::from(error);
        if has_no_way {
            failure.hint(
                "AMQP may be kept out on the way: a Roadstead server is read over HTTPS, too (`--transport https`)",
            )
        } else {
            failure
        }
    }

    /// Takes leave, where that is the custom.
    pub async fn close(self) {
        if let Self::Amqp(events) = self {
            events.close().await;
        }
    }
}

/// A connection string may be that of a hub which knows no HTTPS stream: then it is AMQP unless said otherwise.
fn transport(login: Option<&str>, asked: Option<EventTransport>) -> Result<EventTransport, Failure> {
    let transport = match (login, asked) {
        (_, Some(transport)) => transport,
        (Some(_), None) => EventTransport::Amqp,
        (None, None) => EventTransport::Https,
    };
    if transport == EventTransport::Https && login.is_some_and(is_event_hub) {
        return Err(Failure::usage("an Event Hub is read over AMQP alone")
            .hint("leave `--transport` out, or give `--login` the hub's own connection string: `HostName=…`"));
    }
    Ok(transport)
}

/// `Endpoint=sb://…`, wherever it stands.
fn is_event_hub(login: &str) -> bool {
    let is_endpoint =
        |part: &str| part.trim_start().get(..9).is_some_and(|name| name.eq_ignore_ascii_case("Endpoint="));
    login.split(';').any(is_endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_over_what() {
        use EventTransport::{Amqp, Https};
        let (hub, events) = ("HostName=h;SharedAccessKeyName=p", "EntityPath=e; endpoint=sb://h/");
        for (login, asked, expected) in [
            (None, None, Some(Https)),
            (None, Some(Amqp), Some(Amqp)),
            (Some(hub), None, Some(Amqp)),
            (Some(hub), Some(Https), Some(Https)),
            (Some(events), None, Some(Amqp)),
            (Some(events), Some(Amqp), Some(Amqp)),
            (Some(events), Some(Https), None),
        ] {
            assert_eq!(transport(login, asked).ok(), expected, "{login:?} {asked:?}");
        }
    }
}
