//! Suite `shared`: Paillier before the image is known, secret sharing afterwards; no value leaks.
//!
//! A value is shared: its elements are sums of a number of the client's and a number of the server's in a
//! [`Ring`](crate::plan::Ring). What must be computed under encryption depends on random masks alone, so that it is
//! done ahead:
//!
//! * [`linear`]: shares of a linear layer applied to a mask of the client's; [`tiles`]: the layer as weighted sums of
//!   ciphertexts that hold many pixels each;
//! * [`groups`]: which masks are tested together before anything is computed from them; [`randomisers`]: what hides the
//!   weights in what comes back.
//!
//! Activations take correlations that were made ahead ([`crate::ot::Supply`]) and a few flights for all values of a
//! layer:
//!
//! * [`activation`]: how a step is done, and by which protocol;
//! * [`relu`]: ReLU and exact truncation, from carries (`carry_tree`, `carry_trees`, `tree_shape`, `compare`); [`truncate`] without ReLU; [`sign`];
//!   [`max_pool`]; [`arg_max`]; [`multiply`];
//! * [`party`]: a party to a whole inference, and the products of shared bits and numbers that these are made of;
//! * [`message_schedule`], `dialogue`: who sends when; [`together`]: several inferences in the same flights; [`online_messages`]: what is sent in all; [`cost`]: what that costs;
//!   [`errors`]: what statistical errors add up to.
//!
//! * [`grant`]: whether the server prepares what it is asked to;
//! * [`keeping`]: how inferences that are prepared get into both parties' stores, and out again.
//!
//! The order of everything is the business of [`crate::roles`].

pub mod activation;
pub mod arg_max;
mod carry_tree;
mod carry_trees;
mod compare;
pub mod cost;
mod dialogue;
pub mod errors;
pub mod grant;
pub mod groups;
pub mod keeping;
pub mod linear;
pub mod max_pool;
pub mod message_schedule;
pub mod multiply;
pub mod online_messages;
pub mod party;
pub mod randomisers;
pub mod relu;
#[cfg(test)]
mod secrecy;
pub mod sign;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod tiles;
pub mod together;
mod tree_shape;
pub mod truncate;
#[cfg(test)]
mod vectors;
