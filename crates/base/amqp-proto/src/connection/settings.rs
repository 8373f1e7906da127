//! What one server allows its peers.

/// The bounds of a connection; each side is told those that concern it in `open`, `begin` and `attach`.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Offered to who comes with a SASL header, the one liked best first.
    pub mechanisms: &'static [&'static str],
    /// Bytes of a frame, both ways; a peer may ask for less. 512 at least. Azure: 65,536.
    pub max_frame_size: u32,
    /// The highest channel, so one less than the sessions of a connection. Azure: 8191.
    pub channel_max: u16,
    /// The highest handle, so one less than the links of a session. Azure: 255.
    pub handle_max: u16,
    /// Links of all sessions together, with those that the peer has not detached yet; more are refused.
    pub links_max: u32,
    /// What a peer is told: it should be heard within half of it. 0 for no bound. Azure: 240,000.
    pub idle_time_out_ms: u32,
    /// Transfers that a peer may have under way in a session. Azure: 5000.
    pub incoming_window: u32,
    /// Deliveries in a session that were sent and not settled; then nothing more is sent. A receiver's credit bounds
    /// each link in the same way. Azure: unknown.
    pub unsettled_max: u32,
    /// Bytes of all deliveries together of which the last transfer has not come. A peer that has more of them under way
    /// is hung up on.
    pub partial_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mechanisms: &["ANONYMOUS", "PLAIN", "EXTERNAL"],
            max_frame_size: 65_536,
            channel_max: 8191,
            handle_max: 255,
            links_max: 4096,
            idle_time_out_ms: 240_000,
            incoming_window: 2048,
            unsettled_max: 4096,
            partial_bytes_max: 4 * 1024 * 1024,
        }
    }
}
