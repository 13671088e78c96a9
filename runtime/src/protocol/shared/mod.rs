//! Suite `shared`: Paillier before the input is known, secret sharing afterwards; nothing leaks.
//!
//! A tensor between layers is shared: its elements are sums of a number of the client's and a number of the
//! server's in a [`ring`]. What must be computed under encryption depends on random masks alone, so that it
//! is done ahead:
//!
//! * [`product`]: shares of a linear layer applied to a mask of the client's;
//! * [`tiles`]: the layer as weighted sums of ciphertexts that hold many pixels each.

pub mod product;
pub mod ring;
pub mod tiles;
