//! The portal before an API that is made up: what a browser gets, and what the API is asked as whom.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod administration;
mod connect;
mod elsewhere;
mod forms;
mod issuing;
mod log;
mod pages;
mod programs;
mod refusals;
mod safety;
mod signing_in;
mod twin_history;
mod uploads;
mod world;
