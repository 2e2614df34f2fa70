//! What counting requests costs: notes many of a number of kinds, and writes the totals each tick.
//!
//! `cargo run --release -p requests --example cost -- [KINDS] [REQUESTS_PER_TICK] [TICKS]`

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    time::Duration,
};

use model::{tenant::TenantId, time::Timestamp, write::WriteBatch};
use requests::{
    entry::Entry,
    log::{Fields, Format, LogLine, Owner},
    recorder::{Options, Recorder},
};

const LINE: &str = r#"{"authority":"shop.example","bytes_received":0,"bytes_sent":1234,"duration":5,"method":"POST","path":"/users/42/pay","protocol":"HTTP/2","response_code":200,"response_flags":"-","route_name":"-","start_time":"2026-11-23T11:30:03.123Z","upstream_cluster":"outbound|80||shop.acme.svc.cluster.local","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101","request_id":"0f3a2f5e-6b0e-4c6e-9c1a-0123456789ab"}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next =
        |default: usize| arguments.next().map_or(Ok(default), |text| text.parse::<usize>());
    let (kinds, requests, ticks) = (next(1000)?, next(100_000)?, next(20)?);
    let mut recorder = Recorder::new(Options { kinds_max: kinds, ..Options::default() })?;
    let apps: Vec<String> = (0..kinds).map(|number| format!("app-{number:04}")).collect();
    let mut batches: BTreeMap<TenantId, WriteBatch> = BTreeMap::new();
    let (mut record, mut write, mut series) = (Duration::ZERO, Duration::ZERO, 0);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for tick in 0..ticks {
        let start = processor_time();
        for _ in 0..requests {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let app = &apps[usize::try_from(random % 7919)? % kinds];
            let code = if random & 0xff00 == 0 { 503 } else { 200 };
            recorder.record(&Entry {
                tenant: "customer-42",
                app,
                component: "web",
                instance: "web-5d8f6c7b9-x2x4z",
                route: "/users/:id/orders",
                method: "GET",
                code,
                duration_micros: Some(500 + (random >> 20) % 50_000),
                request_bytes: Some(100),
                response_bytes: Some(2000),
                connection: false,
            });
        }
        let middle = processor_time();
        batches.values_mut().for_each(WriteBatch::clear);
        series = recorder.flush(Timestamp(i64::try_from(tick)? * 1000), &mut batches).series;
        record += middle - start;
        write += processor_time() - middle;
    }
    let start = processor_time();
    let (mut codes, mut class, fields) = (0, String::new(), Fields::default());
    for _ in 0..requests {
        let line = LogLine::parse(LINE, Format::Json, &fields)?;
        let route = line.route(&mut class);
        codes += u64::from(line.entry(Owner::default(), route).code);
    }
    let parse = processor_time() - start;
    let count = (requests * ticks) as f64;
    writeln!(
        io::stdout(),
        "{kinds} kinds, {requests} requests per tick: {:.0} ns per request to count it, {:.0} ns to \
         parse its JSON line (status {}); {:.2} ms per tick to write {series} series",
        record.as_nanos() as f64 / count,
        parse.as_nanos() as f64 / requests as f64,
        codes / requests as u64,
        write.as_secs_f64() * 1e3 / ticks as f64,
    )?;
    Ok(())
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
