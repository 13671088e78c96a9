//! `popcorn token`: what a client shows so that it is let in.

use super::output;
use clap::Args;
use runtime::error::InvalidInput;
use runtime::files::{read_private, write_private};
use runtime::paillier::SecureRng;
use runtime::{Result, Token as Secret};
use std::path::{Path, PathBuf};

/// Bytes of a file with a token and white space.
const MAX_BYTES: u64 = 256;

/// Make a token for a client, by which `popcorn serve --tokens` knows it
///
/// Writes the token, 64 hexadecimal digits, to a file that its owner alone may read, for the client to keep (`popcorn infer
/// --token-file`), and prints the line for the server's file of tokens: the client's name and a hash, which is no secret.
#[derive(Args)]
#[command(after_help = "Examples:
  popcorn token alice -o alice.token >> tokens.txt
  popcorn serve model.plan --listen 0.0.0.0:7000 --tls-cert server.crt --tls-key server.key --tokens tokens.txt
  popcorn infer --connect inference.example.com:7000 --tls --token-file alice.token --input digit.png")]
pub(crate) struct Token {
    /// What the server calls the client, in its log and its budgets
    #[arg(value_parser = parse_name)]
    name: String,
    /// Where to write the token; a file that is there stays
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Token {
    pub(crate) fn run(self) -> Result<()> {
        let mut bytes = [0; 32];
        SecureRng::from_os()?.fill(&mut bytes);
        let token = Secret::from_bytes(bytes);
        write_private(&self.output, token.reveal().as_bytes())?;
        output::print(&format!("{} {}\n", self.name, token.hash()))
    }
}

/// The token in the file at `path`.
///
/// # Errors
/// It cannot be read, others may read it, or it is no token.
pub(crate) fn read(path: &Path) -> Result<Secret> {
    let bytes = read_private(path, MAX_BYTES)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let token = text.trim().parse::<Secret>();
    Ok(token.map_err(|what| InvalidInput::file(path, what))?)
}

fn parse_name(text: &str) -> std::result::Result<String, &'static str> {
    let is_plain = |c: char| c.is_ascii_graphic() && c != '#';
    match text.len() {
        1..=64 if text.chars().all(is_plain) => Ok(text.into()),
        _ => Err("a client's name has 1 to 64 letters, digits and signs of ASCII, without blanks and #"),
    }
}
