//! What the server's process uses, from /proc.

use std::{env, fs, time::Duration};

/// Of a kernel with 100 ticks a second, as all common ones.
const TICK: Duration = Duration::from_millis(10);

fn read(file: &str) -> Option<String> {
    let pid = env::var("SERVER_PID").ok()?;
    Some(fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap())
}

/// Processor time so far; `None` without `SERVER_PID`.
pub fn processor_time() -> Option<Duration> {
    let stat = read("stat")?;
    let fields = stat.rsplit(") ").next().unwrap().split(' ');
    let ticks = fields.skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum::<u32>();
    Some(TICK * ticks)
}

/// Resident memory, KiB.
pub fn memory_kib() -> Option<f64> {
    let status = read("status")?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
}

/// Says what each of `count` things cost since `before`.
pub fn print_cost(before: Option<Duration>, count: u64) {
    if let Some((before, now)) = before.zip(processor_time()) {
        println!(
            "  the server's processor: {:.2} us each",
            now.saturating_sub(before).as_secs_f64() * 1e6 / count as f64
        );
    }
}
