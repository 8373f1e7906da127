//! Bounds of what is remembered.

/// Minutes that are remembered. Azure keeps 93 days (docs, Azure Monitor Metrics overview); ours are in memory.
pub const MINUTES_KEPT: u32 = 24 * 60;
/// Points of one answer. Source: docs, Azure Monitor limits (1,440 data points in one series). `guess (?)`
pub const POINTS_MAX: u32 = 1440;
