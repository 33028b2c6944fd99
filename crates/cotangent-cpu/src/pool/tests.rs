//! Every chunk runs once, on whatever thread; panics come out where the job began; nobody waits forever.

use super::*;
use std::sync::atomic::AtomicU32;

const LONG: f64 = 1e9;

/// Tests that set the number of threads, one at a time.
pub(crate) fn alone<T>(threads: &[usize], mut test: impl FnMut(usize) -> T) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = lock(&ONE);
    let before = super::threads();
    for n in threads {
        set_threads(*n);
        test(*n);
    }
    set_threads(before)
}

fn each_once(chunks: usize, ns: f64) {
    let seen: Vec<AtomicU32> = (0..chunks).map(|_| AtomicU32::new(0)).collect();
    parallel(chunks, ns, &|c| {
        seen[c].fetch_add(1, Relaxed);
    });
    assert!(seen.iter().all(|s| s.load(Relaxed) == 1), "{chunks} chunks: {seen:?}");
}

#[test]
fn every_chunk_runs_once() {
    alone(&[1, 2, 3, 7], |_| {
        for chunks in [0, 1, 2, 3, 10, 65, 256, 257, 1000] {
            each_once(chunks, 0.0);
            each_once(chunks, LONG)
        }
    })
}

/// From a thread's place on around, past what others have taken; in their order, where there are too many to keep account of.
#[test]
fn threads_have_places() {
    let picks = |place: usize, chunks: usize, taken: &[u64; WORDS]| -> Vec<usize> {
        let slot = Slot::new();
        slot.taken.iter().zip(taken).for_each(|(to, from)| to.store(*from, Relaxed));
        let free = chunks - taken.iter().map(|w| w.count_ones() as usize).sum::<usize>();
        let before = PLACE.replace(place);
        let all = (0..free).map(|i| slot.pick(chunks, free - i)).collect();
        PLACE.set(before);
        all
    };
    alone(&[4], |_| {
        assert_eq!(picks(0, 8, &[0; WORDS]), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(picks(3, 8, &[0; WORDS]), [6, 7, 0, 1, 2, 3, 4, 5]);
        // as when there were more threads
        assert_eq!(picks(5, 8, &[0b1100, 0, 0, 0]), [4, 5, 6, 7, 0, 1]);
        assert_eq!(picks(2, 3, &[0; WORDS]), [1, 2, 0]);
        let around: Vec<usize> = (192..256).chain(0..192).collect();
        assert_eq!(picks(3, 256, &[0; WORDS]), around);
        assert_eq!(picks(1, 130, &[u64::MAX, u64::MAX ^ 1 << 40, 0, 0]), [104, 128, 129]);
        assert_eq!(picks(3, 257, &[0; WORDS])[..3], [0, 1, 2]);
    })
}

#[test]
fn many_threads_have_jobs() {
    alone(&[2, 5, 40], |_| {
        std::thread::scope(|s| {
            for t in 0..24 {
                s.spawn(move || {
                    let _at_work = (t % 3 == 0).then(occupy);
                    (0..200).for_each(|i| each_once(1 + (t + i) % 9, LONG))
                });
            }
        })
    });
    assert!(!COUNTED.get() && !INSIDE.get());
}

/// Others do come, if there is something to do for them.
#[test]
fn others_help() {
    alone(&[4], |_| {
        let me = std::thread::current().id();
        let start = Instant::now();
        loop {
            let helped = AtomicBool::new(false);
            parallel(2, LONG, &|_| {
                if std::thread::current().id() != me {
                    helped.store(true, Relaxed)
                }
                let begun = Instant::now();
                while !helped.load(Relaxed) && begun.elapsed() < Duration::from_millis(20) {
                    std::thread::yield_now()
                }
            });
            if helped.load(Relaxed) {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "nobody has helped")
        }
    })
}

/// The owner sleeps where a helper has the last chunk for long, and is woken.
#[test]
fn owners_wait_asleep() {
    alone(&[2], |_| {
        let me = std::thread::current().id();
        for _ in 0..20 {
            let over = AtomicU32::new(0);
            parallel(2, LONG, &|_| {
                let helps = std::thread::current().id() != me;
                std::thread::sleep(Duration::from_millis(if helps { 5 } else { 1 }));
                over.fetch_add(1, Relaxed);
            });
            assert_eq!(over.load(Relaxed), 2)
        }
    })
}

#[test]
fn small_work_and_work_inside_stay() {
    alone(&[4], |_| {
        let here = || std::thread::current().id();
        let me = here();
        parallel(50, WORTH[1] - 1.0, &|_| assert_eq!(here(), me));
        parallel(8, LONG, &|_| {
            let me = here();
            parallel(8, LONG, &|_| assert_eq!(here(), me))
        })
    });
    alone(&[1], |_| {
        let me = std::thread::current().id();
        parallel(50, LONG, &|_| assert_eq!(std::thread::current().id(), me))
    })
}

#[test]
fn who_is_at_work_finds_no_help() {
    alone(&[2], |_| {
        std::thread::scope(|s| {
            let (tell, told) = std::sync::mpsc::channel::<()>();
            let (ready, wait) = std::sync::mpsc::channel::<()>();
            s.spawn(move || {
                let _here = occupy();
                let before = resting(|| BUSY.load(Relaxed));
                assert!(BUSY.load(Relaxed) > 0 && before < usize::MAX / 2);
                ready.send(()).expect("somebody waits");
                told.recv().expect_err("the other end is dropped")
            });
            wait.recv().expect("the thread is at work");
            let me = std::thread::current().id();
            for _ in 0..100 {
                parallel(8, LONG, &|_| assert_eq!(std::thread::current().id(), me))
            }
            drop(tell)
        })
    })
}

#[test]
fn panics_come_out() {
    alone(&[1, 2, 7], |_| {
        for who in 0..60 {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                parallel(60, LONG, &|c| {
                    if c == who {
                        resume_unwind(Box::new(c))
                    }
                })
            }));
            assert_eq!(panic.expect_err("a panic").downcast_ref::<usize>(), Some(&who));
            assert!(!INSIDE.get() && !COUNTED.get());
            each_once(10, LONG)
        }
    })
}

#[test]
fn work_is_cut_by_what_it_takes() {
    alone(&[2], |_| {
        assert_eq!([0.0, WORTH[1] / 2.0, WORTH[0], 1e5, 1e9].map(chunks), [1, 1, 4, 8, 8]);
        set_threads(1);
        assert_eq!(chunks(1e9), 1);
    });
    assert!(catch_unwind(|| set_threads(0)).is_err());
}
