//! Raw bytes on a pipe in memory, over real hubs and DPS instances with fakes below.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod bearer;
mod blob;
mod connection;
mod device_messages;
mod device_register;
mod device_send;
mod fakes;
mod hub_bulk;
mod hub_devices;
mod hub_event_log;
mod hub_events;
mod hub_methods;
mod hub_modules;
mod hub_query;
mod hub_settings;
mod hub_twins;
mod journal;
mod pipe;
mod routes;
mod service_bulk;
mod service_enrollments;
mod service_groups;
mod service_registrations;
mod world;
