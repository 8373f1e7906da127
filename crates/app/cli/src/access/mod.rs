//! `roadstead user`, `service-principal`, `role` and `audit`: who may do what, and who did.

pub mod audit;
pub mod role;
pub mod service_principal;
pub mod user;
