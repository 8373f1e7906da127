//! Requests as `az` sends them, in the order in which it does, and the answers it needs.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod consumer_groups;
#[cfg(test)]
mod dps;
#[cfg(test)]
mod federation;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod hub_settings;
#[cfg(test)]
mod hubs;
#[cfg(test)]
mod issuing;
#[cfg(test)]
mod login;
mod metrics;
#[cfg(test)]
mod people;
#[cfg(test)]
mod principals;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod world;
