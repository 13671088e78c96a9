//! The server, a process of its own, which tells all that it sees line by line on its standard output; and how it is started.

use crate::event::Event;
use crate::journal::{Journal, Party};
use crate::tap::{Told, tap};
use popcorn::watch::{Caller, Done, PhaseReport, Session};
use popcorn::{Plan, Server, ServerObserver};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

/// Serves a plan on a port of this machine until standard input ends.
pub(crate) fn serve(plan: &str) -> Result<(), Box<dyn Error>> {
    let plan = Plan::read(Path::new(plan))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    print(&Event::Listening {
        address: listener.local_addr()?.to_string(),
        plan: plan.id().to_string(),
        name: plan.plan().name.clone(),
    });
    let server = Server::builder(plan).observer(Teller).build()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = server.clone();
            thread::spawn(move || attend(&server, stream));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn attend(server: &Server, stream: TcpStream) {
    let peer = stream.peer_addr().map_or_else(|error| error.to_string(), |peer| peer.to_string());
    print(&Event::Connected { peer });
    let told: Told = Arc::new(|event| print(&event));
    let ended = tap(stream, &told).map_err(popcorn_error).and_then(|transport| server.attend(transport));
    let how = ended.map_or_else(|error| error.to_string(), |images| format!("closed after {images} images"));
    print(&Event::Ended { how });
}

fn popcorn_error(error: io::Error) -> popcorn::Error {
    popcorn::Error::io("cannot set the socket's options", error)
}

/// Says what was done for clients, which is all that a server is told.
struct Teller;

impl ServerObserver for Teller {
    fn admitted(&self, _: &Caller, session: Session) {
        print(&Event::Did { what: format!("let a client in: session {}", session.number) });
    }

    fn did(&self, _: &Caller, _: Session, phase: &PhaseReport) {
        let of = |count, thing: &str| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
        let what = match phase.done {
            Done::Prepared(count) => {
                format!("prepared {}, before there was an image", of(count, "inference"))
            }
            Done::Answered(count) => format!("answered {}, without seeing any", of(count, "image")),
            Done::Kept(count) => format!("kept {}", of(count, "prepared inference")),
            Done::Taken(count) => format!("took {}", of(count, "prepared inference")),
        };
        print(&Event::Did { what });
    }
}

/// A line for whoever has started this process; if nobody reads, standard input ends, too.
fn print(event: &Event) {
    let line = serde_json::to_string(event).unwrap_or_default();
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// The server's process. It ends with this one: its standard input does.
pub(crate) struct Child {
    address: String,
    /// Kept open.
    _input: std::process::ChildStdin,
}

impl Child {
    /// Starts it; all that it tells goes into the journal.
    ///
    /// # Errors
    /// It cannot be started, or cannot serve the plan.
    pub(crate) fn start(plan: &str, journal: &Arc<Journal>) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", plan])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("the server has no input or output".into());
        };
        let mut lines = BufReader::new(output).lines();
        let first = lines.next().ok_or("the server has not started")??;
        let first: Event = serde_json::from_str(&first)?;
        let Event::Listening { address, .. } = &first else {
            return Err("the server does not listen".into());
        };
        let address = address.clone();
        journal.add(Party::Server, first);
        let journal = Arc::clone(journal);
        thread::spawn(move || {
            let events = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
            events.for_each(|event| journal.add(Party::Server, event));
            let _ = process.wait();
            journal.add(Party::Server, Event::Ended { how: "the server's process has ended".into() });
        });
        Ok(Self { address, _input: input })
    }

    /// Where it is reached.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}
