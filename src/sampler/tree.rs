//! The tree of the No-U-Turn sampler, without numbers.
//!
//! A trajectory doubles in a random direction until it turns back on itself, one of its parts does, a step diverges, or it
//! has doubled often enough. Within a new half the candidate is chosen in proportion to weight; between the old part and
//! the new half in favour of the new (Betancourt 2017, appendix A.3.2). Halves that contain a turn are thrown away whole,
//! so that the trajectory could have been grown from any of its points: that is what makes the chain reversible, and what
//! the tests show by enumerating every tree on the integers.

/// Which way time runs along a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the future, by steps of positive size.
    Forward,
    /// Into the past, by steps of negative size.
    Backward,
}

/// How a choice between two candidates is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Either, in proportion to the weights.
    Multinomial,
    /// The second with probability min(1, its weight / the first's).
    Progressive,
}

/// All that the tree knows of what moves.
pub trait Trajectory {
    /// Consecutive points, with what is needed to see a turn. It has a near end, by which it was begun, and a far end.
    type Stretch;
    /// Where the chain may go next, with the weight of all points it was chosen from.
    type Candidate;

    /// One step on from the end of the trajectory in a direction; `None` if it diverges.
    fn step(&mut self, direction: Direction) -> Option<(Self::Stretch, Self::Candidate)>;

    /// Whether two adjacent stretches, the far end of `near` before the near end of `far`, turn back between their ends,
    /// or from either into the first point of the other.
    fn turns(&self, near: &Self::Stretch, far: &Self::Stretch) -> bool;

    /// Two adjacent stretches as one.
    fn join(&mut self, near: Self::Stretch, far: Self::Stretch) -> Self::Stretch;

    /// The same stretch with its ends exchanged.
    fn reverse(&mut self, stretch: Self::Stretch) -> Self::Stretch;

    /// One of two candidates, with the weight of both.
    fn choose(&mut self, first: Self::Candidate, second: Self::Candidate, choice: Choice) -> Self::Candidate;
}

/// Why a trajectory stopped growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It turned back on itself, or one of its parts did.
    Turned,
    /// A step diverged.
    Diverged,
    /// It was still growing at the limit on its depth.
    AtLimit,
}

/// A grown trajectory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grown<C> {
    /// Where the chain goes next.
    pub candidate: C,
    /// The number of doublings that were tried, the last perhaps in vain.
    pub depth: u32,
    /// Why it stopped growing.
    pub ended: Ended,
}

/// Complete parts of a half under growth, the largest first: `(doublings, stretch, candidate)`.
pub type Parts<T> = Vec<(u32, <T as Trajectory>::Stretch, <T as Trajectory>::Candidate)>;

/// Grows a trajectory from one point. Bit k of `directions` says which way doubling k goes (1 forward). `parts` is working
/// space, kept by the caller so that growing allocates nothing.
pub fn grow<T: Trajectory>(
    trajectory: &mut T,
    start: (T::Stretch, T::Candidate),
    directions: u32,
    max_depth: u32,
    parts: &mut Parts<T>,
) -> Grown<T::Candidate> {
    let (mut whole, mut candidate) = start;
    for depth in 0..max_depth {
        let direction = if directions >> depth & 1 == 1 { Direction::Forward } else { Direction::Backward };
        let (half, proposal) = match double(trajectory, depth, direction, parts) {
            Ok(half) => half,
            Err(ended) => return Grown { candidate, depth: depth + 1, ended },
        };
        candidate = trajectory.choose(candidate, proposal, Choice::Progressive);
        // The whole is kept with its near end in the past: growing backward it is seen from the other side.
        if direction == Direction::Backward {
            whole = trajectory.reverse(whole);
        }
        if trajectory.turns(&whole, &half) {
            return Grown { candidate, depth: depth + 1, ended: Ended::Turned };
        }
        whole = trajectory.join(whole, half);
        if direction == Direction::Backward {
            whole = trajectory.reverse(whole);
        }
    }
    Grown { candidate, depth: max_depth, ended: Ended::AtLimit }
}

/// A new half of 2^depth points, unless it turns or diverges. Parts of equal size are joined as soon as there are two, as
/// in a binary counter.
fn double<T: Trajectory>(
    trajectory: &mut T,
    depth: u32,
    direction: Direction,
    parts: &mut Parts<T>,
) -> Result<(T::Stretch, T::Candidate), Ended> {
    parts.clear();
    loop {
        let (mut stretch, mut candidate) = trajectory.step(direction).ok_or(Ended::Diverged)?;
        let mut level = 0;
        while parts.last().is_some_and(|part| part.0 == level) {
            let Some((_, near, first)) = parts.pop() else { break };
            if trajectory.turns(&near, &stretch) {
                return Err(Ended::Turned);
            }
            stretch = trajectory.join(near, stretch);
            candidate = trajectory.choose(first, candidate, Choice::Multinomial);
            level += 1;
        }
        if level == depth {
            return Ok((stretch, candidate));
        }
        parts.push((level, stretch, candidate));
    }
}
