//! The AMQP face with `fe2o3-amqp`, a client that shares no line with it, over sockets; and `roadstead-service`'s reader.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod client;
mod devicebound;
mod events;
mod links;
mod login;
mod monitor;
mod queues;
mod requests;
mod world;
