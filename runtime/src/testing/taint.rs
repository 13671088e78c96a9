//! Secrets as undefined memory: valgrind's memcheck reports every branch and every address that depends on such memory, whatever
//! was computed in between.
//!
//! (Adam Langley's ctgrind, 2010.) A test runs its own program once more under valgrind, which knows neither AVX-512 nor VAES: there
//! the code runs that processors without them run.

use std::io::Write;
use std::process::{Command, Stdio};

/// Requests of memcheck's: 'MC' and a number.
const MAKE_UNDEFINED: u64 = 0x4d43_0001;
const MAKE_DEFINED: u64 = 0x4d43_0002;
/// Requests of valgrind itself.
const RUNNING_ON_VALGRIND: u64 = 0x1001;
const COUNT_ERRORS: u64 = 0x1201;

/// Asserts that `check` chooses no branch and no address by what it has [hidden](hide): under valgrind, which this test starts.
/// Skipped on record where there is none. `test` is the name of the test that calls this, from the root of the crate.
///
/// # Panics
/// If `check` panics or makes such a choice.
pub(crate) fn watched(test: &str, check: impl FnOnce()) {
    under_valgrind(test, || {
        let before = reports();
        check();
        assert_eq!(reports(), before, "branches or addresses depend on secrets");
    });
}

/// Runs `check` under valgrind, in the process that this test starts.
fn under_valgrind(test: &str, check: impl FnOnce()) {
    if request(RUNNING_ON_VALGRIND, [0; 2]) > 0 {
        check();
    } else if cfg!(target_arch = "x86_64") && is_installed() {
        let child = Command::new("valgrind")
            .args(["--quiet", "--error-limit=no"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .output()
            .unwrap();
        let told = [child.stdout, child.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(child.status.success(), "{}", told.join("\n"));
        assert!(told[0].contains("1 passed"), "no test is called {test}");
    } else {
        skip(test);
    }
}

/// From here on `secret` is secret, where it lies; not what the compiler has copied to registers before.
pub(crate) fn hide<T>(secret: &[T]) {
    mark(MAKE_UNDEFINED, secret);
}

/// From here on `public` is public.
pub(crate) fn show<T>(public: &[T]) {
    mark(MAKE_DEFINED, public);
}

/// How many branches and addresses have depended on secrets so far.
fn reports() -> u64 {
    request(COUNT_ERRORS, [0; 2])
}

fn mark<T>(as_what: u64, memory: &[T]) {
    request(as_what, [memory.as_ptr() as u64, size_of_val(memory) as u64]);
}

/// Asks valgrind; 0 where the program does not run under it, as the instructions do nothing.
#[cfg(target_arch = "x86_64")]
fn request(request: u64, [first, second]: [u64; 2]) -> u64 {
    let words = [request, first, second, 0, 0, 0];
    let mut answer = 0u64;
    // SAFETY: four rotations of a register by 128 bits in all, and an exchange of another one with itself. Valgrind reads the six
    // words and writes the answer.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inout("rdx") answer, in("rax") words.as_ptr(), inout("rdi") 0u64 => _,
        );
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn request(_: u64, _: [u64; 2]) -> u64 {
    0
}

fn is_installed() -> bool {
    let version =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Says so past the harness, which shows the output of tests that pass to nobody, and in the file that POPCORN_SKIPS names.
fn skip(test: &str) {
    let line = format!("skipped: {test}: there is no valgrind\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(list) = std::env::var_os("POPCORN_SKIPS") {
        let list = std::fs::OpenOptions::new().create(true).append(true).open(list);
        list.and_then(|mut list| list.write_all(line.as_bytes())).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    /// A branch and an address that depend on a secret, and arithmetic, which is no choice.
    #[test]
    #[ignore = "runs under valgrind"]
    fn choices_by_secrets_are_reported() {
        under_valgrind("testing::taint::tests::choices_by_secrets_are_reported", || {
            let (table, secret) = (black_box([3u64; 256]), black_box([5u64, 6]));
            let before = reports();
            hide(&secret);
            let [first, second] = *black_box(&secret);
            let sum = black_box(first.wrapping_mul(7) ^ second);
            assert_eq!(reports(), before);
            let found = [black_box(table[sum as usize & 255])];
            let with_address = reports();
            let larger = if first > 4 { black_box("larger") } else { black_box("") };
            let with_branch = reports();
            println!("{with_address} {with_branch} {larger}");
            assert!(before < with_address && with_address < with_branch);
            show(&found);
            assert_eq!(*black_box(&found), [3]);
            assert_eq!(reports(), with_branch);
        });
    }
}
