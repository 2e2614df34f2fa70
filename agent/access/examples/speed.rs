//! How many access-log entries a processor's second parses, attributes and counts, by format.
//!
//! `cargo run --release -p access --example speed -- [ENTRIES]`

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    time::Duration,
};

use access::{config::SourceSettings, counting::Counting};
use model::time::Timestamp;
use requests::recorder::{Options, Recorder};

/// Lines prepared of each format, which are gone through again and again.
const LINES: u64 = 4096;
/// Lines given at once.
const PIECE: usize = 512;

type Prepare = fn(u64) -> String;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let entries = std::env::args().nth(1).map_or(Ok(2_000_000), |text| text.parse::<usize>())?;
    let formats: [(&str, &str, Prepare); 3] = [
        ("nginx JSON", "json", nginx),
        ("Envoy JSON", "json", envoy),
        ("combined", "combined", combined),
    ];
    for (name, format, prepare) in formats {
        let owner = if name == "Envoy JSON" {
            r#""clusters":true"#
        } else {
            r#""app":"rest","hosts":{"shop.example":{"app":"shop"},"web.example":{"app":"web"}}"#
        };
        let source: SourceSettings = serde_json::from_str(&format!(
            r#"{{"name":"speed","format":"{format}","owner":{{"tenants":["acme"],{owner}}}}}"#
        ))?;
        let counting = Counting::new(Recorder::new(Options::default())?);
        let intake = counting.intake(&source);
        let lines: Vec<String> = (0..LINES).map(prepare).collect();
        let pieces: Vec<String> = lines.chunks(PIECE).map(<[String]>::concat).collect();
        let start = processor_time();
        let mut given = 0;
        for piece in pieces.iter().cycle() {
            intake.lines(piece.as_bytes());
            given += PIECE;
            if given >= entries {
                break;
            }
        }
        counting.flush(Timestamp(0), &mut BTreeMap::new(), false);
        let took = processor_time() - start;
        let counted: u64 = counting.stats().iter().map(|(_, stats)| stats.counted).sum();
        writeln!(
            io::stdout(),
            "{name}: {counted} of {given} entries counted, {:.0} per CPU-second, {} bytes a line",
            given as f64 / took.as_secs_f64(),
            pieces.iter().map(String::len).sum::<usize>() / lines.len(),
        )?;
    }
    Ok(())
}

fn nginx(number: u64) -> String {
    let host = if number.is_multiple_of(2) { "shop" } else { "web" };
    format!(
        "{{\"time\":\"2026-11-23T15:14:45+00:00\",\"remote_addr\":\"192.0.2.{}\",\"host\":\"{host}.example\",\
         \"request_method\":\"GET\",\"request_uri\":\"/users/{number}/orders?page=2\",\"status\":\"{}\",\
         \"request_time\":\"0.{:03}\",\"body_bytes_sent\":\"{}\",\"request_length\":\"387\",\
         \"upstream_response_time\":\"0.011\",\"http_user_agent\":\"Mozilla/5.0 (X11; Linux x86_64)\"}}\n",
        number % 250,
        code(number),
        number * 7 % 400,
        number * 31 % 20_000,
    )
}

fn envoy(number: u64) -> String {
    format!(
        "{{\"authority\":\"shop.example\",\"bytes_received\":12,\"bytes_sent\":{},\"duration\":{},\
         \"method\":\"POST\",\"path\":\"/users/{number}/pay\",\"protocol\":\"HTTP/2\",\"response_code\":{},\
         \"response_flags\":\"-\",\"route_name\":\"default\",\"start_time\":\"2026-11-23T11:30:03.123Z\",\
         \"upstream_cluster\":\"outbound|80||shop.acme.svc.cluster.local\",\
         \"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64)\",\
         \"request_id\":\"0f3a2f5e-6b0e-4c6e-9c1a-0123456789ab\"}}\n",
        number * 31 % 20_000,
        number * 7 % 400,
        code(number),
    )
}

fn combined(number: u64) -> String {
    format!(
        "192.0.2.{} - - [23/Nov/2026:15:14:57 +0000] \"GET /users/{number}/orders?page=2 HTTP/1.1\" {} {} \
         \"https://shop.example/\" \"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\" 0.{:03}\n",
        number % 250,
        code(number),
        number * 31 % 20_000,
        number * 7 % 400,
    )
}

fn code(number: u64) -> u16 {
    if number.is_multiple_of(50) { 503 } else { 200 }
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
