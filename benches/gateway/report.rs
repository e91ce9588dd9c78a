//! The table.

use std::fmt;
use std::time::Duration;

use crate::load::{Delay, Delays};

/// What one of the proxies needed, a round each.
#[derive(Default)]
pub(crate) struct Costs {
    /// Microseconds of CPU per request.
    cpu: Vec<f64>,
    /// Requests per second.
    rate: Vec<f64>,
}

impl Costs {
    pub(crate) fn push(&mut self, cpu: Duration, requests: u64, time: Duration) {
        let requests = requests.max(1) as f64;
        self.cpu.push(cpu.as_secs_f64() * 1e6 / requests);
        self.rate.push(requests / time.as_secs_f64());
    }
}

pub(crate) struct Row {
    name: &'static str,
    pub(crate) bare: Costs,
    pub(crate) gateway: Costs,
    pub(crate) direct_delay: Delay,
    pub(crate) bare_delay: Delay,
    pub(crate) gateway_delay: Delay,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        let [direct_delay, bare_delay, gateway_delay] = [(); 3].map(|()| Delay::new());
        let (bare, gateway) = Default::default();
        Self { name, bare, gateway, direct_delay, bare_delay, gateway_delay }
    }
}

#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn push(&mut self, row: Row) {
        self.0.push(row);
    }
}

/// CPU is microseconds per request; a delay is microseconds more than without a proxy, at a fixed
/// rate.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "| work | CPU, bare | CPU, gateway | ratio | per second, bare | gateway | p50 added, bare | gateway | p99 added, bare | gateway | first byte added, bare | gateway |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|\n",
        )?;
        for Row { name, bare, gateway, direct_delay, bare_delay, gateway_delay } in &self.0 {
            // Of rounds that stood side by side, so that what slowed one slowed the other.
            let ratios = gateway.cpu.iter().zip(&bare.cpu).map(|(ours, floor)| ours / floor);
            let added = |delays: &Delays, direct: &Delays, quantile| {
                let at = |delays: &Delays| delays.value_at_quantile(quantile) as f64 / 1e3;
                at(delays) - at(direct)
            };
            let whole =
                |delay: &Delay, quantile| added(&delay.whole, &direct_delay.whole, quantile);
            let first = |delay: &Delay| added(&delay.first, &direct_delay.first, 0.5);
            writeln!(
                f,
                "| {name} | {:.1} | {:.1} | **{:.2}** | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
                median(bare.cpu.iter().copied()),
                median(gateway.cpu.iter().copied()),
                median(ratios),
                median(bare.rate.iter().copied()),
                median(gateway.rate.iter().copied()),
                whole(bare_delay, 0.5),
                whole(gateway_delay, 0.5),
                whole(bare_delay, 0.99),
                whole(gateway_delay, 0.99),
                first(bare_delay),
                first(gateway_delay),
            )?;
        }
        Ok(())
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
