//! Threads that help each other: a job is cut into chunks, and whoever is free claims one.
//!
//! Every thread begins at a place of its own among the chunks and goes on from there, until it comes to what others have claimed: so jobs that go over the same
//! memory one after the other, like the turns of a loop, find in each core's cache what that core has left there, and nobody waits for a thread that is late.
//!
//! The thread that has a job takes part in it. It claims what nobody else has claimed, so that it never waits for a thread to wake up, but only,
//! at the end, for chunks that others are computing just then. Work that is too small to be worth a hand-over stays on its thread altogether.
//!
//! The pool does not oversubscribe: threads that have a job, threads that are known to be at work ([`occupy`]) and helpers are together at most
//! as many as [`threads`] allows (helpers are what there are fewer of). A job within a chunk stays on the thread of that chunk.
//!
//! What a job computes must not depend on who computes a chunk, nor on how many chunks there are. Then no result depends on any of this.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Work of fewer nanoseconds stays on its thread: where a helper would have to be woken for it, and where all are awake.
const WORTH: [f64; 2] = [8e3, 4e3];
/// The least work of a chunk, in nanoseconds.
const LEAST: f64 = 2e3;
/// How long a helper without work looks for more before it sleeps, and the owner of a job for the end of its last chunks.
const SPIN: Duration = Duration::from_micros(50);
/// Chunks of which it is known which are claimed, in words of as many bits. Those of a job with more are claimed in their order.
const WORDS: usize = 4;
/// How many jobs may be shared at once. Further ones stay on their threads.
const SLOTS: usize = 16;

/// A place for a job that is shared.
struct Slot {
    /// Does a thread own it?
    owned: AtomicBool,
    /// Chunks that nobody has claimed. Whoever lowers it by one may read the job, and take a chunk.
    left: AtomicUsize,
    /// Which chunks are taken, a bit each.
    taken: [AtomicU64; WORDS],
    /// Chunks that are over.
    over: AtomicUsize,
    /// Does the owner sleep?
    sleeps: AtomicBool,
    /// Has a chunk panicked?
    failed: AtomicBool,
    /// The first panic.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    job: UnsafeCell<Option<Job>>,
}

/// A job. It lives as long as its owner waits for it.
struct Job {
    work: *const (dyn Fn(usize) + Sync),
    chunks: usize,
    owner: Thread,
}

// SAFETY: `job` is written by the owner of the slot while nothing is left to be claimed and everything is over, and read by those who hold a
// claim, which the owner awaits. The work itself may be shared.
unsafe impl Sync for Slot {}

impl Slot {
    const fn new() -> Slot {
        Slot {
            owned: AtomicBool::new(false),
            left: AtomicUsize::new(0),
            taken: [const { AtomicU64::new(0) }; WORDS],
            over: AtomicUsize::new(0),
            sleeps: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            panic: Mutex::new(None),
            job: UnsafeCell::new(None),
        }
    }

    /// Claims chunks and runs them until none is left.
    fn help(&self) {
        loop {
            let left = self.left.load(Acquire);
            if left == 0 {
                return;
            }
            // Another job may be here than a moment ago. A claim is a claim on the one that is here now.
            if self.left.compare_exchange_weak(left, left - 1, AcqRel, Relaxed).is_err() {
                continue;
            }
            // SAFETY: the claim: this chunk is not over, so the owner still waits, and the job is what it was when `left` was set.
            let (job, owner) = unsafe {
                let job = (*self.job.get()).as_ref().expect("a job that can be claimed is there");
                (job, job.owner.clone())
            };
            let chunks = job.chunks;
            if !self.failed.load(Relaxed) {
                // SAFETY: the same holds for the work.
                let work = unsafe { &*job.work };
                let chunk = self.pick(chunks, left);
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(chunk))) {
                    self.failed.store(true, Relaxed);
                    lock(&self.panic).get_or_insert(panic);
                }
            }
            // From here on the job may be gone.
            if self.over.fetch_add(1, SeqCst) + 1 == chunks && self.sleeps.load(SeqCst) {
                owner.unpark()
            }
        }
    }

    /// A chunk for a claim on one of so many: the first one from this thread's place on that is not taken, where that is known. There is one, for there are as many chunks as
    /// claims.
    fn pick(&self, chunks: usize, left: usize) -> usize {
        if chunks > 64 * WORDS {
            return chunks - left;
        }
        let threads = threads();
        let mut from = PLACE.get() % threads * chunks / threads;
        loop {
            let (word, free) = (&self.taken[from / 64], u64::MAX << (from % 64));
            let bit = (!word.load(Relaxed) & free).trailing_zeros() as usize;
            let chunk = from / 64 * 64 + bit;
            if bit == 64 || chunk >= chunks {
                // none is left in this word
                let next = (from / 64 + 1) * 64;
                from = if next < chunks { next } else { 0 }
            } else if word.fetch_or(1 << bit, Relaxed) & 1 << bit == 0 {
                // the claim on the job, not this, is what makes the job's memory visible
                return chunk;
            }
        }
    }

    /// Waits until all chunks are over.
    fn wait(&self, chunks: usize) {
        let start = Instant::now();
        let mut turns = 0u32;
        while self.over.load(Acquire) != chunks {
            turns += 1;
            if !turns.is_multiple_of(64) {
                spin_loop();
                continue;
            }
            if start.elapsed() > SPIN {
                self.sleeps.store(true, SeqCst);
                while self.over.load(SeqCst) != chunks {
                    std::thread::park()
                }
                self.sleeps.store(false, Relaxed)
            }
        }
    }
}

