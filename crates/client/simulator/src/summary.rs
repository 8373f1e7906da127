//! What a run came to.

use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What a run came to. Prints as a table; as JSON its members are named as here.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Of the devices.
    pub devices: Devices,
    /// Of their messages.
    pub messages: Messages,
    /// Of DPS, from the connection to its decision; successes only.
    pub register: Latency,
    /// Of connecting to the hub, TLS included; successes only.
    pub connect: Latency,
    /// From a message's sending to its PUBACK.
    pub puback: Latency,
    /// Connections lost and made anew.
    pub reconnects: u64,
    /// Most frequent first.
    pub errors: Vec<ErrorCount>,
    /// Length of the run.
    pub seconds: f64,
}

/// How many devices came how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Devices {
    /// Asked for.
    pub planned: u64,
    /// Given a hub by DPS.
    pub registered: u64,
    /// Connected to it at least once.
    pub connected: u64,
    /// Refused for good, or not connected after all tries.
    pub failed: u64,
}

/// What became of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// The hub has them.
    pub acknowledged: u64,
    /// Sent, and never acknowledged.
    pub unacknowledged: u64,
    /// Of the acknowledged ones' bodies and properties.
    pub bytes: u64,
    /// Acknowledged, from the first message's sending to the last PUBACK.
    pub per_second: f64,
}

/// How long something took, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// How often it was measured.
    pub count: u64,
    /// Half took no longer.
    pub p50_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// How often one thing went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorCount {
    /// In a few words: `connection lost`
    pub kind: String,
    /// How often.
    pub count: u64,
    /// The first of them in full, with what to try.
    pub example: String,
}

impl Summary {
    /// Whether every device connected, and every message was acknowledged.
    pub fn is_complete(&self) -> bool {
        self.devices.connected == self.devices.planned && self.devices.failed == 0 && self.messages.unacknowledged == 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Devices { planned, registered, connected, failed } = self.devices;
        writeln!(f, "devices     {planned} planned, {registered} registered, {connected} connected, {failed} failed")?;
        let Messages { acknowledged, unacknowledged, bytes, per_second } = self.messages;
        writeln!(
            f,
            "messages    {acknowledged} acknowledged ({per_second:.1}/s, {}), {unacknowledged} unacknowledged",
            shown_bytes(bytes)
        )?;
        writeln!(f, "reconnects  {}", self.reconnects)?;
        writeln!(f, "time        {:.1} s", self.seconds)?;
        writeln!(f)?;
        writeln!(f, "{:<10}{:>12}{:>12}{:>12}{:>12}", "latency", "p50", "p99", "max", "count")?;
        for (name, latency) in [("register", self.register), ("connect", self.connect), ("PUBACK", self.puback)] {
            writeln!(f, "{name:<10}{latency}")?;
        }
        for (index, ErrorCount { kind, count, example }) in self.errors.iter().enumerate() {
            let title = if index == 0 { "\nerrors\n" } else { "" };
            writeln!(f, "{title}{count:>8}  {kind}")?;
            writeln!(f, "{:>8}  first: {example}", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 0 {
            return write!(f, "{:>12}{:>12}{:>12}{:>12}", "-", "-", "-", 0);
        }
        let [p50, p99, max] = [self.p50_ms, self.p99_ms, self.max_ms].map(shown_ms);
        write!(f, "{p50:>12}{p99:>12}{max:>12}{:>12}", self.count)
    }
}

/// `812 µs`, `3.14 ms`, `1.20 s`
pub(crate) fn shown_ms(ms: f64) -> String {
    match ms {
        ..1.0 => format!("{:.0} µs", ms * 1000.0),
        1.0..1000.0 => format!("{ms:.2} ms"),
        _ => format!("{:.2} s", ms / 1000.0),
    }
}

/// `812 B`, `3.1 KiB`, `1.2 GiB`
fn shown_bytes(bytes: u64) -> String {
    let mut size = figure(bytes);
    for unit in ["B", "KiB", "MiB"] {
        if size < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") };
        }
        size /= 1024.0;
    }
    format!("{size:.1} GiB")
}

/// A count as a figure to be shown.
#[expect(clippy::cast_precision_loss, reason = "nobody reads the sixteenth digit")]
pub(crate) fn figure(count: u64) -> f64 {
    count as f64
}

/// Messages per second over `time`, which may be nothing.
pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { figure(count) / time.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_in_the_unit_that_fits() {
        for (ms, text) in
            [(0.0, "0 µs"), (0.8124, "812 µs"), (2.356, "2.36 ms"), (999.9, "999.90 ms"), (1200.0, "1.20 s")]
        {
            assert_eq!(shown_ms(ms), text);
        }
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 40, "3072.0 GiB")]
        {
            assert_eq!(shown_bytes(bytes), text);
        }
        assert!(per_second(3, Duration::ZERO) < f64::EPSILON);
    }

    #[test]
    fn as_a_table_and_as_json() {
        let latency = Latency { count: 1000, p50_ms: 3.1, p99_ms: 9.84, max_ms: 1200.0 };
        let summary = Summary {
            devices: Devices { planned: 3, registered: 3, connected: 2, failed: 1 },
            messages: Messages { acknowledged: 1000, unacknowledged: 0, bytes: 90_000, per_second: 99.94 },
            register: latency,
            connect: latency,
            puback: Latency { count: 0, p50_ms: 0.0, p99_ms: 0.0, max_ms: 0.0 },
            reconnects: 4,
            errors: vec![ErrorCount { kind: "connection lost".to_owned(), count: 4, example: "h closed".to_owned() }],
            seconds: 10.04,
        };
        let table = concat!(
            "devices     3 planned, 3 registered, 2 connected, 1 failed\n",
            "messages    1000 acknowledged (99.9/s, 87.9 KiB), 0 unacknowledged\n",
            "reconnects  4\n",
            "time        10.0 s\n",
            "\n",
            "latency            p50         p99         max       count\n",
            "register       3.10 ms     9.84 ms      1.20 s        1000\n",
            "connect        3.10 ms     9.84 ms      1.20 s        1000\n",
            "PUBACK               -           -           -           0\n",
            "\n",
            "errors\n",
            "       4  connection lost\n",
            "          first: h closed\n",
        );
        assert_eq!(summary.to_string(), table);
        assert!(!summary.is_complete());
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(json["register"]["p99Ms"], 9.84);
        assert_eq!((&json["devices"]["failed"], &json["errors"][0]["kind"]), (&1.into(), &"connection lost".into()));
    }
}
