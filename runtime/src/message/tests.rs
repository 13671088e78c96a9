use super::*;
use crate::ot::testing::{Memory, together};

#[test]
fn tags_are_apart_and_known() {
    for (place, message) in Message::ALL.iter().copied().enumerate() {
        assert_eq!(Message::from_tag(message as u8), Some(message));
        assert!(Message::ALL[..place].iter().all(|other| other.name() != message.name()));
    }
    assert_eq!(Message::from_tag(0), None);
}

#[test]
fn the_wire_format_names_all_messages_and_who_sends_them() {
    let text = include_str!("WIRE.md");
    for message in Message::ALL.iter().copied() {
        let senders = match message.listener() {
            Role::Client => &["S"][..],
            Role::Server => &["C", "both"],
        };
        let row = |from: &&str| text.contains(&format!("\n| {} | {message:?} | {from} | ", message as u8));
        assert!(senders.iter().any(row), "{message:?}");
    }
}

fn received(at: Role, message: Message, hostile: impl FnOnce(&mut Memory) + Send) -> Error {
    together(hostile, |c| receive_at(c, at, message, Limit::Exactly(10)).unwrap_err()).1
}

#[test]
fn the_client_hears_a_refusal_in_place_of_any_message() {
    for message in Message::ALL.iter().copied().filter(|&message| message != Message::Refusal) {
        let refusing = |c: &mut Memory| refuse(c, "no more").unwrap();
        let error = received(Role::Client, message, refusing);
        assert!(matches!(error, Error::Refused(reason) if reason == "no more"));
        let error = received(Role::Server, message, refusing);
        assert!(matches!(error, Error::PeerMisbehaved(PeerFault::WrongMessage { .. })));
    }
}

#[test]
fn hostile_frames_end_with_a_typed_error() {
    let fault =
        |hostile: &(dyn Fn(&mut Memory) + Sync)| match received(Role::Client, Message::Flight, hostile) {
            Error::PeerMisbehaved(fault) => fault,
            other => panic!("a fault of the peer's, not {other:?}"),
        };
    let wrong = fault(&|c| send(c, Message::Corrections, &[0; 10]).unwrap());
    assert!(matches!(wrong, PeerFault::WrongMessage { expected: "flight", .. }));
    assert!(matches!(fault(&|c| drop(c.begin(99, "?", 10))), PeerFault::WrongMessage { .. }));
    for length in [0, 9, 11, u64::MAX] {
        let fault = fault(&|c| drop(begin(c, Message::Flight, length)));
        assert!(matches!(fault, PeerFault::WrongLength { expected: 10, got, .. } if got == length));
    }
    assert!(matches!(fault(&|_| ()), PeerFault::HungUp("flight")));
    let hung_up = fault(&|c| {
        let mut frame = begin(c, Message::Flight, 10).unwrap();
        c.push(&mut frame, vec![0; 9]).unwrap();
    });
    assert!(matches!(hung_up, PeerFault::HungUp("flight")));
}
