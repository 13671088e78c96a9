//! AES-128 of many blocks under one key.
//!
//! Where the processor has VAES, 32 blocks are in its pipeline at a time; elsewhere the `aes` crate does the work.

use super::block::Block;
use aes::Aes128Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

/// The cipher under one key; wiped on drop.
pub(super) struct Cipher {
    portable: Aes128Enc,
    #[cfg(target_arch = "x86_64")]
    wide: Option<vaes::Keys>,
}

impl Cipher {
    pub(super) fn new(key: &Block) -> Self {
        Self {
            portable: Aes128Enc::new(&Array(*key)),
            #[cfg(target_arch = "x86_64")]
            wide: vaes::Keys::new(key),
        }
    }

    /// Writes the encrypted blocks over `output`.
    ///
    /// # Panics
    /// If there are more or fewer blocks than places.
    pub(super) fn encrypt(&self, input: &[Block], output: &mut [Block]) {
        assert_eq!(input.len(), output.len(), "as many places as blocks");
        #[cfg(target_arch = "x86_64")]
        if let Some(wide) = &self.wide {
            return wide.encrypt(input, output);
        }
        self.encrypt_portably(input, output);
    }

    fn encrypt_portably(&self, input: &[Block], output: &mut [Block]) {
        output.copy_from_slice(input);
        self.portable.encrypt_blocks(Array::cast_slice_from_core_mut(output));
    }
}

#[cfg(target_arch = "x86_64")]
mod vaes {
    use super::Block;
    use std::arch::is_x86_feature_detected;
    use std::arch::x86_64::*;
    use zeroize::Zeroizing;

    const ROUNDS: usize = 10;

    /// Blocks in a register.
    const LANE: usize = 4;

    /// Registers in the pipeline.
    const LANES: usize = 8;

    const BLOCKS: usize = LANE * LANES;

    /// A key's schedule, on a processor with AES, AVX-512 F and VAES.
    pub(super) struct Keys(Zeroizing<[Block; ROUNDS + 1]>);

    impl Keys {
        /// None where the processor is another one.
        pub(super) fn new(key: &Block) -> Option<Self> {
            let fits = is_x86_feature_detected!("aes")
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("vaes");
            // SAFETY: the processor has AES.
            fits.then(|| Self(Zeroizing::new(unsafe { expand(key) })))
        }

        pub(super) fn encrypt(&self, input: &[Block], output: &mut [Block]) {
            // SAFETY: there are keys on a processor with AVX-512 F and VAES alone.
            unsafe { encrypt(&self.0, input, output) };
        }
    }

    /// FIPS 197, section 5.2.
    #[target_feature(enable = "aes")]
    fn expand(key: &Block) -> [Block; ROUNDS + 1] {
        let mut keys = [load(key); ROUNDS + 1];
        keys[1] = next::<0x01>(keys[0]);
        keys[2] = next::<0x02>(keys[1]);
        keys[3] = next::<0x04>(keys[2]);
        keys[4] = next::<0x08>(keys[3]);
        keys[5] = next::<0x10>(keys[4]);
        keys[6] = next::<0x20>(keys[5]);
        keys[7] = next::<0x40>(keys[6]);
        keys[8] = next::<0x80>(keys[7]);
        keys[9] = next::<0x1b>(keys[8]);
        keys[10] = next::<0x36>(keys[9]);
        let mut bytes = [[0; 16]; ROUNDS + 1];
        for (bytes, key) in bytes.iter_mut().zip(keys) {
            // SAFETY: a block has 16 bytes; the store needs no alignment.
            unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), key) };
        }
        bytes
    }

    #[target_feature(enable = "aes")]
    fn next<const CONSTANT: i32>(key: __m128i) -> __m128i {
        let substituted = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<CONSTANT>(key));
        let key = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
        let key = _mm_xor_si128(key, _mm_slli_si128::<8>(key));
        _mm_xor_si128(key, substituted)
    }

    fn load(block: &Block) -> __m128i {
        // SAFETY: a block has 16 bytes; the load needs no alignment.
        unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx512f,vaes")]
    fn encrypt(keys: &[Block; ROUNDS + 1], input: &[Block], output: &mut [Block]) {
        let mut round_keys = [_mm512_setzero_si512(); ROUNDS + 1];
        for (wide, key) in round_keys.iter_mut().zip(keys) {
            *wide = _mm512_broadcast_i32x4(load(key));
        }
        for (input, output) in input.chunks(BLOCKS).zip(output.chunks_mut(BLOCKS)) {
            let mut state = [_mm512_setzero_si512(); LANES];
            for (state, blocks) in state.iter_mut().zip(input.chunks(LANE)) {
                // SAFETY: no byte beyond the blocks is read; the load needs no alignment.
                let blocks = unsafe { _mm512_maskz_loadu_epi64(words(blocks), blocks.as_ptr().cast()) };
                *state = _mm512_xor_si512(blocks, round_keys[0]);
            }
            for key in &round_keys[1..ROUNDS] {
                for state in &mut state {
                    *state = _mm512_aesenc_epi128(*state, *key);
                }
            }
            for (state, blocks) in state.into_iter().zip(output.chunks_mut(LANE)) {
                let last = _mm512_aesenclast_epi128(state, round_keys[ROUNDS]);
                // SAFETY: no byte beyond the blocks is written; the store needs no alignment.
                unsafe { _mm512_mask_storeu_epi64(blocks.as_mut_ptr().cast(), words(blocks), last) };
            }
        }
    }

    /// One bit for each 64 bits of up to four blocks.
    fn words(blocks: &[Block]) -> __mmask8 {
        u8::MAX >> (2 * (LANE - blocks.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paillier::randomness::TestRng;

    /// FIPS 197, appendix C.1: the cipher is AES-128.
    #[test]
    fn the_cipher_is_the_standard_s() {
        let key = std::array::from_fn(|byte| byte as u8);
        let plaintext = std::array::from_fn(|byte| byte as u8 * 0x11);
        let mut block = [[0; 16]];
        Cipher::new(&key).encrypt(&[plaintext], &mut block);
        assert_eq!(u128::from_be_bytes(block[0]), 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a);
    }

    #[test]
    fn any_number_of_blocks_on_any_processor() {
        let mut rng = TestRng::new(31);
        for count in [0, 1, 3, 31, 32, 33, 64, 100, 257] {
            let mut key = [0; 16];
            rng.fill(&mut key);
            let mut input = vec![[0; 16]; count];
            input.iter_mut().for_each(|block| rng.fill(block));
            let (mut output, mut expected) = (input.clone(), input.clone());
            let cipher = Cipher::new(&key);
            cipher.encrypt(&input, &mut output);
            cipher.encrypt_portably(&input, &mut expected);
            assert_eq!(output, expected);
        }
    }
}
