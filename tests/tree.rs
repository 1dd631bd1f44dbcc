//! The tree of the No-U-Turn sampler balances exactly: w(x) P(x → y) = w(y) P(y → x) for all x and y.
//!
//! The tree walks on the integers, where each position has a declared weight, some diverge and some stretches
//! turn. A candidate is here no sample but the whole distribution of one, in fractions: choosing mixes two
//! distributions with the probabilities of the choice. Growing once for each of the 2^depth direction words
//! so gives P itself. Nothing is sampled and nothing is rounded: fractions are reduced ratios of `u128`, and
//! an overflow panics.
//!
//! Balance alone would be kept by a tree that never moves, so each trajectory is also held against a plain
//! recursive statement of which points it may hold, and two distributions against values worked by hand. That
//! the comparison can fail is shown by rules that are known to be wrong. Every walk checks on its way that
//! stretches meet end to end.

use std::cell::Cell;
use std::collections::BTreeMap;

use equipoise::sampler::tree::{Choice, Direction, Ended, Grown, Parts, Trajectory, grow};

/// A ratio in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fraction {
    numerator: u128,
    denominator: u128,
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn product(a: u128, b: u128) -> u128 {
    a.checked_mul(b).expect("the fraction fits")
}

impl Fraction {
    const ONE: Fraction = Fraction { numerator: 1, denominator: 1 };

    fn new(numerator: u128, denominator: u128) -> Fraction {
        let common = gcd(numerator, denominator);
        Fraction { numerator: numerator / common, denominator: denominator / common }
    }

    fn times(self, other: Fraction) -> Fraction {
        let (a, b) = (gcd(self.numerator, other.denominator), gcd(other.numerator, self.denominator));
        Fraction {
            numerator: product(self.numerator / a, other.numerator / b),
            denominator: product(self.denominator / b, other.denominator / a),
        }
    }

    fn plus(self, other: Fraction) -> Fraction {
        let common = gcd(self.denominator, other.denominator);
        let (a, b) = (other.denominator / common, self.denominator / common);
        let sum = product(self.numerator, a).checked_add(product(other.numerator, b));
        Fraction::new(sum.expect("the fraction fits"), product(self.denominator, a))
    }
}

fn sum(fractions: impl IntoIterator<Item = Fraction>) -> Fraction {
    fractions.into_iter().fold(Fraction::new(0, 1), Fraction::plus)
}

/// Consecutive integers, seen in the direction in which they were reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    near: i64,
    far: i64,
    direction: Direction,
}

/// The position next to one in a direction.
fn beyond(position: i64, direction: Direction) -> i64 {
    match direction {
        Direction::Forward => position + 1,
        Direction::Backward => position - 1,
    }
}

impl Stretch {
    fn of(position: i64, direction: Direction) -> Stretch {
        Stretch { near: position, far: position, direction }
    }

    fn lowest(&self) -> i64 {
        self.near.min(self.far)
    }

    fn size(&self) -> u64 {
        self.near.abs_diff(self.far) + 1
    }

    /// Two stretches as one, if they are what the tree may put together: halves of the same size, seen in the
    /// same direction, the far end of the one next to the near end of the other.
    fn joined(near: &Stretch, far: &Stretch) -> Stretch {
        assert_eq!(near.direction, far.direction, "{near:?} and {far:?} are seen in one direction");
        assert_eq!(beyond(near.far, near.direction), far.near, "{near:?} ends where {far:?} begins");
        assert_eq!(near.size(), far.size(), "{near:?} and {far:?} are halves");
        Stretch { near: near.near, far: far.far, direction: near.direction }
    }
}

/// Where the chain may go next: the chance of each of the points from `lowest` on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    lowest: i64,
    weight: u128,
    chances: Vec<Fraction>,
}

impl Candidate {
    fn of(position: i64, weight: u128) -> Candidate {
        Candidate { lowest: position, weight, chances: vec![Fraction::ONE] }
    }

    fn end(&self) -> i64 {
        self.lowest + self.chances.len() as i64
    }

    /// Each point with its chance, where there is one.
    fn possible(&self) -> impl Iterator<Item = (i64, Fraction)> {
        (self.lowest..).zip(self.chances.iter().copied()).filter(|(_, chance)| chance.numerator > 0)
    }
}

type Turning = Box<dyn Fn(&Stretch, &Stretch) -> bool>;

/// What is declared of the integers.
struct World {
    weight: Box<dyn Fn(i64) -> u128>,
    diverges: Box<dyn Fn(i64) -> bool>,
    turns: Turning,
    /// How a choice is made when the tree asks for one: as asked, except where a test says otherwise.
    made: fn(Choice) -> Choice,
}

