//! The loops in assembly: products of a block of eight limbs with a number, and steps of Montgomery's reduction.
//!
//! The two routines slide a window of nine registers over the sum. A step takes one limb of y, or of the
//! modulus: eight products are added to the window, low halves in the chain of carries that `adcx`
//! makes, high halves in that of `adox`; the next limb of the sum enters above, the lowest leaves.
//! Between steps the ninth register is a carry of 0 or 1, because
//!
//! ```text
//! (2^512 − 1) + (1 + (2^64 − 1))·2^512 + (2^512 − 1)·(2^64 − 1)  <  2·2^576.
//! ```
//!
//! Each step clears both flags, though they are clear already, so that its chains need not wait for the last one's:
//! that makes the routines a third faster.
//!
//! Nothing but the number of blocks decides which instructions run and which addresses they use.

use std::arch::naked_asm;

use super::super::super::limbs::Limb;
use super::super::full_limbs::Modulus;

/// Limbs of a block, which the routines multiply with a number: 512 bits.
pub(super) const BLOCK: usize = 8;

/// Proof that the processor has the instructions.
#[derive(Clone, Copy)]
pub(in super::super) struct Instructions(());

impl Instructions {
    /// The instructions, if the processor has them.
    pub(in super::super) fn detect() -> Option<Self> {
        let available = is_x86_feature_detected!("adx") && is_x86_feature_detected!("bmi2");
        available.then_some(Self(()))
    }

    /// `sum += x·y + carry·2^(64k)` for y of k limbs, whole blocks, and a sum of k + 8; the carry, 0 or 1, is
    /// returned.
    pub(super) fn add_row(self, sum: &mut [Limb], x: &[Limb; BLOCK], y: &[Limb], carry: Limb) -> Limb {
        assert!(is_blocks(y) && sum.len() == y.len() + BLOCK && carry <= 1);
        // SAFETY: the processor has the instructions; the lengths are those that the routine relies on, and
        // `sum` is borrowed mutably, so it overlaps nothing.
        unsafe { add_row(sum.as_mut_ptr(), x.as_ptr(), y.as_ptr(), y.len() / BLOCK, carry) }
    }

    /// Adds to a sum of k + 8 limbs the multiple of the modulus, of k limbs, that clears its lowest block, and
    /// `carry`·2^(64k); the carry, 0 or 1, is returned. The multiple's factor replaces the block that was cleared.
    pub(super) fn clear_block(self, sum: &mut [Limb], modulus: &Modulus, carry: Limb) -> Limb {
        let Modulus { limbs, negative_inverse } = modulus;
        assert!(is_blocks(limbs) && sum.len() == limbs.len() + BLOCK && carry <= 1);
        // SAFETY: as in `add_row`.
        unsafe {
            clear_block(sum.as_mut_ptr(), limbs.as_ptr(), *negative_inverse, limbs.len() / BLOCK, carry)
        }
    }

    /// `sum = 2·sum + x`, of whole blocks; the carry is lost.
    pub(super) fn double_and_add(self, sum: &mut [Limb], x: &[Limb]) {
        assert!(is_blocks(x) && sum.len() == x.len());
        // SAFETY: as in `add_row`.
        unsafe { double_and_add(sum.as_mut_ptr(), x.as_ptr(), x.len() / BLOCK) }
    }
}

/// Whether these are whole blocks, at least one.
fn is_blocks(limbs: &[Limb]) -> bool {
    !limbs.is_empty() && limbs.len().is_multiple_of(BLOCK)
}

/// Adds the product of rdx and limb `$index` of rsi at `$low` and above, in both chains.
#[rustfmt::skip]
macro_rules! product {
    ($index:literal, $low:literal, $high:literal) => {
        concat!(
            "mulx rbx, rax, [rsi + 8*", $index, "]\n",
            "adcx ", $low, ", rax\n",
            "adox ", $high, ", rbx\n",
        )
    };
}

/// The upper seven products of a step, and the limb that enters above. `$t0` is zero before; after it is the
/// carry out of `$t8`, which one of the chains at most makes.
#[rustfmt::skip]
macro_rules! upper_products {
    ($s:literal, $t0:literal, $t1:literal, $t2:literal, $t3:literal, $t4:literal, $t5:literal, $t6:literal,
     $t7:literal, $t8:literal) => {
        concat!(
            product!(1, $t1, $t2),
            product!(2, $t2, $t3),
            product!(3, $t3, $t4),
            product!(4, $t4, $t5),
            product!(5, $t5, $t6),
            product!(6, $t6, $t7),
            product!(7, $t7, $t8),
            "adcx ", $t8, ", [rdi + 8*", $s, " + 64]\n",
            "mov eax, 0\n",
            "adcx ", $t0, ", rax\n",
            "adox ", $t0, ", rax\n",
        )
    };
}

/// One step with limb `$s` of y, from rcx; the limb that leaves goes to the sum.
#[rustfmt::skip]
macro_rules! product_step {
    ($s:literal, $t0:literal, $t1:literal $(, $t:literal)*) => {
        concat!(
            "mov rdx, [rcx + 8*", $s, "]\n",
            "xor eax, eax\n",
            product!(0, $t0, $t1),
            "mov [rdi + 8*", $s, "], ", $t0, "\n",
            "mov ", $t0, ", 0\n",
            upper_products!($s, $t0, $t1 $(, $t)*),
        )
    };
}