static JOBS: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];
/// Threads at work: owners of jobs, helpers, and those that say so.
static BUSY: AtomicUsize = AtomicUsize::new(0);
/// How many threads there may be; 0 before anybody asked.
static THREADS: AtomicUsize = AtomicUsize::new(0);
/// How many helpers there are, and how many of them sleep, with this lock and until this is notified.
static HELPERS: AtomicUsize = AtomicUsize::new(0);
static SLEEPING: AtomicUsize = AtomicUsize::new(0);
static BED: Mutex<()> = Mutex::new(());
static WAKE: Condvar = Condvar::new();

thread_local! {
    /// Does this thread run a chunk?
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Which of the threads this is: helpers count from 1.
    static PLACE: Cell<usize> = const { Cell::new(0) };
    /// Is this thread counted among those at work?
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(|e| e.into_inner())
}

/// How many threads may work for this process at once, the callers of jobs among them: what [`set_threads`] said last; before that the
/// environment variable `COTANGENT_THREADS`; without it, as many as the machine runs at once.
///
/// # Panics
/// If the variable is no number from 1 on.
pub fn threads() -> usize {
    match THREADS.load(Relaxed) {
        0 => {
            let found = match std::env::var("COTANGENT_THREADS").as_deref() {
                Ok("") | Err(_) => std::thread::available_parallelism().map_or(1, usize::from),
                Ok(text) => match text.parse() {
                    Ok(n) if n > 0 => n,
                    _ => panic!("COTANGENT_THREADS is {text:?}; it may be a number from 1 on"),
                },
            };
            // Who has set it meanwhile is right.
            match THREADS.compare_exchange(0, found, Relaxed, Relaxed) {
                Ok(_) => found,
                Err(set) => set,
            }
        }
        n => n,
    }
}

/// Sets [`threads`] for all jobs that begin from now on. With 1 everything stays on the thread that asks for it.
///
/// # Panics
/// If `n` is 0.
pub fn set_threads(n: usize) {
    assert!(n > 0, "at least one thread works: the one that has a job");
    THREADS.store(n, Relaxed)
}

/// A thread that is counted among those at work, until this is dropped.
#[derive(Debug)]
pub struct Occupied {
    counts: bool,
    /// It is this thread that is counted.
    _here: std::marker::PhantomData<*const ()>,
}

/// Counts this thread among those at work, so that others find fewer helpers. Threads that compute side by side say so, because they need no
/// help where there are as many as the machine runs.
pub fn occupy() -> Occupied {
    let counts = !COUNTED.replace(true);
    if counts {
        BUSY.fetch_add(1, Relaxed);
    }
    Occupied { counts, _here: std::marker::PhantomData }
}

/// What `wait` returns. While it waits, this thread is not counted among those at work.
pub fn resting<T>(wait: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            BUSY.fetch_add(self.0 as usize, Relaxed);
        }
    }
    let back = Back(COUNTED.get());
    BUSY.fetch_sub(back.0 as usize, Relaxed);
    let waited = wait();
    drop(back);
    waited
}

impl Drop for Occupied {
    fn drop(&mut self) {
        if self.counts {
            COUNTED.set(false);
            BUSY.fetch_sub(1, Relaxed);
        }
    }
}

/// Is all work shared, however small? That is for tests.
static EVERYTHING: AtomicBool = AtomicBool::new(false);

/// From now on all work is shared, however small, if there are threads to share it with: for tests, which then need no large arrays.
#[doc(hidden)]
pub fn share_everything(on: bool) {
    EVERYTHING.store(on, Relaxed)
}
/// How long work is taken to last.
#[inline]
fn counted(ns: f64) -> f64 {
    if EVERYTHING.load(Relaxed) { ns.max(1e6) } else { ns }
}

/// Is work of so many nanoseconds worth a hand-over?
fn worth(ns: f64) -> bool {
    let awake = || SLEEPING.load(Relaxed) == 0 && HELPERS.load(Relaxed) + 1 >= threads();
    ns >= WORTH[0] || ns >= WORTH[1] && awake()
}

