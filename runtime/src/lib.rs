//! Popcorn's runtime: executes a compiled plan between a client, who holds an image and a Paillier
//! key, and a server, who holds the weights of a neural network.
//!
//! # In an application
//!
//! ```
//! use runtime::{Client, ClientKey, KeyBits, Plan, Server};
//! use std::{net::TcpListener, path::Path, time::Duration};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The company, with a plan from `popcornc compile`:
//! let plan = Plan::read(Path::new("../testdata/mnist-mlp.plan"))?;
//! let expected = plan.id();
//! let server = Server::builder(plan).max_clients(4).build()?;
//! let running = server.start(TcpListener::bind("127.0.0.1:0")?)?;
//!
//! // The customer, on another machine:
//! let key = ClientKey::generate(KeyBits::default())?;
//! let mut client = Client::connect(running.address().to_string())
//!     .key(key)
//!     .plan(expected)
//!     .timeout(Duration::from_secs(60))
//!     .open()?;
//! client.prepare(1)?; // what does not depend on the image
//! let image = vec![0.0; client.plan().input.shape.elements()];
//! let prediction = client.infer(&image)?;
//! println!("class {}, logits {:?}", prediction.label(), prediction.logits);
//! # assert_eq!(prediction.logits.len(), 10);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/embed` has whole programs. The names at the root are for applications; they own what they need and are
//! `Send`.
//!
//! # Features
//!
//! | feature | what it brings |
//! |---|---|
//! | `images` (default) | images from PNG, JPEG, `.npy` and `.npz` files; without it applications bring pixels |
//! | `cli` (default) | the program `popcorn`; libraries leave it out |
//! | `admin` | how a server stands, for operators over HTTP: health, readiness, metrics |
//! | `bench` | measurements, profiles of machines, predictions by them |
//! | `passphrase` | key files that are encrypted with a passphrase |
//! | `store` | prepared inferences that are kept on disk between sessions |
//! | `tls` | TLS 1.3 between the parties |
//! | `cross` | builds GMP for another kind of processor than the one that builds it |
//! | `insecure-test-keys` | keys that anybody can break, for quick tests; never in a program |
//!
//! # Inside
//!
//! The modules are for the programs `popcorn` and `popcornc`, and for who reads the code; they may change with every
//! version. They are layers, lowest first; each uses only those above it in this list:
//!
//! * [`plan`]: the compiled program, its bytes, its text, and the client's view of it;
//! * [`paillier`]: keys, ciphertexts and the kernels on them;
//! * [`store`]: halves of prepared inferences, kept between sessions;
//! * [`data`]: images from files;
//! * [`channel`]: framed, counted messages over any stream;
//! * [`message`]: every message of a session, and refusals;
//! * `console`: what the programs say on terminals (feature `console`);
//! * [`ot`]: oblivious transfer, on which suite `shared` rests;
//! * [`protocol`]: the interactive protocols;
//! * [`cost`]: what plans take before anything runs, from counts of the protocols;
//! * [`roles`]: client, server, both in one process, and the plan interpreter without cryptography;
//! * `app`: what an application holds, and what the root exports;
//! * `admin`: how a server stands, for operators (feature `admin`);
//! * [`mod@bench`]: how fast all that is here, beside baselines;
//! * [`mod@report`]: a plan as a page for people, with what it takes (feature `report`).
//!
//! [`error`] says who is to blame when something fails, [`observe`] reports bytes, rounds and time.

#[cfg(feature = "admin")]
pub mod admin;
mod app;
#[cfg(feature = "bench")]
pub mod bench;
pub mod channel;
#[cfg(feature = "console")]
pub mod console;
pub mod cost;
#[cfg(feature = "images")]
pub mod data;
pub mod error;
pub mod files;
mod hardening;
pub mod message;
pub mod observe;
pub mod ot;
pub mod paillier;
pub mod plan;
pub mod protocol;
#[cfg(feature = "report")]
pub mod report;
pub mod roles;
pub mod store;
#[cfg(test)]
mod testing;

pub use app::{Client, ClientBuilder, ClientKey, Drained, Running, Server, ServerBuilder};
pub use channel::CancellationToken;
pub use error::{Error, Result};
#[cfg(feature = "passphrase")]
pub use files::Passphrase;
pub use hardening::harden_process;
pub use observe::Observer;
pub use paillier::wipe_freed_numbers;
pub use plan::{KeyBits, PlanId, PlanName, ValidPlan as Plan};
pub use protocol::token::Token;
pub use roles::client::Prediction;
pub use roles::hall::Standing;
pub use roles::watch::{self, Departure, ServerObserver};
#[cfg(feature = "store")]
pub use store::Store;
