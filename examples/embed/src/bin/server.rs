//! A server application: `server PLAN [ADDRESS]`, until standard input ends.

use popcorn::{Plan, Server};
use std::error::Error;
use std::net::TcpListener;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (plan, address) = match &arguments[..] {
        [plan] => (plan, "127.0.0.1:0"),
        [plan, address] => (plan, address.as_str()),
        _ => return Err("usage: server PLAN [ADDRESS]".into()),
    };
    let server = Server::builder(Plan::read(Path::new(plan))?)
        .max_clients(4)
        .departed(|departure| eprintln!("{departure:?}"))
        .build()?;
    let running = server.start(TcpListener::bind(address)?)?;
    println!("{}", running.address());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(()) // dropping `running` lets nobody else in
}
