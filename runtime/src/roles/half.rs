//! One party's half of a prepared inference of suite `shared`, in memory and as bytes.
//!
//! ```text
//! format u16 · protocol u32 · 0 the client's, 1 the server's, 2 the client's with a fault in it · digest of the client's view
//! the correlations of all batches, what the client has told ahead of them (server)       ot/supply.rs
//! the masks of values that linear steps read (client), in the order of these steps
//! the shares of linear steps' results, in the same order
//! ```
//!
//! Little-endian, numbers side by side in as many bits as their rings have. All lengths follow from the schedule, so that any
//! bytes of the right length and version are a half of that view. What the client has begun ahead (`masked_bits`) is left out and begun again. Its
//! name is not in it.

use super::held::Held;
use super::online::{ByStep, Numbers};
use crate::error::{Error, InvalidInput, Result};
use crate::ot::{Reader, Role, Supply, Writer};
use crate::plan::{Ring, Schedule, StepId};
use crate::protocol::hello::PROTOCOL_VERSION;
use crate::protocol::shared::message_schedule::Communication;
use crate::protocol::shared::online_messages::{
    HALF_HEADER, batches, batches_ahead, stored_bytes, told_ahead, width,
};
use zeroize::Zeroizing;

/// Version of these bytes.
const FORMAT: u16 = 2;

/// Everything that one inference uses up at one party. Moved, never copied.
pub(super) struct Half {
    /// By which both parties know it beyond the session, if it may outlive that.
    pub(super) name: Option<Held>,
    /// The client has found a fault in what the server sent for this one, or for one before.
    pub(super) is_flawed: bool,
    pub(super) supply: Supply,
    /// The masks of values that linear steps read; none at the server.
    pub(super) masks: ByStep,
    /// Shares of the linear steps' results.
    pub(super) products: ByStep,
}

/// The plan's public part, which halves have their lengths from.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    pub(super) schedule: &'a Schedule,
    /// What is sent online, step by step.
    pub(super) online: &'a [Communication],
    /// Of the client's view, which tells the schedule from others of the same length.
    pub(super) view: &'a [u8; 32],
    pub(super) role: Role,
}

impl Half {
    /// Its bytes, as many as [`stored_bytes`].
    ///
    /// # Errors
    /// It is a half of another form, which is a defect.
    pub(super) fn to_bytes(&self, form: Form<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let length = form.length();
        let mut bytes = Writer::with_room(length);
        bytes.bytes(&form.header(self.is_flawed));
        self.supply.keep(&mut bytes);
        for (id, ring, count) in form.masks() {
            write(&mut bytes, ring, count, self.masks.get(&id))?;
        }
        for (id, ring, count) in form.products() {
            write(&mut bytes, ring, count, self.products.get(&id))?;
        }
        let bytes = bytes.finish();
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(other_form()) }
    }

    /// The half in these bytes.
    ///
    /// # Errors
    /// [`InvalidInput::Kept`]: they have another length or version, are of another view, or the other party's.
    pub(super) fn from_bytes(bytes: &[u8], name: Held, form: Form<'_>) -> Result<Self> {
        let (expected, got) = (form.length(), bytes.len() as u64);
        if got != expected {
            return Err(InvalidInput::Kept(format!("it has {got} bytes, not {expected}")).into());
        }
        let mut bytes = Reader::new(bytes);
        let header = bytes.bytes(HALF_HEADER)?;
        let is_flawed = header != form.header(false);
        if is_flawed && header != form.header(true) {
            return Err(
                InvalidInput::Kept("it is of another version or view, or the other party's".into()).into()
            );
        }
        let mut supply = Supply::kept(form.role, &batches(form.online), &mut bytes)?;
        if form.role == Role::Server {
            let told = bytes.bytes(told_ahead(form.online))?;
            supply.keep_told(batches_ahead(form.online).flatten(), told)?;
        }
        let mut read = |(id, ring, count)| Ok((id, read(&mut bytes, ring, count)?));
        let masks = form.masks().map(&mut read).collect::<Result<_>>()?;
        let products = form.products().map(&mut read).collect::<Result<_>>()?;
        bytes.finish()?;
        Ok(Self { name: Some(name), is_flawed, supply, masks, products })
    }
}

impl Form<'_> {
    /// Bytes of a half.
    pub(super) fn length(self) -> u64 {
        stored_bytes(self.schedule, self.online, self.role)
    }

    fn header(self, is_flawed: bool) -> [u8; HALF_HEADER as usize] {
        let mut header = [0; HALF_HEADER as usize];
        header[..2].copy_from_slice(&FORMAT.to_le_bytes());
        header[2..6].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
        header[6] = match (self.role, is_flawed) {
            (Role::Client, false) => 0,
            (Role::Server, _) => 1,
            (Role::Client, true) => 2,
        };
        header[7..].copy_from_slice(self.view);
        header
    }

    /// The values that linear steps read, with their rings and lengths.
    fn masks(self) -> impl Iterator<Item = (StepId, Ring, usize)> {
        let opened = self.schedule.steps().filter(move |&(id, _)| {
            self.role == Role::Client && self.schedule.step(id).op.is_linear() && self.schedule.opens(id)
        });
        opened.map(move |(_, step)| {
            let source = self.schedule.source(step);
            (step.inputs[0], source.ring(), source.shape.elements())
        })
    }

    /// The linear steps, with the rings of their shares and lengths.
    fn products(self) -> impl Iterator<Item = (StepId, Ring, usize)> {
        let linear = self.schedule.steps().filter(|(_, step)| step.op.is_linear());
        linear.map(move |(id, step)| (id, self.schedule.share_ring(id), step.shape.elements()))
    }
}

fn write(bytes: &mut Writer, ring: Ring, count: usize, numbers: Option<&Numbers>) -> Result<()> {
    let numbers = numbers.filter(|numbers| numbers.len() == count).ok_or_else(other_form)?;
    bytes.numbers(width(ring), count, |index| numbers[index]);
    Ok(())
}

fn read(bytes: &mut Reader<'_>, ring: Ring, count: usize) -> Result<Numbers> {
    Ok(Zeroizing::new(bytes.numbers(width(ring), count)?.collect()))
}

fn other_form() -> Error {
    Error::Bug("half of a prepared inference is of another form than its plan says".into())
}
