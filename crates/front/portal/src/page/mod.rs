//! The pages, one file for each noun. What a form does is in its field `do`, so that every address can be opened again.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod certificates;
pub(crate) mod connect;
pub(crate) mod connect_steps;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod enrollment;
pub(crate) mod enrollment_form;
pub(crate) mod enrollments;
pub(crate) mod events;
pub(crate) mod fault;
pub(crate) mod hub;
pub(crate) mod live;
pub(crate) mod overview;
pub(crate) mod refusals;
pub(crate) mod registration;
pub(crate) mod timeline;
pub(crate) mod twin;
