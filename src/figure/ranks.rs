//! Ranks of true values beside uniform ones: how far their distribution function is from a straight line, and how far it may be.

use crate::calibrate::{DRAWS, Quantity, Validation};

/// One value of the distribution function of ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankPoint {
    /// The share of all ranks below, where they are uniform.
    pub at: f64,
    /// By how much the share of ranks below is higher.
    pub difference: f64,
    /// The same of the fewest and of the most ranks that the band allows.
    pub band: [f64; 2],
}

/// One quantity's ranks.
#[derive(Debug, Clone, PartialEq)]
pub struct RankPanel {
    /// Of which quantity.
    pub quantity: Quantity,
    /// Whether they leave their band.
    pub departs: bool,
    /// From 0.01 to 0.99.
    pub points: Vec<RankPoint>,
}

/// A panel for each quantity that has ranks.
pub fn rank_panels(validation: &Validation) -> Vec<RankPanel> {
    let panels = validation.checked.iter().filter(|checked| checked.ranks > 0).map(|checked| {
        let n = checked.ranks as f64;
        let point = |((below, band), k): ((&usize, &[usize; 2]), usize)| {
            let at = k as f64 / (DRAWS + 1) as f64;
            let from_line = |count: usize| count as f64 / n - at;
            RankPoint { at, difference: from_line(*below), band: band.map(from_line) }
        };
        RankPanel {
            quantity: checked.quantity,
            departs: !checked.faults.is_empty(),
            points: checked.below.iter().zip(&checked.band).zip(1..).map(point).collect(),
        }
    });
    panels.collect()
}
