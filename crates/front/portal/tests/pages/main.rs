//! The portal before an API that is made up: what a browser gets, and what the API is asked as whom.

mod pages;
mod safety;
mod signing_in;
mod world;