impl World {
    /// Neither turns nor divergences.
    fn endless(weight: impl Fn(i64) -> u128 + 'static) -> World {
        World {
            weight: Box::new(weight),
            diverges: Box::new(|_| false),
            turns: Box::new(|_, _| false),
            made: |asked| asked,
        }
    }

    fn diverging(self, diverges: impl Fn(i64) -> bool + 'static) -> World {
        World { diverges: Box::new(diverges), ..self }
    }

    fn turning(self, turns: impl Fn(&Stretch, &Stretch) -> bool + 'static) -> World {
        World { turns: Box::new(turns), ..self }
    }

    fn choosing(self, made: fn(Choice) -> Choice) -> World {
        World { made, ..self }
    }
}

/// A pseudo-random number that belongs to a seed and two positions (the finaliser of SplitMix64).
fn noise(seed: u64, a: i64, b: i64) -> u64 {
    let mut z = seed;
    for word in [a, b] {
        z = (z ^ word as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
    }
    z
}

/// Weights from 1 to `most`.
fn uneven(seed: u64, most: u64) -> impl Fn(i64) -> u128 {
    move |position| 1 + u128::from(noise(seed, position, 1) % most)
}

/// Weights from 1 to 2^20, as many small ones as large ones.
fn steep(seed: u64) -> impl Fn(i64) -> u128 {
    move |position| 1 << (noise(seed, position, 2) % 21)
}

/// A share of all pairs of adjacent stretches turns: a property of the two as a set, whichever was there
/// first.
fn declared(seed: u64, percent: u64) -> impl Fn(&Stretch, &Stretch) -> bool {
    move |near, far| {
        let (a, b) = (near.lowest(), far.lowest());
        noise(seed, a.min(b), a.max(b)) % 100 < percent
    }
}

/// Velocity of a ball between two walls: a triangle wave of period 24 that passes zero at 6 and 18.
fn velocity(position: i64) -> i64 {
    6 - (position.rem_euclid(24) - 12).abs()
}

/// The generalised U-turn criterion with both of its extra checks (STATISTICS.md, section 4), for the ball.
fn u_turn(near: &Stretch, far: &Stretch) -> bool {
    let total = |s: &Stretch| (0..s.size() as i64).map(|i| velocity(s.lowest() + i)).sum::<i64>();
    let onward = |begin: i64, end: i64, rho: i64| velocity(begin) * rho > 0 && velocity(end) * rho > 0;
    !(onward(near.near, far.far, total(near) + total(far))
        && onward(near.near, far.near, total(near) + velocity(far.near))
        && onward(near.far, far.far, velocity(near.far) + total(far)))
}

/// A trajectory on the integers.
struct Walk<'a> {
    world: &'a World,
    lowest: i64,
    highest: i64,
    steps: u32,
    /// After a turn or a divergence the tree asks for nothing more.
    over: Cell<bool>,
}

impl<'a> Walk<'a> {
    fn new(world: &'a World, start: i64) -> Walk<'a> {
        Walk { world, lowest: start, highest: start, steps: 0, over: Cell::new(false) }
    }

    fn leaf(&self, position: i64, direction: Direction) -> (Stretch, Candidate) {
        (Stretch::of(position, direction), Candidate::of(position, (self.world.weight)(position)))
    }
}

impl Trajectory for Walk<'_> {
    type Stretch = Stretch;
    type Candidate = Candidate;

    fn step(&mut self, direction: Direction) -> Option<(Stretch, Candidate)> {
        assert!(!self.over.get(), "a trajectory that is over goes no further");
        self.steps += 1;
        let end = match direction {
            Direction::Forward => &mut self.highest,
            Direction::Backward => &mut self.lowest,
        };
        *end = beyond(*end, direction);
        let position = *end;
        self.over.set((self.world.diverges)(position));
        (!self.over.get()).then(|| self.leaf(position, direction))
    }

    fn turns(&self, near: &Stretch, far: &Stretch) -> bool {
        assert!(!self.over.get(), "a trajectory that is over turns no more");
        Stretch::joined(near, far);
        self.over.set((self.world.turns)(near, far));
        self.over.get()
    }

    fn join(&mut self, near: Stretch, far: Stretch) -> Stretch {
        assert!(!self.over.get(), "a trajectory that is over grows no more");
        Stretch::joined(&near, &far)
    }

    fn reverse(&mut self, stretch: Stretch) -> Stretch {
        let direction = match stretch.direction {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        };
        Stretch { near: stretch.far, far: stretch.near, direction }
    }

