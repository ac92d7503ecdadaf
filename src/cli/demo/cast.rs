//! Who takes which course, and what the citizens do: hand in, bring a missing paper, change their mind, pay.
//!
//! One task a dossier. A task only acts and waits for what the portal is told, as a citizen would; whether all went well is judged
//! elsewhere, from the books.

use super::Voice;
use super::stage::{RETURN_URL, Stage};
use crate::clock::Clock as _;
use crate::model::Status;
use crate::simulator::{Application, Edition, Failure, Filed, Ministry, Payment, Portal, Script, Service};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Dossiers handed in at the same time.
const AT_ONCE: usize = 6;

/// All dossiers.
#[derive(Debug)]
pub(super) struct Cast {
    /// In the order they are handed in.
    actors: Vec<Mutex<Actor>>,
    seed: u64,
}

/// One dossier and its citizen.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    /// Its number, from 0.
    pub(super) number: u64,
    /// The service.
    pub(super) service: Service,
    /// Its form's edition.
    pub(super) edition: Edition,
    /// Its course.
    pub(super) part: Part,
    /// Its code, once there is one.
    pub(super) code: Option<String>,
    /// When it was begun to be handed in, since the start.
    pub(super) began: Duration,
    /// How long it took, once it has ended.
    pub(super) took: Option<Duration>,
    /// What went wrong on the citizen's side.
    pub(super) trouble: Option<String>,
}

/// The course of a dossier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Received, processed, result returned.
    Plain,
    /// The same with a fee in between.
    Fee,
    /// The same with a paper asked for and brought.
    Supplement,
    /// Not received.
    Refused,
    /// Withdrawn by the citizen.
    Withdrawn,
}

/// What a task works with.
#[derive(Clone)]
struct Set {
    portal: Arc<Portal>,
    ministry: Arc<Ministry>,
    payment: Arc<Payment>,
    places: Arc<Semaphore>,
    voice: Voice,
    seed: u64,
}

// === impl Part ===

impl Part {
    /// Where a dossier of this course ends.
    pub(super) fn end(self) -> Status {
        match self {
            Self::Plain | Self::Fee | Self::Supplement => Status::Returned,
            Self::Refused => Status::Refused,
            Self::Withdrawn => Status::Withdrawn,
        }
    }

    /// Whether a fee is paid on the way.
    pub(super) fn pays(self) -> bool {
        self == Self::Fee
    }

    fn script(self) -> Script {
        match self {
            Self::Plain => Script::Normal,
            // So much a wish, as the Ministry counts them.
            Self::Fee => Script::Auto,
            Self::Supplement => Script::Supplement,
            Self::Refused => Script::Refuse,
            Self::Withdrawn => Script::Withdraw,
        }
    }
}

// === impl Cast ===

impl Cast {
    /// So many dossiers, the three services in turn, one in five on its form of 2019. Wishes cost; one other dossier is asked for a
    /// paper, one is refused, one withdrawn.
    pub(super) fn new(dossiers: u64, seed: u64) -> Self {
        let actor = |number: u64| {
            let service = match number % 3 {
                0 => Service::Exam,
                1 => Service::Review,
                _ => Service::Admission,
            };
            let part = match (number, service) {
                (0, _) => Part::Supplement,
                (1, _) => Part::Refused,
                (3, _) => Part::Withdrawn,
                (_, Service::Admission) => Part::Fee,
                _ => Part::Plain,
            };
            let edition = if number % 5 == 4 { Edition::Of2019 } else { Edition::Of2025 };
            Mutex::new(Actor { number, service, edition, part, code: None, began: Duration::ZERO, took: None, trouble: None })
        };
        Self { actors: (0..dossiers).map(actor).collect(), seed }
    }

    /// Every dossier as it stands now.
    pub(super) fn actors(&self) -> Vec<Actor> {
        self.actors.iter().map(|a| lock(a).clone()).collect()
    }

    /// The code of the first dossier, for examples.
    pub(super) fn first_code(&self) -> Option<String> {
        self.actors.first().and_then(|a| lock(a).code.clone())
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Actor)) {
        if let Some(actor) = usize::try_from(number).ok().and_then(|n| self.actors.get(n)) {
            change(&mut lock(actor));
        }
    }
}

fn lock(of: &Mutex<Actor>) -> MutexGuard<'_, Actor> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

// === the play ===

