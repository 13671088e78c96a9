//! Asking about many images: as they come, or a set of them in two sessions, of which one prepares while the other waits for the
//! network.

use super::answers::{Answers, Finished};
use super::ask::Ask;
use super::images::{Image, Images};
use super::output;
use super::progress::{self, Progress};
use super::report::Report;
use super::saved::Saved;
use indicatif::ProgressBar;
use runtime::channel::CancellationToken;
use runtime::console;
use runtime::observe::{Spending, StepReport};
use runtime::plan::ClientPlan;
use runtime::roles::client::{Opening, Patience, Prediction, Session};
use runtime::{Error, Result};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

/// Sessions at once.
const SESSIONS: usize = 2;

/// Images to ask about, and what is to be printed of the answers.
pub(crate) struct Asking<'a> {
    ask: &'a Ask,
    opening: &'a Opening,
    plan: &'a ClientPlan,
    /// Inferences that are prepared ahead in a session.
    ahead: usize,
    bar: ProgressBar,
    work: Mutex<Work>,
}

/// What sessions have in common.
struct Work {
    images: Images,
    /// Images that sessions have taken so far.
    taken: usize,
    /// Groups that a session took and failed to answer, or what is left of them.
    returned: Vec<Group>,
    /// Groups that are answered, by their first image, and wait for those before them to be printed.
    answered: BTreeMap<usize, Answered>,
    /// Images of which the answers are printed.
    printed: usize,
    answers: Answers,
    saved: Saved,
    /// Not yet counted.
    making_key: Duration,
    /// Sessions beside the first one that have begun.
    others: usize,
    /// Inferences that sessions had from the store.
    recalled: usize,
}

/// Images that are asked about at once.
struct Group {
    /// Of the first, in the order of all.
    number: usize,
    images: Vec<Image>,
}

struct Answered {
    images: Vec<Image>,
    predictions: Vec<Prediction>,
    spent: Spending,
    steps: Vec<StepReport>,
}

/// A session, and what it had taken when it last answered.
struct Asked {
    session: Session,
    spent: Spending,
    recalled: usize,
    progress: Progress,
    /// Its user knows that the server prepares less.
    is_told: bool,
}

impl<'a> Asking<'a> {
    /// About these images, in sessions that `opening` opens, `ahead` inferences being prepared ahead in each.
    ///
    /// # Errors
    /// As [`Saved::new`].
    pub(crate) fn new(
        (ask, opening): (&'a Ask, &'a Opening),
        plan: &'a ClientPlan,
        ahead: usize,
        images: Images,
        making_key: Duration,
    ) -> Result<Self> {
        let work = Work {
            images,
            taken: 0,
            returned: Vec::new(),
            answered: BTreeMap::new(),
            printed: 0,
            answers: Answers::default(),
            saved: Saved::new(ask.output.as_deref(), ask.output_range, plan)?,
            making_key,
            others: 0,
            recalled: 0,
        };
        Ok(Self { ask, opening, plan, ahead, bar: progress::bar(ask.json), work: Mutex::new(work) })
    }

    /// Asks about images as they come; what can be is prepared ahead. Where the session is lost, another one goes on.
    ///
    /// # Errors
    /// Those of the last session, or standard input cannot be read.
    pub(crate) fn in_order(&self, session: Session, patience: &mut Patience) -> Result<()> {
        self.persist(session, patience, |asked| self.as_they_come(asked))
    }

    /// Lets sessions `ask` one after the other, until one ends without an error.
    fn persist(
        &self,
        mut session: Session,
        patience: &mut Patience,
        ask: impl Fn(Asked) -> Result<()>,
    ) -> Result<()> {
        let mut answered = 0;
        loop {
            let Err(error) = ask(Asked::new(session, self.bar.clone())) else { return Ok(()) };
            let before = std::mem::replace(&mut answered, self.work().answered());
            if answered > before {
                patience.reset();
            }
            session = self.opening.again(error, patience)?;
        }
    }

    fn as_they_come(&self, mut asked: Asked) -> Result<()> {
        self.prepare(&mut asked)?;
        loop {
            let together = asked.session.largest_group(self.ahead);
            let wait = !asked.session.is_worth_preparing(self.ahead);
            let next = self.work().next(together, wait)?;
            match next {
                None => return asked.finish(),
                Some(group) if group.images.is_empty() => self.prepare(&mut asked)?,
                Some(group) => self.answer(&mut asked, group)?,
            }
        }
    }

    /// Asks about groups of images, in `session` and in as many others as the server has places for, [`SESSIONS`] in all. What
    /// one session fails to answer, another one asks again; in place of the first, a new one does where it is lost. Answers that are
    /// there are printed in any case.
    ///
    /// # Errors
    /// The first of those sessions that were there, if images are left.
    pub(crate) fn in_sessions(&self, session: Session, patience: &mut Patience) -> Result<()> {
        let late = CancellationToken::new();
        let ask_too = || {
            let Ok(session) = self.opening.session(&late) else { return Ok(()) };
            self.work().others += 1;
            self.in_groups(Asked::new(session, ProgressBar::hidden()))
        };
        let outcome = thread::scope(|scope| {
            let others: Vec<_> = (1..SESSIONS).map(|_| scope.spawn(ask_too)).collect();
            let outcome = self.persist(session, patience, |asked| self.in_groups(asked));
            if self.work().others < SESSIONS - 1 {
                late.cancel(); // Nothing is left for a session that is not there yet.
            }
            others.into_iter().map(joined).fold(outcome, Result::and)
        });
        let outcome = match outcome {
            Err(error) if !self.work().returned.is_empty() => self
                .opening
                .again(error, patience)
                .and_then(|session| self.persist(session, patience, |asked| self.in_groups(asked))),
            outcome => outcome,
        };
        let work = &mut *self.work();
        let rest = std::mem::take(&mut work.answered);
        rest.values().try_for_each(|answered| self.print(work, answered))?;
        if work.returned.is_empty() { Ok(()) } else { outcome }
    }

