//! The language from outside: what it takes, what it refuses and with which words, what it means.

mod accepted;
mod meaning;
mod properties;
mod refused;
