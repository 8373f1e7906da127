//! What an administrator does, on records in memory.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod consumer_groups;
#[cfg(test)]
mod dps;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod hubs;
#[cfg(test)]
mod issuing;
#[cfg(test)]
mod links;
#[cfg(test)]
mod world;
#[cfg(test)]
mod writing;