    /// What came of it; what is to be saved is.
    ///
    /// # Errors
    /// As [`Saved::write`].
    pub(crate) fn finish(self) -> Result<Finished> {
        let Work { images, answers, saved, recalled, .. } =
            self.work.into_inner().unwrap_or_else(PoisonError::into_inner);
        saved.write()?;
        Ok(Finished { answers, failures: images.failures(), recalled })
    }

    /// Asks about groups, whole batches where there are some, until there are no more images.
    fn in_groups(&self, mut asked: Asked) -> Result<()> {
        loop {
            let most = asked.session.largest_group(self.ahead);
            let most = most - most % asked.session.largest_batch(most);
            let Some(group) = self.work().next(most, true)? else { return asked.finish() };
            self.answer(&mut asked, group)?;
        }
    }

    fn prepare(&self, asked: &mut Asked) -> Result<()> {
        let Asked { session, progress, is_told, .. } = asked;
        session.prepare(self.ahead, progress)?;
        if let Some(reason) = session.declined()
            && !std::mem::replace(is_told, true)
        {
            let (prepared, wanted) = (session.prepared(), self.ahead);
            let line = format!(
                "{prepared} of {wanted} inferences are prepared; the server prepares no more now: {reason}"
            );
            self.bar.suspend(|| console::note(&line));
        }
        Ok(())
    }

    /// Asks about a group, and prints the answers when those before are; where that fails, what is not answered is returned.
    fn answer(&self, asked: &mut Asked, Group { number, mut images }: Group) -> Result<()> {
        let Asked { session, spent: before, recalled, progress, .. } = asked;
        let pixels: Vec<&[f32]> = images.iter().map(|image| &*image.pixels).collect();
        let mut predictions = Vec::with_capacity(images.len());
        let outcome = session.infer_each(&pixels, &mut |prediction| predictions.push(prediction), progress);
        let mut spent = session.spending().since(before);
        *before = session.spending();
        let work = &mut *self.work();
        work.recalled += session.recalled() - std::mem::replace(recalled, session.recalled());
        let rest = images.split_off(predictions.len());
        if !rest.is_empty() {
            work.returned.push(Group { number: number + predictions.len(), images: rest });
        }
        if !predictions.is_empty() {
            spent.offline.elapsed += std::mem::take(&mut work.making_key);
            work.answered.insert(number, Answered { images, predictions, spent, steps: progress.take() });
        }
        while let Some(answered) = work.answered.remove(&work.printed) {
            work.printed += answered.images.len();
            self.print(work, &answered)?;
        }
        outcome
    }

    fn print(&self, work: &mut Work, answered: &Answered) -> Result<()> {
        let Answered { images, predictions, spent, steps } = answered;
        predictions.iter().try_for_each(|prediction| work.saved.add(prediction))?;
        if !self.ask.json && work.images.count() != Some(1) {
            let lines = work.answers.lines(images, predictions, *spent);
            return self.bar.suspend(|| output::print(&lines));
        }
        let each = spent.divided(predictions.len());
        for (image, prediction) in images.iter().zip(predictions) {
            let report = Report::new(prediction, each, self.plan).about(&image.name);
            self.ask.print(&report, prediction)?;
        }
        self.ask.print_steps(&[("client", steps)])
    }

    /// A thread that panicked ends the program.
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// Images that are answered so far.
    fn answered(&self) -> usize {
        self.printed + self.answered.values().map(|answered| answered.images.len()).sum::<usize>()
    }

    /// What was returned; else as [`Images::next`].
    fn next(&mut self, most: usize, wait: bool) -> Result<Option<Group>> {
        if let Some(returned) = self.returned.pop() {
            return Ok(Some(returned));
        }
        let Some(images) = self.images.next(most, wait)? else { return Ok(None) };
        let number = self.taken;
        self.taken += images.len();
        Ok(Some(Group { number, images }))
    }
}

impl Asked {
    fn new(session: Session, bar: ProgressBar) -> Self {
        Self {
            session,
            spent: Spending::default(),
            recalled: 0,
            progress: Progress::new(bar),
            is_told: false,
        }
    }

    /// Nothing more is asked: what is left goes to the store, if there is one, also where the session is lost meanwhile.
    fn finish(mut self) -> Result<()> {
        let put_away = self.session.put_away();
        self.session.close();
        match put_away {
            Err(error) if !error.is_loss() => Err(error),
            _ => Ok(()),
        }
    }
}

fn joined(session: ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    session.join().unwrap_or_else(|_| Err(Error::Bug("a session panicked".into())))
}