    fn choose(&mut self, first: Candidate, second: Candidate, choice: Choice) -> Candidate {
        assert!(!self.over.get(), "nothing is chosen from a trajectory that is over");
        assert_eq!(first.chances.len(), second.chances.len(), "candidates are of halves");
        assert!(
            first.end() == second.lowest || second.end() == first.lowest,
            "halves meet and share no point"
        );
        let weight = first.weight + second.weight;
        let (second_taken, of) = match (self.world.made)(choice) {
            Choice::Multinomial => (second.weight, weight),
            Choice::Progressive => (second.weight.min(first.weight), first.weight),
        };
        let scaled = |candidate: &Candidate, share: Fraction| -> Vec<Fraction> {
            candidate.chances.iter().map(|chance| chance.times(share)).collect()
        };
        let from_first = scaled(&first, Fraction::new(of - second_taken, of));
        let from_second = scaled(&second, Fraction::new(second_taken, of));
        let chances = match first.lowest < second.lowest {
            true => [from_first, from_second].concat(),
            false => [from_second, from_first].concat(),
        };
        Candidate { lowest: first.lowest.min(second.lowest), weight, chances }
    }
}

/// Grows from a position by one direction word; also the steps that took.
fn grown<'a>(
    world: &'a World,
    start: i64,
    word: u32,
    max_depth: u32,
    parts: &mut Parts<Walk<'a>>,
) -> (Grown<Candidate>, u32) {
    let mut walk = Walk::new(world, start);
    let leaf = walk.leaf(start, Direction::Forward);
    let grown = grow(&mut walk, leaf, word, max_depth, parts);
    (grown, walk.steps)
}

/// All positions a chain can be at, of enough that every distance a trajectory can bridge is among them.
fn starts(world: &World, max_depth: u32) -> impl Iterator<Item = i64> {
    let reach = 1_i64 << max_depth;
    (-reach..=reach).filter(|&position| !(world.diverges)(position))
}

/// w(x) P(x → y | word) for every y and each direction word under which there is any.
fn flows(world: &World, x: i64, max_depth: u32) -> BTreeMap<i64, Vec<Fraction>> {
    let mut flows: BTreeMap<i64, Vec<Fraction>> = BTreeMap::new();
    let weight = Fraction::new((world.weight)(x), 1);
    let mut parts = Vec::new();
    for word in 0..1 << max_depth {
        let candidate = grown(world, x, word, max_depth, &mut parts).0.candidate;
        let total = sum(candidate.chances.iter().copied());
        assert_eq!(total, Fraction::ONE, "the chances from {x} by {word:b} sum to one");
        for (y, chance) in candidate.possible() {
            flows.entry(y).or_default().push(weight.times(chance));
        }
    }
    flows
}

/// Whether two sums are the same. Terms they share are struck out first, which keeps the denominators small.
fn same_sum(there: &[Fraction], back: &[Fraction]) -> bool {
    let mut only_there = Vec::new();
    let mut only_back = back.to_vec();
    for &term in there {
        match only_back.iter().position(|&other| other == term) {
            Some(i) => drop(only_back.swap_remove(i)),
            None => only_there.push(term),
        }
    }
    sum(only_there) == sum(only_back)
}

/// The first pair between which more flows one way than the other.
fn unbalanced(world: &World, max_depth: u32) -> Option<(i64, i64)> {
    let rows: BTreeMap<i64, _> = starts(world, max_depth).map(|x| (x, flows(world, x, max_depth))).collect();
    let flow = |x: &i64, y: &i64| rows[x].get(y).map_or(&[][..], Vec::as_slice);
    let pairs = rows.keys().flat_map(|x| rows.keys().map(move |y| (x, y))).filter(|(x, y)| x < y);
    pairs.into_iter().find(|(x, y)| !same_sum(flow(x, y), flow(y, x))).map(|(&x, &y)| (x, y))
}

fn assert_balance(what: &str, world: &World, max_depth: u32) {
    assert_eq!(unbalanced(world, max_depth), None, "{what}, depth {max_depth}");
}

/// Pseudo-random worlds with turns and divergences, from few of them to many.
fn random_worlds(count: u64) -> impl Iterator<Item = (u64, World)> {
    (0..count).map(|seed| {
        let (turning, diverging) = ([2, 8, 25, 50][seed as usize % 4], [0, 3, 10][seed as usize % 3]);
        let world = World::endless(uneven(seed, 20))
            .turning(declared(seed, turning))
            .diverging(move |position| noise(seed, position, 3) % 100 < diverging);
        (seed, world)
    })
}

