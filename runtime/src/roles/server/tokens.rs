//! The clients that a server knows by their tokens.

use crate::error::PeerFault;
use crate::protocol::token::{Token, TokenHash};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of a client's name at most.
const MAX_NAME: usize = 64;

/// Names of clients by the hashes of their tokens.
#[derive(Clone, Debug, Default)]
pub struct Tokens(HashMap<TokenHash, Arc<str>>);

impl Tokens {
    /// Of a text with a line `NAME HASH` for each client; empty lines and those that begin with `#` say nothing. A client may have
    /// several tokens.
    ///
    /// # Errors
    /// The number of the first line that is none such, counted from 1, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = HashMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let mut words = line.split_whitespace();
            let (name, hash) = match (words.next(), words.next(), words.next()) {
                (None, ..) => continue,
                (Some(word), ..) if word.starts_with('#') => continue,
                (Some(name), Some(hash), None)
                    if name.len() <= MAX_NAME && !name.contains(char::is_control) =>
                {
                    (name, hash)
                }
                _ => return Err(format!("line {number} is no NAME of up to {MAX_NAME} bytes and HASH")),
            };
            let hash = hash.parse().map_err(|what| format!("line {number}: {what}"))?;
            if tokens.insert(hash, name.into()).is_some_and(|other: Arc<str>| &*other != name) {
                return Err(format!("line {number}: another client has this hash"));
            }
        }
        Ok(Self(tokens))
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// [`PeerFault::Untrusted`]: there is none, or it is nobody's.
    pub fn client(&self, token: Option<&Token>) -> Result<Arc<str>, PeerFault> {
        let untrusted = |what: &str| PeerFault::Untrusted(what.into());
        let token = token.ok_or_else(|| untrusted("it shows no token"))?;
        self.0.get(&token.hash()).cloned().ok_or_else(|| untrusted("its token is not known"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_known_by_their_tokens() {
        let [ours, theirs, unknown] = [1, 2, 3].map(|byte| Token::from_bytes([byte; 32]));
        let text = format!("# clients\nalice {}\n\n bob\t{} \r\n", ours.hash(), theirs.hash());
        let tokens = Tokens::parse(&text).unwrap();
        assert_eq!(&*tokens.client(Some(&ours)).unwrap(), "alice");
        assert_eq!(&*tokens.client(Some(&theirs)).unwrap(), "bob");
        let refused = |token| tokens.client(token).unwrap_err().to_string();
        assert!(refused(Some(&unknown)).contains("not known") && refused(None).contains("no token"));
        for bad in
            ["alice", "alice 12", &format!("a b {}", ours.hash()), &format!("{text}eve {}", ours.hash())]
        {
            assert!(Tokens::parse(bad).unwrap_err().starts_with("line "), "{bad}");
        }
    }
}
