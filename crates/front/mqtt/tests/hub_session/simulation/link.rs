//! A connection's way through a bad network: its bytes come in order, late, or from some moment on not at all.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    time::{Instant, sleep},
};

use super::{Simulation, chance::Chance};

const PIPE_BYTES: usize = 1 << 20;

/// How bad it is.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    delay_ms: u64,
    /// How often a piece takes much longer.
    stalls_percent: u64,
    /// From when on nothing a client sends arrives.
    dead_after: Option<Duration>,
    /// How long the server does not notice that the client is gone.
    lingers: Duration,
}

impl Weather {
    pub const FAIR: Self = Self { delay_ms: 5, stalls_percent: 0, dead_after: None, lingers: Duration::ZERO };

    pub fn random(chance: &mut Chance) -> Self {
        Self {
            delay_ms: *chance.one_of(&[2, 20, 300, 2000]),
            stalls_percent: *chance.one_of(&[0, 5, 30]),
            dead_after: chance.percent(30).then(|| chance.ms(50, 15_000)),
            lingers: if chance.percent(50) { Duration::ZERO } else { chance.ms(0, 40_000) },
        }
    }

    fn delay(&self, chance: &mut Chance) -> Duration {
        let ms_max = if chance.percent(self.stalls_percent) { 4000 } else { self.delay_ms };
        chance.ms(0, ms_max)
    }
}

/// Connects a client to the front, and returns its end. Both directions go on until they are done.
pub fn dial(sim: &Arc<Simulation>, connection: usize, weather: Weather, mut chance: Chance) -> DuplexStream {
    let (client, near) = duplex(PIPE_BYTES);
    let (far, server) = duplex(PIPE_BYTES);
    let ((near_read, near_write), (far_read, far_write)) = (split(near), split(far));
    tokio::spawn(up(near_read, far_write, weather, chance.fork()));
    tokio::spawn(down(sim.clone(), connection, far_read, near_write, weather, chance));
    let sim = sim.clone();
    tokio::spawn(async move {
        sim.front.serve(server, super::caller()).await;
        sim.ledger.lock().finished(connection);
    });
    client
}

async fn up(mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>, weather: Weather, mut chance: Chance) {
    let began = Instant::now();
    let mut bytes = [0; 512];
    loop {
        let at_most = 1 + chance.below(bytes.len() as u64) as usize;
        let Ok(read @ 1..) = from.read(&mut bytes[..at_most]).await else { break };
        sleep(weather.delay(&mut chance)).await;
        let is_dead = weather.dead_after.is_some_and(|after| began.elapsed() > after);
        if !is_dead && to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
    sleep(weather.lingers).await;
    let _ = to.shutdown().await;
}

async fn down(
    sim: Arc<Simulation>,
    connection: usize,
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    weather: Weather,
    mut chance: Chance,
) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        sim.ledger.lock().server_sent(connection, &bytes[..read]);
        sleep(weather.delay(&mut chance)).await;
        // A client that is gone misses it.
        let _ = to.write_all(&bytes[..read]).await;
    }
    let _ = to.shutdown().await;
}