#[test]
fn every_point_balances_with_every_other_when_only_the_limit_stops_a_trajectory() {
    for max_depth in 0..=5 {
        assert_balance("even weights", &World::endless(|_| 1), max_depth);
        assert_balance("uneven weights", &World::endless(uneven(7, 9)), max_depth);
    }
}

#[test]
fn every_point_balances_with_every_other_when_weights_differ_a_millionfold() {
    for seed in 0..6 {
        for max_depth in 1..=4 {
            assert_balance("steep weights", &World::endless(steep(seed)), max_depth);
        }
        let turning = World::endless(steep(seed)).turning(declared(seed, 10));
        assert_balance("steep weights and turns", &turning, 4);
    }
    let peak = World::endless(|position| if position == 0 { 1 << 40 } else { 1 });
    let pit = World::endless(|position| if position == 0 { 1 } else { 1 << 40 });
    for max_depth in 1..=2 {
        assert_balance("a peak", &peak, max_depth);
        assert_balance("a pit", &pit, max_depth);
    }
}

#[test]
fn every_point_balances_with_every_other_under_the_u_turn_criterion() {
    for max_depth in 1..=5 {
        assert_balance("even weights", &World::endless(|_| 1).turning(u_turn), max_depth);
        assert_balance("uneven weights", &World::endless(uneven(11, 9)).turning(u_turn), max_depth);
    }
}

#[test]
fn every_point_balances_with_every_other_around_divergent_points() {
    let places: [&[i64]; 6] = [&[0], &[1], &[-3, 4], &[-1, 0, 6], &[-7, -2, 3], &[-8, 7]];
    for places in places {
        for max_depth in 1..=4 {
            let world = World::endless(uneven(3, 12)).diverging(|position| places.contains(&position));
            assert_balance(&format!("divergent at {places:?}"), &world, max_depth);
            let world = world.turning(declared(5, 10));
            assert_balance(&format!("divergent at {places:?} and turning"), &world, max_depth);
        }
    }
}

#[test]
fn every_point_balances_with_every_other_whatever_stretches_turn() {
    for (seed, world) in random_worlds(120) {
        for max_depth in 1..=4 {
            assert_balance(&format!("world {seed}"), &world, max_depth);
        }
    }
    for (seed, world) in random_worlds(8) {
        assert_balance(&format!("world {seed}"), &world, 5);
    }
}

#[test]
fn a_choice_by_weight_between_old_and_new_would_balance_too() {
    for (seed, world) in random_worlds(12) {
        let world = world.choosing(|_| Choice::Multinomial);
        assert_balance(&format!("world {seed}"), &world, 3);
    }
}

#[test]
fn preferring_the_new_within_a_half_would_break_balance() {
    let world = World::endless(uneven(7, 9)).choosing(|_| Choice::Progressive);
    assert_eq!(unbalanced(&world, 1), None, "one doubling has no parts");
    assert!(unbalanced(&world, 2).is_some());
    for (seed, world) in random_worlds(12).filter(|(seed, _)| seed % 4 == 0) {
        assert!(unbalanced(&world.choosing(|_| Choice::Progressive), 3).is_some(), "world {seed}");
    }
}

#[test]
fn a_turn_seen_in_one_direction_only_would_break_balance() {
    let one_way = |near: &Stretch, _: &Stretch| near.direction == Direction::Forward && near.far == 0;
    assert!(unbalanced(&World::endless(|_| 1).turning(one_way), 2).is_some());
    let both_ways = |near: &Stretch, far: &Stretch| near.far.min(far.near) == 0;
    assert_balance("the same turn in both", &World::endless(|_| 1).turning(both_ways), 2);
}

/// Why a half of `size` points from `near` on can't be had, if it can't: the first flaw in time.
fn flaw(world: &World, near: i64, size: i64, direction: Direction) -> Option<Ended> {
    if size == 1 {
        return (world.diverges)(near).then_some(Ended::Diverged);
    }
    let half = size / 2;
    let sign = beyond(0, direction);
    let [first, second] =
        [near, near + sign * half].map(|near| Stretch { near, far: near + sign * (half - 1), direction });
    flaw(world, first.near, half, direction)
        .or_else(|| flaw(world, second.near, half, direction))
        .or_else(|| (world.turns)(&first, &second).then_some(Ended::Turned))
}

