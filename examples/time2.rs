use equipoise::posterior::*;
use equipoise::study::*;
use std::time::Instant;
fn main() {
    let m = std::env::args().nth(1).unwrap();
    let s = open(&m).unwrap();
    let t = Instant::now();
    let n = 20;
    for _ in 0..n {
        std::hint::black_box(analyse(&s, Options::default()));
    }
    println!("{m} {:?}", t.elapsed() / n);
}
