//! One row per message: its number, its word in errors, and who waits for it.

use super::Role;

/// Makes the enumeration and what is known of each of its rows.
macro_rules! messages {
    ($($(#[$doc:meta])* $message:ident = $tag:literal, $name:literal, $listener:expr;)*) => {
        /// The kinds of message; the frame's body is described with each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message {
            $($(#[$doc])* $message = $tag,)*
        }

        impl Message {
            #[cfg(test)]
            pub(super) const ALL: &[Message] = &[$(Message::$message),*];

            /// The word for this message in errors.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Message::$message => $name,)*
                }
            }

            /// Who waits for it; the server, if it goes both ways ([`super::receive_at`]).
            pub(super) const fn listener(self) -> Role {
                match self {
                    $(Message::$message => $listener,)*
                }
            }

            /// The message whose frames have this tag.
            pub const fn from_tag(tag: u8) -> Option<Self> {
                match tag {
                    $($tag => Some(Message::$message),)*
                    _ => None,
                }
            }
        }
    };
}

messages! {
    /// Client → server: [`crate::protocol::hello::Hello`], at most 102 bytes.
    Hello = 1, "hello", Role::Server;
    /// Server → client: [`crate::protocol::hello::Welcome`], 42 bytes and the client view's bytes.
    Welcome = 2, "welcome", Role::Client;
    /// Server → client, in place of any of its messages: why it ends the session; UTF-8, at most 1024 bytes.
    Refusal = 3, "refusal", Role::Client;
    /// Client → server: [`crate::paillier::PublicKey::to_bytes`], 3·|N|/8 bytes.
    Key = 4, "key", Role::Server;
    /// Client → server: Enc(x), one ciphertext per element of the input, row-major.
    Input = 5, "input", Role::Server;
    /// Server → client: packed blinded values of one exchange, as many ciphertexts as [`crate::plan::Exchange::packed_ciphertexts`].
    Question = 6, "question", Role::Client;
    /// Client → server: its answers, as many ciphertexts as [`crate::plan::Exchange::reply_ciphertexts`].
    Answer = 7, "answer", Role::Server;
    /// Server → client: packed logits, as many ciphertexts as [`crate::plan::Reveal::ciphertexts`].
    Logits = 8, "logits", Role::Client;
    /// Client → server, suite `shared`: prepare so many inferences together, one byte, and their names, 32 bytes each, or none
    /// ([`crate::protocol::shared::keeping`]).
    Prepare = 9, "prepare", Role::Server;
    /// Client → server: `[r]`, the packed mask of a linear step, as many ciphertexts as
    /// [`crate::protocol::shared::linear::Packed::masks`].
    Mask = 10, "mask", Role::Server;
    /// Server → client: `[v]`, as many ciphertexts as [`crate::protocol::shared::linear::Packed::products`].
    Product = 11, "product", Role::Client;
    /// Client → server, suite `shared`: so many images are there, one byte. Flights follow.
    Infer = 12, "infer", Role::Server;
    /// Client → server: [`crate::paillier::Commitment`] to a test of the masks before it, 32 bytes.
    Commitment = 13, "commitment", Role::Server;
    /// Server → client: [`crate::paillier::Challenge`], 32 bytes.
    Challenge = 14, "challenge", Role::Client;
    /// Client → server: [`crate::paillier::Answer`], [`crate::paillier::Answer::bytes`] bytes.
    Proof = 15, "proof", Role::Server;
    /// Server → client, in place of a welcome, where the client wants a list of plans: [`crate::protocol::hello::Listed`] of each.
    Plans = 16, "list of plans", Role::Client;
    /// Server → client: whether it prepares what it was asked to now, and if not, why ([`crate::protocol::shared::grant`]); at most 1025 bytes.
    Grant = 17, "grant", Role::Client;
    /// Client → server, suite `shared`: so many of the oldest inferences that are prepared leave the session for the parties' stores,
    /// one byte ([`crate::protocol::shared::keeping`]).
    Keep = 20, "number to keep", Role::Server;
    /// Server → client: of each whether it has kept the inference; one byte each.
    Kept = 21, "what is kept", Role::Client;
    /// Client → server, suite `shared`: names of inferences in the stores that the session is to have again; 32 bytes each.
    Take = 22, "names to take", Role::Server;
    /// Server → client: of each name whether the inference is there, and prepared from now on; one byte each.
    Taken = 23, "what is taken", Role::Client;
    /// Client → server: base OTs' choices, encryptions of b_i in its slot, one ciphertext each ([`crate::ot::base`]).
    BaseChoices = 64, "encrypted choices", Role::Server;
    /// Server → client: base OTs' blocks m_i,b_i in slots of 128 bits, as many to a ciphertext as fit
    /// ([`crate::ot::base`]).
    BaseMessages = 65, "packed base messages", Role::Client;
    /// Receiver → sender of OTs, once for each direction: masked sums of the trees' levels, 32 bytes for each level but
    /// the first of a tree ([`crate::ot::extension`]).
    TreeSums = 66, "sums of trees", Role::Server;
    /// Receiver → sender of OTs: c_t of all trees but the first, for up to 16 chunks of 16,384 OTs; ⌈128/k⌉ − 1 bits for
    /// an OT ([`crate::ot::extension`]).
    Corrections = 67, "corrections", Role::Server;
    /// Sender → receiver of OTs: an iteration of silent OT's corrections, 16 bytes for each level but the first of each tree
    /// ([`crate::ot::silent`]).
    SilentCorrections = 68, "corrections of correlated trees", Role::Server;
    /// Both ways, where there are some: corrections of the masks of an inference, as many bits as its batches of
    /// correlations take ([`crate::ot::masked`]).
    MaskCorrections = 69, "corrections of masks", Role::Server;
    /// Client → server, once an inference is prepared, if there are some: its masked bits of all activations behind linear steps
    /// ([`crate::protocol::shared::online_messages::told_ahead`]).
    MaskedBits = 70, "masked bits", Role::Server;
    /// Both ways in turns: all that a party has queued since its last flight ([`crate::protocol::shared`]); its length
    /// follows from the message schedule ([`crate::protocol::shared::message_schedule`]).
    Flight = 80, "flight", Role::Server;
}
