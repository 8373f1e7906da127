//! Sealing of secrets at rest.
/// Placeholder until the records engine lands.
#[derive(Debug)]
pub struct Sealer;