/// Into how many chunks work that takes one thread about so many nanoseconds is best cut: 1 if it is to stay where it is.
pub fn chunks(ns: f64) -> usize {
    let ns = counted(ns);
    if !worth(ns) {
        return 1;
    }
    match threads() {
        1 => 1,
        // a piece of shared work is not shared again
        _ if INSIDE.get() => 1,
        n => ((ns / LEAST) as usize).min(4 * n),
    }
}

/// Runs `work` for every chunk from 0 on, each once, in any order, on this thread and on others that have nothing to do. `ns` is about how many
/// nanoseconds all of it takes one thread. Returns when all chunks are over.
///
/// # Panics
/// With the first panic of a chunk, when none runs any more. Chunks that had not begun by then do not run.
pub fn parallel(chunks: usize, ns: f64, work: &(dyn Fn(usize) + Sync)) {
    if chunks <= 1 || !worth(counted(ns)) || INSIDE.get() || threads() == 1 || !shared(chunks, work) {
        (0..chunks).for_each(work)
    }
}

/// Runs a job with help. `false` if there is no help to be had; then nothing has run.
fn shared(chunks: usize, work: &(dyn Fn(usize) + Sync)) -> bool {
    let _here = occupy();
    if BUSY.load(Relaxed) >= threads() {
        return false;
    }
    let free = |s: &&Slot| s.owned.compare_exchange(false, true, Acquire, Relaxed).is_ok();
    let Some(slot) = JOBS.iter().find(free) else { return false };
    // SAFETY: only the lifetime changes, and `wait` below does not return before the last use. Nothing in between unwinds.
    let work: *const (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), _>(work) };
    // SAFETY: this thread owns the slot, whose last job is over.
    unsafe { *slot.job.get() = Some(Job { work, chunks, owner: std::thread::current() }) };
    slot.over.store(0, Relaxed);
    slot.failed.store(false, Relaxed);
    slot.taken.iter().for_each(|w| w.store(0, Relaxed));
    slot.left.store(chunks, SeqCst);
    wake();
    INSIDE.set(true);
    slot.help();
    INSIDE.set(false);
    slot.wait(chunks);
    let panic = if slot.failed.load(Relaxed) { lock(&slot.panic).take() } else { None };
    slot.owned.store(false, Release);
    if let Some(panic) = panic {
        resume_unwind(panic)
    }
    true
}

/// Wakes a helper if one sleeps; makes one if all are awake and there may be more.
fn wake() {
    if SLEEPING.load(SeqCst) > 0 {
        // With the lock, so that a helper that has just looked and found nothing sleeps already.
        let _bed = lock(&BED);
        return WAKE.notify_one();
    }
    let more = |n| (n + 1 < threads()).then_some(n + 1);
    if let Ok(before) = HELPERS.fetch_update(Relaxed, Relaxed, more) {
        let helper = std::thread::Builder::new().name("cotangent helper".into());
        // Where no thread can be had, the caller does everything.
        if helper.spawn(move || help(before + 1)).is_err() {
            HELPERS.fetch_sub(1, Relaxed);
        }
    }
}

/// What a helper does all its life.
fn help(place: usize) {
    PLACE.set(place);
    INSIDE.set(true);
    COUNTED.set(true);
    let _arithmetic = crate::float::Arithmetic::enter();
    let (mut idle, mut turns) = (Instant::now(), 0u32);
    loop {
        let work = JOBS.iter().find(|s| s.left.load(Relaxed) > 0);
        let room = |busy| (busy < threads()).then_some(busy + 1);
        if let Some(slot) = work
            && BUSY.fetch_update(Relaxed, Relaxed, room).is_ok()
        {
            if slot.left.load(Relaxed) > 1 {
                wake()
            }
            slot.help();
            BUSY.fetch_sub(1, Relaxed);
            (idle, turns) = (Instant::now(), 0);
            continue;
        }
        turns += 1;
        spin_loop();
        if turns.is_multiple_of(64) && idle.elapsed() > SPIN {
            let bed = lock(&BED);
            SLEEPING.fetch_add(1, SeqCst);
            // Work that there is no room for is no reason to stay awake: its owner does it.
            if BUSY.load(SeqCst) >= threads() || JOBS.iter().all(|s| s.left.load(SeqCst) == 0) {
                drop(WAKE.wait(bed).unwrap_or_else(|e| e.into_inner()))
            }
            SLEEPING.fetch_sub(1, SeqCst);
            (idle, turns) = (Instant::now(), 0)
        }
    }
}

#[cfg(test)]
#[path = "pool/tests.rs"]
pub(crate) mod tests;
