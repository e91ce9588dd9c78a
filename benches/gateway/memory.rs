//! What an open stream takes that says nothing.

use std::fmt::Write;
use std::time::Duration;

use crate::load::Client;
use crate::process::Process;
use crate::work;

/// For what is freed or settles a moment later.
const SETTLE_TIME: Duration = Duration::from_millis(500);

pub(crate) async fn measure(processes: [&Process; 2], idle: [u64; 2], streams: usize) -> String {
    let mut text =
        format!("\n| memory | idle | per open idle stream ({streams} open) |\n|---|---|---|\n");
    for ((process, idle), name) in processes.into_iter().zip(idle).zip(["bare proxy", "gateway"]) {
        let before = process.resident();
        let request = work::idle();
        let mut open = Vec::with_capacity(streams);
        for _ in 0..streams {
            let mut client = Client::connect(process.address).await;
            client.begin(&request).await;
            open.push(client);
        }
        tokio::time::sleep(SETTLE_TIME).await;
        let each = process.resident().saturating_sub(before) / streams as u64;
        let (idle, each) = (idle as f64 / f64::from(1 << 20), each as f64 / 1024.0);
        writeln!(text, "| {name} | {idle:.1} MB | {each:.1} KB |").expect("a string");
        drop(open);
        tokio::time::sleep(SETTLE_TIME).await;
    }
    text
}
