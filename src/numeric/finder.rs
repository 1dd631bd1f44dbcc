//! Which interval between uneven nodes a point lies in, without a search through all of them.

/// Buckets for each doubling of the distance from the centre: a power of two.
const LOG_BUCKETS: u32 = 5;

/// Node spacings in the length with which distances from the centre are compared.
const SPACINGS: f64 = 16.0;

/// Nodes that are dense somewhere and stretch outward from there, sorted into buckets whose width grows alike.
///
/// A bucket is read off the bits of a number: its exponent and the first bits of its fraction.
#[derive(Debug, Clone)]
pub struct Finder {
    centre: f64,
    scale: f64,
    /// Buckets below the centre.
    below: usize,
    /// For each bucket the first inner node (counted without the first node of all) in it or beyond.
    starts: Vec<u32>,
}

impl Finder {
    /// At least two nodes, which increase.
    pub fn new(nodes: &[f64]) -> Finder {
        let mut densest = 0;
        let spacing = |i: usize| nodes[i + 1] - nodes[i];
        for i in 1..nodes.len() - 1 {
            if spacing(i) < spacing(densest) {
                densest = i;
            }
        }
        let mut finder = Finder {
            centre: nodes[densest],
            scale: SPACINGS * spacing(densest),
            below: 0,
            starts: Vec::new(),
        };
        finder.below = 1 + finder.octave_part(finder.centre - nodes[0]);
        let above = 1 + finder.octave_part(nodes[nodes.len() - 1] - finder.centre);
        let buckets = finder.below + above;
        finder.starts.reserve_exact(buckets + 1);
        let inner = &nodes[1..nodes.len() - 1];
        for (i, &node) in inner.iter().enumerate() {
            let bucket = finder.bucket(node).min(buckets);
            while finder.starts.len() <= bucket {
                finder.starts.push(i as u32);
            }
        }
        finder.starts.resize(buckets + 1, inner.len() as u32);
        finder
    }

    /// Which interval, from 0, holds `x`; a node belongs to the interval above it. What lies outside is in the outermost.
    #[inline]
    pub fn interval(&self, nodes: &[f64], x: f64) -> usize {
        let bucket = self.bucket(x).min(self.starts.len() - 2);
        let (from, to) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        let inner = &nodes[1..nodes.len() - 1];
        from + inner[from..to].partition_point(|&node| node <= x)
    }

    /// It never decreases with `x`.
    #[inline]
    fn bucket(&self, x: f64) -> usize {
        if x >= self.centre {
            self.below + self.octave_part(x - self.centre)
        } else {
            self.below.saturating_sub(1 + self.octave_part(self.centre - x))
        }
    }

    #[inline]
    fn octave_part(&self, distance: f64) -> usize {
        let key = |x: f64| x.to_bits() >> (52 - LOG_BUCKETS);
        (key(self.scale + distance) - key(self.scale)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_found_where_a_search_through_all_nodes_finds_it() {
        let stretched: Vec<f64> = (-60..200).map(|j| 0.3 + 2.0 * libm::sinh(0.08 * f64::from(j))).collect();
        let even: Vec<f64> = (0..700).map(|j| -3.0 + 0.01 * f64::from(j)).collect();
        let uneven = vec![-1e9, -3.0, -2.999, 0.0, 4.0, 4.5, 1e12];
        for nodes in [stretched, even, uneven, vec![0.0, 1.0], vec![0.0, 1.0, 1.5]] {
            let finder = Finder::new(&nodes);
            let between = nodes.windows(2).map(|w| 0.5 * (w[0] + w[1]));
            let beyond = [nodes[0] - 1e-3, nodes[0] - 1e20, nodes[nodes.len() - 1] + 1e-3, 1e300, f64::NAN];
            for x in nodes.iter().copied().chain(between).chain(beyond) {
                let expected = nodes[1..nodes.len() - 1].partition_point(|&node| node <= x);
                if !x.is_nan() {
                    assert_eq!(finder.interval(&nodes, x), expected, "{x} among {} nodes", nodes.len());
                } else {
                    assert!(finder.interval(&nodes, x) < nodes.len() - 1);
                }
            }
        }
    }
}