/// What a trajectory may choose from, the doublings it tries, and why it ends: a half with a flaw counts for
/// nothing, a whole that turns is the last.
fn allowed(world: &World, start: i64, word: u32, max_depth: u32) -> (i64, i64, u32, Ended) {
    let (mut lowest, mut end) = (start, start + 1);
    for depth in 0..max_depth {
        let size = 1 << depth;
        let (direction, near) = match word >> depth & 1 {
            1 => (Direction::Forward, end),
            _ => (Direction::Backward, lowest - 1),
        };
        if let Some(ended) = flaw(world, near, size, direction) {
            return (lowest, end, depth + 1, ended);
        }
        match direction {
            Direction::Forward => end += size,
            Direction::Backward => lowest -= size,
        }
        let [low, high] = [lowest, lowest + size].map(|near| Stretch {
            near,
            far: near + size - 1,
            direction: Direction::Forward,
        });
        if (world.turns)(&low, &high) {
            return (lowest, end, depth + 1, Ended::Turned);
        }
    }
    (lowest, end, max_depth, Ended::AtLimit)
}

#[test]
fn points_of_a_half_that_turns_or_diverges_are_never_candidates_and_all_others_are() {
    let mut seen = [0; 3];
    let balls = World::endless(uneven(11, 9)).turning(u_turn);
    for (seed, world) in random_worlds(60).chain([(60, balls)]) {
        let mut parts = Vec::new();
        for start in starts(&world, 4) {
            for word in 0..1 << 5 {
                let (grown, _) = grown(&world, start, word, 5, &mut parts);
                let found = (grown.candidate.lowest, grown.candidate.end(), grown.depth, grown.ended);
                assert_eq!(found, allowed(&world, start, word, 5), "world {seed}, from {start} by {word:b}");
                seen[grown.ended as usize] += 1;
            }
        }
    }
    assert!(seen.iter().all(|&times| times > 100), "all ends are met: {seen:?}");
}

#[test]
fn every_point_is_visited_and_weighed_once_and_no_more_steps_are_taken_than_points_are_wanted() {
    for (seed, world) in random_worlds(60) {
        let mut parts = Vec::new();
        for start in starts(&world, 3) {
            for word in 0..1 << 5 {
                let (Grown { candidate, depth, ended }, steps) = grown(&world, start, word, 5, &mut parts);
                let what = format!("world {seed}, from {start} by {word:b}");
                let weight: u128 = (candidate.lowest..candidate.end()).map(&world.weight).sum();
                assert_eq!(candidate.weight, weight, "{what}");
                assert!(steps < 1 << depth, "{what}: {steps} steps in {depth} doublings");
                assert!(candidate.chances.len() as u32 <= steps + 1, "{what}");
                if ended == Ended::AtLimit {
                    assert_eq!((steps, depth), ((1 << 5) - 1, 5), "{what}");
                }
            }
        }
    }
}

#[test]
fn without_doublings_the_chain_stays_where_it_is() {
    let world = World::endless(uneven(1, 9));
    for word in [0, 1, u32::MAX] {
        let (grown, steps) = grown(&world, 5, word, 0, &mut Vec::new());
        let candidate = Candidate::of(5, (world.weight)(5));
        assert_eq!(grown, Grown { candidate, depth: 0, ended: Ended::AtLimit });
        assert_eq!(steps, 0);
    }
}

#[test]
fn chances_are_those_worked_by_hand() {
    let chances = |world: &World, word, max_depth| {
        let candidate = grown(world, 0, word, max_depth, &mut Vec::new()).0.candidate;
        candidate.possible().map(|(y, p)| (y, p.numerator, p.denominator)).collect::<Vec<_>>()
    };
    // Forward, then forward: 2/4 of the way from 0 to 1; then 3/6 of the way into {2, 3}, where it is 1 to 2.
    let world = World::endless(|position| [4, 2, 1, 2][position as usize]);
    assert_eq!(chances(&world, 0b11, 2), [(0, 1, 4), (1, 1, 4), (2, 1, 6), (3, 1, 3)]);
    // Backward, then forward: 0 is left for the heavier −1, and 3/4 of the time that for {1, 2}.
    let world = World::endless(|position| [3, 1, 1, 2][(position + 1) as usize]);
    assert_eq!(chances(&world, 0b10, 2), [(-1, 1, 4), (1, 1, 4), (2, 1, 2)]);
}

#[test]
#[should_panic(expected = "ends where")]
fn a_stretch_seen_from_its_wrong_end_is_noticed() {
    let world = World::endless(|_| 1);
    let stretch = |near, far| Stretch { near, far, direction: Direction::Forward };
    Walk::new(&world, 0).turns(&stretch(1, 0), &stretch(2, 3));
}
