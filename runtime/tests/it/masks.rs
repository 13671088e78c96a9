//! What a client of suite `shared` sends for masks must be encryptions, and proved to be: a lie ends the session with a typed
//! error before any product.

use crate::support::shared::{Choices, shared};
use crate::support::{KEY, every_operation, valid};
use rug::Integer;
use rug::integer::Order;
use runtime::channel::{Connection, Limit, memory};
use runtime::error::{Error, PeerFault, Result};
use runtime::observe::Silent;
use runtime::ot::{Extensions, Role, Supply, setup};
use runtime::paillier::{Answer, Challenge, Exponents, NotAMember, Prover, SecureRng};
use runtime::plan::{Schedule, ValidPlan, Work, codec};
use runtime::protocol::hello::Hello;
use runtime::protocol::message::{self, Deferred, Message};
use runtime::protocol::shared::grant::{self, Grant};
use runtime::protocol::shared::groups::Group;
use runtime::protocol::shared::linear::Packed;
use runtime::protocol::shared::online_messages;
use runtime::roles::server::Server;
use std::thread;

const CIPHERTEXT: usize = 128;

/// Where a client may lie: about the first ciphertext, the commitment, the proof.
struct Lie {
    ciphertext: fn(&mut [u8]),
    commitment: fn(&mut [u8; 32]),
    proof: fn(&mut Vec<u8>),
}

const HONEST: Lie = Lie { ciphertext: |_| (), commitment: |_| (), proof: |_| () };

/// All that was said about a group.
struct Said {
    masks: Vec<Vec<u8>>,
    commitment: [u8; 32],
    proof: Vec<u8>,
}

fn plan() -> ValidPlan {
    valid(shared(every_operation(), &mut Choices(vec![0, 1, 19, 2, 3])))
}

fn schedule(plan: &ValidPlan) -> &Schedule {
    match &plan.client_view().work {
        Work::Schedule(schedule) => schedule,
        Work::Exchanges(_) => panic!("a plan of suite shared"),
    }
}

/// Asks for a preparation, which is granted.
fn ask(connection: &mut Connection) -> Result<()> {
    message::send_count(connection, Message::Prepare, 1)?;
    let grant = message::receive(connection, Message::Grant, Limit::AtMost(grant::MOST_BYTES))?;
    assert_eq!(Grant::from_bytes(&grant).expect("a grant"), Grant::Given);
    Ok(())
}

/// A client that does what it likes.
struct Client<'a> {
    connection: &'a mut Connection,
    schedule: &'a Schedule,
    extensions: Extensions,
}

impl<'a> Client<'a> {
    /// Everything before the masks.
    fn begin(connection: &'a mut Connection, schedule: &'a Schedule) -> Result<Self> {
        message::send(connection, Message::Hello, &**Hello::default().to_bytes())?;
        message::receive(connection, Message::Welcome, Limit::AtMost(codec::MAX_VIEW_BYTES + 26))?;
        message::send(connection, Message::Key, KEY.public().to_bytes())?;
        ask(connection)?;
        let (field, mut rng) = (schedule.parameters.transfers, SecureRng::from_os()?);
        let extensions = setup::client(connection, &KEY, field, &mut Deferred::default(), &mut rng)?;
        let mut client = Self { connection, schedule, extensions };
        client.transfer()?;
        Ok(client)
    }

    fn transfer(&mut self) -> Result<()> {
        let batches = online_messages::batches(&online_messages::communication(self.schedule));
        Supply::prepare(self.connection, Role::Client, &mut self.extensions, &batches).map(drop)
    }

    fn prepare_again(&mut self) -> Result<()> {
        ask(self.connection)?;
        self.transfer()
    }

    /// The first group of masks with its proof; then the first product.
    fn offer(&mut self, lie: &Lie) -> Result<Said> {
        let mut rng = SecureRng::from_os()?;
        let (mut exponents, mut masks) = (Exponents::default(), Vec::new());
        for (_, packed) in Group::all(self.schedule)[0].steps() {
            let plaintexts = vec![Integer::from(3); packed.masks()];
            let provable = KEY.encrypt_provably(&plaintexts, &mut rng).expect("small numbers");
            exponents.append(provable.exponents);
            masks.push(provable.ciphertexts.to_bytes(KEY.public()));
        }
        (lie.ciphertext)(&mut masks[0][..CIPHERTEXT]);
        let (prover, commitment) = Prover::commit(&KEY, exponents, &mut rng);
        let mut commitment = commitment.to_bytes();
        (lie.commitment)(&mut commitment);
        let challenge = self.commit(&masks, commitment)?;
        let mut proof = prover.answer(challenge).to_bytes(KEY.public().bits());
        (lie.proof)(&mut proof);
        self.prove(&proof)?;
        Ok(Said { masks, commitment, proof })
    }

    fn commit(&mut self, masks: &[Vec<u8>], commitment: [u8; 32]) -> Result<Challenge> {
        for mask in masks {
            message::send(self.connection, Message::Mask, mask)?;
        }
        message::send(self.connection, Message::Commitment, &commitment)?;
        let challenge = message::receive(self.connection, Message::Challenge, Limit::Exactly(32))?;
        Ok(Challenge::from_bytes(challenge.try_into().expect("32 bytes")))
    }

    /// Sends the proof and waits for the first product.
    fn prove(&mut self, proof: &[u8]) -> Result<()> {
        message::send(self.connection, Message::Proof, proof)?;
        self.receive_product()
    }

    /// Everything before the masked bits, and their length.
    fn prepare_honestly(&mut self) -> Result<(Said, usize)> {
        let said = self.offer(&HONEST)?;
        for _ in 1..Packed::all(self.schedule).len() {
            self.receive_product()?;
        }
        let told = online_messages::told_ahead(&online_messages::communication(self.schedule));
        Ok((said, told as usize))
    }