/// One step with the limb of the factor that clears the lowest limb of the window; −1/M is on the stack.
#[rustfmt::skip]
macro_rules! clearing_step {
    ($s:literal, $t0:literal, $t1:literal $(, $t:literal)*) => {
        concat!(
            "mov rdx, ", $t0, "\n",
            "imul rdx, [rsp + 8]\n",
            "mov [rdi + 8*", $s, "], rdx\n",
            "xor eax, eax\n",
            product!(0, $t0, $t1),
            upper_products!($s, $t0, $t1 $(, $t)*),
        )
    };
}

/// Eight steps, after which the registers are renamed back.
macro_rules! eight {
    ($step:ident) => {
        concat!(
            $step!(0, "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rbp"),
            $step!(1, "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rbp", "r8"),
            $step!(2, "r10", "r11", "r12", "r13", "r14", "r15", "rbp", "r8", "r9"),
            $step!(3, "r11", "r12", "r13", "r14", "r15", "rbp", "r8", "r9", "r10"),
            $step!(4, "r12", "r13", "r14", "r15", "rbp", "r8", "r9", "r10", "r11"),
            $step!(5, "r13", "r14", "r15", "rbp", "r8", "r9", "r10", "r11", "r12"),
            $step!(6, "r14", "r15", "rbp", "r8", "r9", "r10", "r11", "r12", "r13"),
            $step!(7, "r15", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14"),
            "mov rax, rbp
            mov rbp, r15
            mov r15, r14
            mov r14, r13
            mov r13, r12
            mov r12, r11
            mov r11, r10
            mov r10, r9
            mov r9, r8
            mov r8, rax
            "
        )
    };
}

/// Saves registers, and on the stack the carry, rdx and the number of blocks; loads the window.
macro_rules! begin {
    () => {
        "push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        push r8
        push rdx
        push rcx
        mov r8, [rdi]
        mov r9, [rdi + 8]
        mov r10, [rdi + 16]
        mov r11, [rdi + 24]
        mov r12, [rdi + 32]
        mov r13, [rdi + 40]
        mov r14, [rdi + 48]
        mov r15, [rdi + 56]
        xor ebp, ebp
        "
    };
}

/// Adds the carry that came in to the window, writes it, returns the carry.
macro_rules! end {
    () => {
        "add rsp, 16
        pop rax
        add r8, rax
        adc r9, 0
        adc r10, 0
        adc r11, 0
        adc r12, 0
        adc r13, 0
        adc r14, 0
        adc r15, 0
        adc rbp, 0
        mov [rdi], r8
        mov [rdi + 8], r9
        mov [rdi + 16], r10
        mov [rdi + 24], r11
        mov [rdi + 32], r12
        mov [rdi + 40], r13
        mov [rdi + 48], r14
        mov [rdi + 56], r15
        mov rax, rbp
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        ret"
    };
}

/// The loop over the blocks of y in rcx.
macro_rules! product_loop {
    () => {
        concat!(
            "2:\n",
            eight!(product_step),
            "lea rcx, [rcx + 64]
            lea rdi, [rdi + 64]
            dec qword ptr [rsp]
            jnz 2b
            "
        )
    };
}

/// # Safety
/// The processor has BMI2 and ADX; there are `blocks` ≥ 1 blocks at `y`, one more at `sum`.
#[unsafe(naked)]
unsafe extern "sysv64" fn add_row(
    sum: *mut Limb,
    x: *const Limb,
    y: *const Limb,
    blocks: usize,
    carry: Limb,
) -> Limb {
    naked_asm!(begin!(), "mov rcx, rdx", product_loop!(), end!())
}

/// # Safety
/// As for [`add_row`], with the modulus as y.
#[unsafe(naked)]
unsafe extern "sysv64" fn clear_block(
    sum: *mut Limb,
    modulus: *const Limb,
    negative_inverse: Limb,
    blocks: usize,
    carry: Limb,
) -> Limb {
    naked_asm!(
        begin!(),
        eight!(clearing_step),
        // The eight limbs of the factor are x now, the rest of the modulus is y.
        "lea rcx, [rsi + 64]",
        "mov rsi, rdi",
        "lea rdi, [rdi + 64]",
        "dec qword ptr [rsp]",
        "jz 3f",
        product_loop!(),
        "3:",
        end!()
    )
}

/// # Safety
/// The processor has ADX; there are `blocks` ≥ 1 blocks at both pointers.
#[unsafe(naked)]
unsafe extern "sysv64" fn double_and_add(sum: *mut Limb, x: *const Limb, blocks: usize) {
    macro_rules! limb {
        ($index:literal) => {
            concat!(
                "mov rax, [rdi + 8*",
                $index,
                "]\n",
                "adcx rax, rax\n",
                "adox rax, [rsi + 8*",
                $index,
                "]\n",
                "mov [rdi + 8*",
                $index,
                "], rax\n",
            )
        };
    }
    naked_asm!(
        "mov rcx, rdx",
        "xor eax, eax",
        "2:",
        limb!(0),
        limb!(1),
        limb!(2),
        limb!(3),
        limb!(4),
        limb!(5),
        limb!(6),
        limb!(7),
        "lea rdi, [rdi + 64]",
        "lea rsi, [rsi + 64]",
        // Counts down without touching the flags.
        "lea rcx, [rcx - 1]",
        "jrcxz 3f",
        "jmp 2b",
        "3:",
        "ret",
    )
}
