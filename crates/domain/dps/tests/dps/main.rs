//! Devices and back ends against DPS, over ports in memory.

#[cfg(test)]
mod allocation;
#[cfg(test)]
mod attestation;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod enrollment;
#[cfg(test)]
mod enrollment_group;
#[cfg(test)]
mod fakes;
#[cfg(test)]
mod far_hub;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod reprovisioning;
#[cfg(test)]
mod session;
#[cfg(test)]
mod tpm;
#[cfg(test)]
mod webhook;
#[cfg(test)]
mod world;
