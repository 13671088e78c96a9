//! Numbers that look random and are the same at every call: for images and signs that have nothing to do with a network.

/// An endless sequence whose high bits look random, one for each `seed` (the linear congruential generator of MMIX).
pub fn scatter(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state
    }
}