/// Plays all of it; returns when every dossier has come to its end at the portal, or its citizen is in trouble.
pub(super) async fn perform(stage: &Stage, cast: &Arc<Cast>, voice: &Voice) {
    let set = Set {
        portal: Arc::clone(&stage.portal),
        ministry: Arc::clone(&stage.ministry),
        payment: Arc::clone(&stage.payment),
        places: Arc::new(Semaphore::new(AT_ONCE)),
        voice: voice.clone(),
        seed: cast.seed,
    };
    let mut tasks = JoinSet::new();
    for actor in cast.actors() {
        let (set, cast) = (set.clone(), cast.clone());
        tasks.spawn(async move {
            let ended = course(&set, &cast, &actor).await;
            let now = set.voice.clock.since_start();
            cast.change(actor.number, |a| match ended {
                Ok(()) => a.took = Some(now.saturating_sub(a.began)),
                Err(why) => a.trouble = Some(why.to_string()),
            });
        });
    }
    let mut last = String::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            ended = tasks.join_next() => if ended.is_none() { break },
            _ = tick.tick() => {
                let line = progress(&stage.portal.dossiers());
                if !line.is_empty() && line != last {
                    voice.say(&line);
                }
                last = line;
            }
        }
    }
    voice.say(progress(&stage.portal.dossiers()));
}

/// How many stand where, in the portal's book.
fn progress(filed: &[Filed]) -> String {
    let count = |status: Status| filed.iter().filter(|d| d.status == status.code()).count();
    let some = |status: &Status| match count(*status) {
        0 => None,
        n => Some(format!("{} {n}", status.vietnamese())),
    };
    Status::ALL.iter().filter_map(some).collect::<Vec<_>>().join(" · ")
}

/// One dossier from the first click to its end, as its citizen sees it.
async fn course(set: &Set, cast: &Cast, actor: &Actor) -> Result<(), Failure> {
    let portal = &set.portal;
    let code = hand_in(set, cast, actor).await?;
    match actor.part {
        Part::Plain | Part::Refused => {}
        Part::Supplement => {
            portal.wait_for(&code, |d| d.status == Status::Supplement.code()).await;
            set.voice.say(format!("{code}: the Ministry asks for a paper; the citizen brings it"));
            heard(portal.supplement(&code).await?)?;
        }
        Part::Withdrawn => {
            portal.wait_for(&code, |d| d.status == Status::Received.code()).await;
            set.voice.say(format!("{code}: the citizen withdraws it"));
            heard(portal.withdraw(&code, "Tôi đã nộp nhầm thủ tục").await?)?;
        }
        Part::Fee => pay(set, &code).await?,
    }
    portal.wait_for(&code, |d| ended(d, actor.part)).await;
    if actor.part == Part::Refused {
        set.voice.say(format!("{code}: the Ministry does not receive it, with its reason"));
    }
    Ok(())
}

/// Whether the portal has heard all there is to hear.
fn ended(filed: &Filed, part: Part) -> bool {
    let documents = part.end() != Status::Returned || (!filed.documents.is_empty() && filed.documents.iter().all(|d| d.fetched));
    let paid = !part.pays() || filed.fee.as_ref().is_some_and(|f| f.paid);
    filed.status == part.end().code() && documents && paid
}

async fn hand_in(set: &Set, cast: &Cast, actor: &Actor) -> Result<String, Failure> {
    // The semaphore is never closed.
    let _place = set.places.acquire().await;
    cast.change(actor.number, |a| a.began = set.voice.clock.since_start());
    let now = set.voice.clock.now().0;
    let application = Application::invent(set.seed, actor.number, actor.service, actor.edition, now);
    let code = set.portal.next_code().await?;
    cast.change(actor.number, |a| a.code = Some(code.clone()));
    set.ministry.script(&code, actor.part.script());
    let stored = set.portal.upload_all(&application.papers).await?;
    heard(set.portal.submit(&code, &application, &stored).await?)?;
    Ok(code)
}

/// The citizen clicks "pay" until there is a link, follows it and pays.
async fn pay(set: &Set, code: &str) -> Result<(), Failure> {
    set.portal.wait_for(code, |d| d.fee.is_some()).await;
    let transaction = loop {
        let link = set.portal.pay(code, RETURN_URL).await?;
        match (link.url, link.transaction) {
            (Some(_), Some(transaction)) => break transaction,
            _ => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    };
    if !set.payment.pay(&transaction) {
        return Err(Failure::Role(format!("the link leads to a transaction the platform does not know: {transaction}")));
    }
    Ok(())
}

fn heard(reply: crate::simulator::Reply) -> Result<(), Failure> {
    if reply.ok() { Ok(()) } else { Err(Failure::Answer { status: reply.status, body: reply.body.to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_course_has_its_dossier_however_few_there_are() {
        let parts: Vec<Part> = Cast::new(6, 1).actors().iter().map(|a| a.part).collect();
        for part in [Part::Plain, Part::Fee, Part::Supplement, Part::Refused, Part::Withdrawn] {
            assert!(parts.contains(&part), "{part:?}");
        }
        let thirty = Cast::new(30, 1).actors();
        for service in Service::ALL {
            assert_eq!(thirty.iter().filter(|a| a.service == service).count(), 10, "{service:?}");
        }
        assert!(thirty.iter().any(|a| a.edition == Edition::Of2019));
    }
}
