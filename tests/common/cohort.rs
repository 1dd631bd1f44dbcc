//! Patients as weighting takes them.

use equipoise::weighting::Cohort;

/// One patient: subgroup, arm, whether with the event, covariates.
pub type Row = (u32, u8, bool, Vec<f64>);

/// The cohort of these patients, each of whom stands for so many, of so many subgroups and arms; covariates are standardised, each
/// row counting once.
pub fn cohort(
    sizes: (usize, usize),
    rows: &[Row],
    patients: impl Fn(usize) -> f64,
    given: Option<&[f64]>,
) -> Cohort {
    let mut columns: Vec<Vec<f64>> =
        (0..rows[0].3.len()).map(|k| rows.iter().map(|r| r.3[k]).collect::<Vec<f64>>()).collect();
    for column in &mut columns {
        let n = column.len() as f64;
        let mean = column.iter().sum::<f64>() / n;
        let sd = (column.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt();
        column.iter_mut().for_each(|x| *x = (*x - mean) / sd);
    }
    let subgroup: Vec<u32> = rows.iter().map(|r| r.0).collect();
    let arm: Vec<u8> = rows.iter().map(|r| r.1).collect();
    let totals: Vec<f64> = (0..rows.len()).map(patients).collect();
    let events: Vec<f64> = rows.iter().zip(&totals).map(|(r, n)| if r.2 { *n } else { 0.0 }).collect();
    Cohort::of_patterns(sizes, (&subgroup, &arm), (&events, &totals), &columns, given)
}
