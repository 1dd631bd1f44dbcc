//! Published utilities of the levels of the modified Rankin scale, from 0, no symptoms, to 6, death.

use super::Utilities;

/// A published set.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct UtilitySet {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// One value a level of the modified Rankin scale, from 0 on.
    pub values: &'static [f64],
    /// Where it is published.
    pub citation: &'static str,
}

/// The sets that are known by name. That of Irie and others has no value for death, and is for the levels 0 to 5.
pub const UTILITY_SETS: [UtilitySet; 4] = [
    UtilitySet {
        name: "dawn",
        title: "utility-weighted mRS of the DAWN trial",
        values: &[1.0, 0.91, 0.76, 0.65, 0.33, 0.0, 0.0],
        citation: "Chaisinanunkul et al., Stroke 2015;46:2238, doi:10.1161/STROKEAHA.114.008547",
    },
    UtilitySet {
        name: "eq-5d",
        title: "EQ-5D utilities of 22,946 patients of eight trials",
        values: &[0.96, 0.83, 0.72, 0.54, 0.22, -0.18, 0.0],
        citation: "Wang et al., Stroke 2020",
    },
    UtilitySet {
        name: "who-gbd",
        title: "1 − disability weights by the method of the Global Burden of Disease project",
        values: &[1.0, 0.954, 0.788, 0.669, 0.348, 0.056, 0.0],
        citation: "Hong and Saver, Stroke 2009",
    },
    UtilitySet {
        name: "japan",
        title: "EQ-5D-5L utilities of 1,452 patients in Japan, without death",
        values: &[0.9, 0.85, 0.74, 0.62, 0.41, 0.28],
        citation: "Irie et al., Qual Life Res 2026, doi:10.1007/s11136-025-04114-7",
    },
];

impl UtilitySet {
    /// The set of this name.
    pub fn find(name: &str) -> Option<&'static UtilitySet> {
        UTILITY_SETS.iter().find(|set| set.name == name)
    }

    /// The set as an outcome's utilities.
    pub fn utilities(&self) -> Utilities {
        Utilities { values: self.values.to_vec(), set: Some(self.name.to_string()) }
    }
}
