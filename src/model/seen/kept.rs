//! Views that were made are kept for whoever sees the same data through the same bias: a comparison fits a study under dozens
//! of priors, and what stands behind a bias depends on none of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::view::View;
use crate::model::Arm;
use crate::study::{Confounder, Missing, Nuisance};

/// What a view is made from, all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub data: Data,
    pub missing: Option<Missing>,
    pub shift: Option<Nuisance>,
    pub confounder: Option<Confounder>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Data {
    Arm(Arm),
    Estimate { estimate: f64, se: f64 },
}

impl Source {
    /// Without any integral a view is made as fast as it is found.
    fn has_unknowns(&self) -> bool {
        let unknown = |n: &Nuisance| n.known().is_none();
        self.missing.as_ref().is_some_and(|m| unknown(&m.shift))
            || self.shift.as_ref().is_some_and(unknown)
            || self
                .confounder
                .as_ref()
                .is_some_and(|c| c.prevalence.iter().chain([&c.log_odds_ratio]).any(unknown))
    }
}

/// The first made are the first to go.
const MOST_KEPT: usize = 256;

type Shared = Arc<OnceLock<Arc<View>>>;

/// The view of this source: one that is kept, or a new one. Whoever comes while it is made waits for it; `make` starts no
/// parallel work, in which a thread might come to wait for itself.
pub fn view_of(source: Source, make: impl FnOnce() -> View) -> Arc<View> {
    static KEPT: Mutex<VecDeque<(Source, Shared)>> = Mutex::new(VecDeque::new());
    if !source.has_unknowns() {
        return Arc::new(make());
    }
    let shared = {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, _)| *known == source).map(|(_, shared)| Arc::clone(shared));
        found.unwrap_or_else(|| {
            if kept.len() == MOST_KEPT {
                kept.pop_front();
            }
            let shared = Shared::default();
            kept.push_back((source, Arc::clone(&shared)));
            shared
        })
    };
    Arc::clone(shared.get_or_init(|| Arc::new(make())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_view_is_made_once_for_each_source_and_what_is_known_is_not_kept() {
        let made = Cell::new(0);
        let source = |events: f64, shift: Nuisance| Source {
            data: Data::Arm(Arm { events, total: 913.0 }),
            missing: None,
            shift: Some(shift),
            confounder: None,
        };
        let ask = |source: Source| {
            let Data::Arm(arm) = source.data else { unreachable!("an arm") };
            view_of(source, || {
                made.set(made.get() + 1);
                View::Plain(arm)
            })
            .at(0.3)
        };
        let unknown = || Nuisance::LogitBeta { a: 2.5, b: 3.5 };
        let [first, again, other] = [11.0, 11.0, 12.0].map(|events| ask(source(events, unknown())));
        assert_eq!((made.get(), first), (2, again));
        assert!(first != other);
        for _ in 0..2 {
            ask(source(11.0, Nuisance::Known(0.25)));
        }
        assert_eq!(made.get(), 4);
    }
}
