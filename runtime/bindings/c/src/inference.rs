//! Images in, answers out.

use crate::arguments::{elements, handle, room};
use crate::border::{Error, Failure, Status, guard};
use crate::client::Client;
use runtime::Prediction;
use std::mem::MaybeUninit;

/// The network's answer for one image of `pixel_count` raw pixels.
///
/// `label` is the class with the largest score; NULL where nobody wants it, or the model has no classes. `scores` has room for
/// `score_count` numbers, as many as the plan says; NULL and 0 where nobody wants them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_infer(
    client: *mut Client,
    pixels: *const f32,
    pixel_count: usize,
    label: *mut usize,
    scores: *mut f64,
    score_count: usize,
    error: *mut *mut Error,
) -> Status {
    let call = || {
        // SAFETY: the header's rules for handles.
        let client = unsafe { handle(client, "client") }?;
        let (plan, first) = (client.plan, !label.is_null());
        if first && plan.labels == 0 {
            return Err(Failure::Value { what: "label", why: "this model has no classes".into() });
        }
        // SAFETY: the header's rules for arrays.
        let (pixels, scores) = unsafe {
            (
                elements(pixels, pixel_count, plan.pixels, "pixels")?,
                room(scores, score_count, plan.scores, "scores")?,
            )
        };
        let answer = client.with(|session| session.infer(pixels))?;
        fill(scores, answer.logits.iter());
        if first {
            // SAFETY: it is not null, and valid by the header's rules for results.
            unsafe { label.write(answer.label()) };
        }
        Ok(())
    };
    // SAFETY: the header's rules for errors.
    unsafe { guard(error, call) }
}

/// The network's answers for `image_count` images, one after the other in `pixels`; that takes less than asking about them one by
/// one.
///
/// All counts are of all images together: `pixel_count` is `image_count` times the plan's `pixels`, `label_count` and
/// `score_count` likewise. `labels` and `scores` may be NULL, with a count of 0. `answered` (NULL where nobody wants to know) is how
/// many images, the first ones, have answers: all of them, or fewer where the call fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn popcorn_infer_many(
    client: *mut Client,
    image_count: usize,
    pixels: *const f32,
    pixel_count: usize,
    labels: *mut usize,
    label_count: usize,
    scores: *mut f64,
    score_count: usize,
    answered: *mut usize,
    error: *mut *mut Error,
) -> Status {
    let tell = |count| {
        if !answered.is_null() {
            // SAFETY: it is not null, and valid by the header's rules for results.
            unsafe { answered.write(count) };
        }
    };
    let call = || {
        tell(0);
        // SAFETY: the header's rules for handles.
        let client = unsafe { handle(client, "client") }?;
        let plan = client.plan;
        let of_all = |each: usize| each.saturating_mul(image_count);
        // SAFETY: the header's rules for arrays.
        let (labels, scores) = unsafe {
            (
                room(labels, label_count, of_all(plan.labels), "labels")?,
                room(scores, score_count, of_all(plan.scores), "scores")?,
            )
        };
        if image_count == 0 && pixel_count == 0 {
            return Ok(());
        }
        // SAFETY: as before.
        let pixels = unsafe { elements(pixels, pixel_count, of_all(plan.pixels), "pixels") }?;
        let images: Vec<&[f32]> = pixels.chunks(plan.pixels).collect();
        let mut predictions = Vec::with_capacity(image_count);
        let asked =
            client.with(|session| session.infer_each(&images, |prediction| predictions.push(prediction)));
        tell(predictions.len());
        fill(labels, predictions.iter().flat_map(Prediction::labels));
        fill(scores, predictions.iter().flat_map(|answer| &answer.logits));
        asked
    };
    // SAFETY: the header's rules for errors.
    unsafe { guard(error, call) }
}

/// Writes what there is where there is room.
fn fill<'a, T: Copy + 'a>(room: Option<&mut [MaybeUninit<T>]>, values: impl Iterator<Item = &'a T>) {
    room.into_iter().flatten().zip(values).for_each(|(place, &value)| {
        place.write(value);
    });
}