    fn receive_product(&mut self) -> Result<()> {
        message::receive(self.connection, Message::Product, Limit::AtMost(1 << 20)).map(drop)
    }
}

/// What the server says of a client that does `act` after everything that comes before the masks; what `act` gives.
fn served<R>(act: impl FnOnce(&mut Client<'_>) -> R) -> (Result<u64>, R) {
    let (ours, theirs) = memory::pair();
    let plan = plan();
    let server = Server::new(plan.clone());
    let connect = |end| Connection::new(end, None).expect("a thread");
    thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(connect(theirs), &mut Silent));
        let mut connection = connect(ours);
        let result = act(&mut Client::begin(&mut connection, schedule(&plan)).expect("nothing wrong yet"));
        drop(connection);
        (serving.join().expect("no panic"), result)
    })
}

fn refused(lie: &Lie) -> PeerFault {
    let (error, offered) = served(|client| {
        let offered = client.offer(lie).map(drop);
        offered.map_err(|error| message::refused_or(client.connection, error))
    });
    assert!(matches!(offered, Err(Error::Refused(_))), "{:?}", offered.err());
    match error {
        Err(Error::PeerMisbehaved(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_honest_client_has_its_product() {
    let (_, offered) = served(|client| client.offer(&HONEST).map(drop));
    offered.expect("a product");
}

fn write(ciphertext: &mut [u8], number: &Integer) {
    ciphertext.fill(0);
    number.write_digits(ciphertext, Order::Msf);
}

fn negate(ciphertext: &mut [u8]) {
    let negated = KEY.public().modulus_squared() - Integer::from_digits(ciphertext, Order::Msf);
    write(ciphertext, &negated);
}

fn replace(ciphertext: &mut [u8]) {
    let number = SecureRng::from_os().expect("randomness").unit_below(KEY.public().modulus_squared());
    write(ciphertext, &number);
}

#[test]
fn masks_that_are_no_encryptions_are_refused() {
    for ciphertext in [negate as fn(&mut [u8]), replace, |ciphertext| write(ciphertext, &Integer::from(2))] {
        let fault = refused(&Lie { ciphertext, ..HONEST });
        assert!(matches!(fault, PeerFault::Unproved(NotAMember::Unproved)), "{fault}");
    }
    let no_unit = |ciphertext: &mut [u8]| write(ciphertext, KEY.public().modulus());
    let fault = refused(&Lie { ciphertext: no_unit, ..HONEST });
    assert!(matches!(fault, PeerFault::Ciphertext { message: "mask", .. }), "{fault}");
}

#[test]
fn other_commitments_and_proofs_are_refused() {
    let fault = refused(&Lie { commitment: |commitment| commitment[0] ^= 1, ..HONEST });
    assert!(matches!(fault, PeerFault::Unproved(NotAMember::Unproved)), "{fault}");
    let fault = refused(&Lie { proof: |proof| proof[Answer::bytes(KEY.public().bits()) - 1] ^= 1, ..HONEST });
    assert!(matches!(fault, PeerFault::Unproved(NotAMember::Unproved)), "{fault}");
    let fault = refused(&Lie { proof: |proof| proof.fill(0xff), ..HONEST });
    assert!(matches!(fault, PeerFault::Unproved(NotAMember::TooLong(0))), "{fault}");
    let fault = refused(&Lie { proof: |proof| proof.truncate(100), ..HONEST });
    assert!(matches!(fault, PeerFault::WrongLength { message: "proof", got: 100, .. }), "{fault}");
}

/// What was proved once, said again, meets another challenge.
#[test]
fn what_was_said_before_is_refused() {
    let (error, again) = served(|client| {
        let (Said { masks, commitment, proof }, length) = client.prepare_honestly().expect("products");
        message::send(client.connection, Message::MaskedBits, vec![0; length]).expect("an open connection");
        client.prepare_again().expect("transfers");
        client.commit(&masks, commitment).expect("a challenge");
        client.prove(&proof)
    });
    let unproved = PeerFault::Unproved(NotAMember::Unproved).to_string();
    let error = error.expect_err("an error");
    assert!(error.to_string().contains(&unproved), "{error}");
    assert!(matches!(again, Err(Error::Refused(_))), "{:?}", again.err());
}

#[test]
fn masked_bits_of_another_length_are_refused() {
    for more in [-1, 1] {
        let (error, length) = served(|client| {
            let (_, length) = client.prepare_honestly().expect("products");
            let other = vec![0; length.saturating_add_signed(more)];
            // The server may hang up before all is taken.
            let _ = message::send(client.connection, Message::MaskedBits, other);
            length as u64
        });
        let got = length.saturating_add_signed(more as i64);
        let expected = PeerFault::WrongLength { message: "masked bits", expected: length, got };
        assert_eq!(error.expect_err("an error").to_string(), Error::from(expected).to_string());
    }
    let (error, ()) = served(|client| {
        client.prepare_honestly().expect("products");
        let _ = message::send_count(client.connection, Message::Infer, 1);
    });
    assert!(matches!(
        error,
        Err(Error::PeerMisbehaved(PeerFault::WrongMessage { expected: "masked bits", .. }))
    ));
}

#[test]
fn a_client_without_a_proof_is_waited_for() {
    let (error, ()) = served(|client| {
        let groups = Group::all(client.schedule);
        let masks: Vec<_> =
            groups[0].steps().map(|(_, packed)| vec![1; packed.masks() * CIPHERTEXT]).collect();
        client.commit(&masks, [0; 32]).expect("a challenge");
    });
    assert!(matches!(error, Err(Error::PeerMisbehaved(PeerFault::HungUp("proof")))), "{error:?}");
}
