//! What is shown on a terminal while something takes long; elsewhere, and where quiet is wanted, nothing is.

use super::voice::is_quiet;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// How often a line moves while nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// What is said at the end of steps whose number is not known yet.
const STEPS: &str = "{bar:24} {percent:>3} %  {msg}  {eta} left";
const ITEMS: &str = "{bar:24} {pos}/{len} {msg}  {eta} left";
const TASK: &str = "{spinner} {msg}  {elapsed}";

/// A bar over steps; the message says which was the last.
pub fn steps() -> ProgressBar {
    shown(ProgressBar::new(0), STEPS)
}

/// A bar that counts `count` things that are called so.
pub fn items(count: usize, called: &'static str) -> ProgressBar {
    shown(ProgressBar::new(count as u64), ITEMS).with_message(called)
}

/// A line that says what is done at the moment.
pub fn task(what: &str) -> ProgressBar {
    let line = shown(ProgressBar::no_length(), TASK).with_message(what.to_owned());
    line.enable_steady_tick(TICK);
    line
}

/// Does `work` while a line says `what`.
pub fn busy<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let line = task(what);
    let result = work();
    line.finish_and_clear();
    result
}

/// Where it may be seen: indicatif draws on terminals alone.
fn shown(bar: ProgressBar, template: &str) -> ProgressBar {
    bar.set_draw_target(if is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_well_formed() {
        for template in [STEPS, ITEMS, TASK] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
        assert_eq!(busy("nothing", || 7), 7);
    }
}
