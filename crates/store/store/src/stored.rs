//! The stored form of each record.
