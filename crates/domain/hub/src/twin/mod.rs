//! The rules of twins, apart from where they are kept: what may be written, what a write makes of a twin, what it is told as.

mod beginning;
mod change;
mod check;
mod merge;

pub use beginning::Beginning;
pub(crate) use beginning::begun;
pub use change::{SectionChange, TwinChange, TwinWrite};
pub(crate) use change::{change, drop_own, report};
pub use check::{TwinFault, TwinSectionName};
pub(crate) use check::{size, whole_size};
