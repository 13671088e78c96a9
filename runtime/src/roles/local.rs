//! Both parties in one process.

use super::client::{self, Prediction};
use super::server::Server;
use crate::channel::{Connection, Link, memory, shaped};
use crate::error::{Error, Result};
use crate::observe::{Observer, Spending};
use crate::paillier::HolderKey;
use std::sync::Arc;
use std::thread;

/// The answers for several raw images, encrypted all the way, over memory; and what each took at the client, the
/// handshake and whatever is set up once with the first.
///
/// # Errors
/// As [`client::Session::infer`] and [`Server::serve`].
pub fn run<'i>(
    server: &Server,
    key: &Arc<HolderKey>,
    images: impl IntoIterator<Item = &'i [f32]>,
    client_observer: &mut dyn Observer,
    server_observer: &mut dyn Observer,
) -> Result<(Vec<Prediction>, Vec<Spending>)> {
    let (ours, theirs) = memory::pair();
    let link = (Connection::new(ours, None)?, Connection::new(theirs, None)?);
    run_over(link, server, key, (images, 1), client_observer, server_observer)
}

/// As [`run`], at the pace of a link where one is given, asking about so many of the images together.
///
/// # Errors
/// As [`run`].
pub fn run_linked<'i>(
    link: Option<Link>,
    server: &Server,
    key: &Arc<HolderKey>,
    images: (impl IntoIterator<Item = &'i [f32]>, usize),
    client_observer: &mut dyn Observer,
    server_observer: &mut dyn Observer,
) -> Result<(Vec<Prediction>, Vec<Spending>)> {
    let (ours, theirs) = memory::pair();
    let ends = match link {
        Some(link) => shaped::connect((ours, theirs), link, None)?,
        None => (Connection::new(ours, None)?, Connection::new(theirs, None)?),
    };
    run_over(ends, server, key, images, client_observer, server_observer)
}

/// As [`run_linked`], over connections of the caller's: the client's end first.
///
/// # Errors
/// As [`run`].
pub fn run_over<'i>(
    (ours, theirs): (Connection, Connection),
    server: &Server,
    key: &Arc<HolderKey>,
    (images, together): (impl IntoIterator<Item = &'i [f32]>, usize),
    client_observer: &mut dyn Observer,
    server_observer: &mut dyn Observer,
) -> Result<(Vec<Prediction>, Vec<Spending>)> {
    thread::scope(|scope| {
        let serving = scope.spawn(move || server.serve(theirs, server_observer));
        let infer = || -> Result<(Vec<Prediction>, Vec<Spending>)> {
            let mut session = client::greet(ours, Some(server.plan().id()))?.with_key(key.clone())?;
            let (mut predictions, mut spent, mut before) = (Vec::new(), Vec::new(), Spending::default());
            let images: Vec<&[f32]> = images.into_iter().collect();
            for images in images.chunks(together.max(1)) {
                predictions.append(&mut session.infer_all(images, client_observer)?);
                let each = session.spending().since(&before).divided(images.len());
                spent.extend(images.iter().map(|_| each));
                before = session.spending();
            }
            Ok((predictions, spent))
        };
        let predictions = infer();
        let served = serving.join().map_err(|_| Error::Bug("the server's thread panicked".into()))?;
        match (predictions, served) {
            (Ok(predictions), Ok(_)) => Ok(predictions),
            (Err(error @ Error::InvalidInput(_)), _) | (Err(error), Ok(_)) | (_, Err(error)) => Err(error),
        }
    })
}
