//! Where the built-in endpoint is, told to who looks for events at the hub's own address. Source: `reference/hub-service.md` 3.1

/// Key of the error's `info`, a symbol; the value is a `string`.
pub const HOSTNAME: &str = "hostname";
/// Key of the error's `info`; the same again.
pub const NETWORK_HOST: &str = "network-host";
/// Key of the error's `info`; a `uint`.
pub const PORT: &str = "port";
/// Key of the error's `info`: [`address`], a `string`.
pub const ADDRESS: &str = "address";

/// The address to attach to instead; `rest` as in [`super::LinkAddress::HubEvents`]. Clients need the port in it.
///
/// Shape: `amqps://hub1.example:5671/hub1/$management`
pub fn address(host: &str, port: u16, entity: &str, rest: &str) -> String {
    format!("amqps://{host}:{port}/{entity}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::LinkAddress;

    #[test]
    fn the_address_leads_to_the_endpoint() {
        let rest = |address| match LinkAddress::parse(address) {
            Some(LinkAddress::HubEvents { rest }) => rest,
            other => panic!("{other:?}"),
        };
        let to = address("hub1.example", 5671, "hub1", rest("/messages/events/$management"));
        assert_eq!(to, "amqps://hub1.example:5671/hub1/$management");
        assert_eq!(LinkAddress::parse(&to), Some(LinkAddress::Management { entity: Some("hub1") }));
        let to = address("hub1.example", 5671, "hub1", rest("messages/events/ConsumerGroups/$Default/Partitions/0"));
        let partition = LinkAddress::Partition { entity: "hub1", group: "$Default", partition: "0" };
        assert_eq!(LinkAddress::parse(&to), Some(partition));
    }
}
