//! A small SVG writer: shapes with presentation attributes, so that a picture stands by itself and a page's style sheet can
//! still recolour it by class. All text is escaped.

use std::fmt::Write;

/// A picture in the making, in units of a CSS pixel.
#[derive(Debug, Clone)]
pub struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

/// Where a text's anchor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// What is drawn with: a role, which has one colour on paper and another on a dark page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Text and axes.
    Text,
    /// Secondary text, grid lines.
    Faint,
    Grid,
    /// The posterior, benefit.
    First,
    /// Harm.
    Second,
    /// Priors.
    Third,
    /// What the data say alone.
    Raw,
    /// A fourth and a fifth of several curves.
    Fourth,
    Fifth,
    /// The page itself.
    Paper,
}

impl Ink {
    /// The ink of the `k`-th curve. Curves differ in line style too, so that they can be told apart in grey print.
    pub fn of_curve(k: usize) -> Ink {
        [Ink::First, Ink::Second, Ink::Third, Ink::Fourth, Ink::Fifth][k % 5]
    }

    /// Okabe & Ito's colours, told apart by readers with any colour vision; darkened where they would be too pale on white.
    pub fn on_paper(self) -> &'static str {
        match self {
            Ink::Text => "#1b1b1b",
            Ink::Faint => "#5f5f5f",
            Ink::Grid => "#d9d9d9",
            Ink::First => "#0072b2",
            Ink::Second => "#c04f00",
            Ink::Third => "#8a6d00",
            Ink::Raw => "#6b6b6b",
            Ink::Fourth => "#007a5a",
            Ink::Fifth => "#a8437c",
            Ink::Paper => "#ffffff",
        }
    }

    /// The class by which a page recolours it.
    pub fn class(self) -> &'static str {
        match self {
            Ink::Text => "text",
            Ink::Faint => "faint",
            Ink::Grid => "grid",
            Ink::First => "first",
            Ink::Second => "second",
            Ink::Third => "third",
            Ink::Raw => "raw",
            Ink::Fourth => "fourth",
            Ink::Fifth => "fifth",
            Ink::Paper => "paper",
        }
    }
}

/// Dashes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    Solid,
    Dashed,
    Dotted,
    DashDotted,
}

impl Stroke {
    pub fn of_curve(k: usize) -> Stroke {
        [Stroke::Solid, Stroke::Dashed, Stroke::Dotted, Stroke::DashDotted][k % 4]
    }

    fn dashes(self) -> &'static str {
        match self {
            Stroke::Solid => "",
            Stroke::Dashed => " stroke-dasharray=\"7 4\"",
            Stroke::Dotted => " stroke-dasharray=\"2 3\"",
            Stroke::DashDotted => " stroke-dasharray=\"8 3 2 3\"",
        }
    }
}

/// The size of ordinary text.
pub const TEXT: f64 = 13.0;

/// The font: a page's own, else what any machine has.
const FONT: &str = "'Equipoise Sans','DejaVu Sans',Verdana,Arial,sans-serif";

/// Text in which markup stays text.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in XML, whatever the escape.
            c if c.is_control() && !matches!(c, '\t' | '\n') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate: two decimals, and never "-0".
fn at(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_string() } else { text.to_string() }
}

/// How wide a text is, roughly: the font's widths in thousandths of its size, by kind of letter.
pub fn width_of(text: &str, size: f64) -> f64 {
    let of = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' => 0.32,
        'f' | 'r' | 't' | ' ' | '(' | ')' | '[' | ']' | '/' | '-' | '\u{2011}' => 0.39,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.95,
        '−' | '+' | '<' | '>' | '=' | '≥' | '≤' | '±' | '×' | '∞' => 0.84,
        'A'..='Z' => 0.72,
        _ => 0.63,
    };
    size * text.chars().map(of).sum::<f64>()
}

/// Lines of at most this width, broken at spaces.
pub fn lines_within(text: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width_of(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// So much wider is bold text.
const BOLD: f64 = 1.15;

/// At most so many lines of this width; the last ends with "…" where words are left out.
pub fn first_lines(text: &str, width: f64, size: f64, most: usize) -> Vec<String> {
    let mut lines = lines_within(text, width, size);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

impl Canvas {
    pub fn new(width: f64, height: f64) -> Canvas {
        Canvas { width, height, body: String::new() }
    }

    pub fn line(&mut self, (x0, y0): (f64, f64), (x1, y1): (f64, f64), ink: Ink, width: f64, stroke: Stroke) {
        let _ = writeln!(
            self.body,
            "<line class=\"s-{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\" stroke-width=\"{}\"{}/>",
            ink.class(),
            at(x0),
            at(y0),
            at(x1),
            at(y1),
            ink.on_paper(),
            at(width),
            stroke.dashes()
        );
    }

    /// A curve through points; gaps where one is not finite.
    pub fn curve(&mut self, points: &[(f64, f64)], ink: Ink, width: f64, stroke: Stroke) {
        let mut path = String::new();
        let mut pen_down = false;
        for &(x, y) in points {
            if !x.is_finite() || !y.is_finite() {
                pen_down = false;
                continue;
            }
            let _ = write!(path, "{}{} {}", if pen_down { "L" } else { "M" }, at(x), at(y));
            pen_down = true;
        }
        if path.is_empty() {
            return;
        }
        let _ = writeln!(
            self.body,
            "<path class=\"s-{}\" d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{}/>",
            ink.class(),
            ink.on_paper(),
            at(width),
            stroke.dashes()
        );
    }

    /// A filled shape through points.
    pub fn area(&mut self, points: &[(f64, f64)], ink: Ink, opacity: f64) {
        let path: Vec<String> = points
            .iter()
            .enumerate()
            .map(|(i, &(x, y))| format!("{}{} {}", if i == 0 { "M" } else { "L" }, at(x), at(y)))
            .collect();
        if path.len() < 3 {
            return;
        }
        let _ = writeln!(
            self.body,
            "<path class=\"f-{}\" d=\"{}Z\" fill=\"{}\" fill-opacity=\"{}\"/>",
            ink.class(),
            path.concat(),
            ink.on_paper(),
            at(opacity)
        );
    }

    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), ink: Ink, opacity: f64) {
        let _ = writeln!(
            self.body,
            "<rect class=\"f-{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" fill-opacity=\"{}\"/>",
            ink.class(),
            at(x),
            at(y),
            at(width),
            at(height),
            ink.on_paper(),
            at(opacity)
        );
    }

    /// A dot; hollow ones have the page's colour inside.
    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, ink: Ink, filled: bool) {
        let (class, fill) = if filled {
            (format!("f-{0} s-{0}", ink.class()), ink.on_paper())
        } else {
            (format!("f-paper s-{}", ink.class()), Ink::Paper.on_paper())
        };
        let _ = writeln!(
            self.body,
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\" stroke=\"{}\" stroke-width=\"1.5\"/>",
            at(x),
            at(y),
            at(radius),
            ink.on_paper()
        );
    }

    pub fn text(&mut self, (x, y): (f64, f64), text: &str, anchor: Anchor, size: f64, ink: Ink) {
        self.put_text((x, y), text, anchor, size, ink, "");
    }

    pub fn bold(&mut self, (x, y): (f64, f64), text: &str, anchor: Anchor, size: f64, ink: Ink) {
        self.put_text((x, y), text, anchor, size, ink, " font-weight=\"bold\"");
    }

    fn put_text(&mut self, (x, y): (f64, f64), text: &str, anchor: Anchor, size: f64, ink: Ink, more: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.body,
            "<text class=\"f-{}\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" font-size=\"{}\" fill=\"{}\"{more}>{}</text>",
            ink.class(),
            at(x),
            at(y),
            at(size),
            ink.on_paper(),
            escaped(text)
        );
    }

    pub fn width(&self) -> f64 {
        self.width
    }

    /// Room below everything that is there; returns where it begins.
    pub fn grow(&mut self, by: f64) -> f64 {
        self.height += by;
        self.height - by
    }

    /// What is drawn, above everything else: a figure may leave its page.
    pub fn put_above(&mut self, title: &str) {
        const LINE: f64 = 18.0;
        let lines = lines_within(title, (self.width - 28.0) / BOLD, TEXT + 1.0);
        let room = LINE * lines.len() as f64 + 12.0;
        let below = std::mem::take(&mut self.body);
        for (k, line) in lines.iter().enumerate() {
            self.bold((14.0, LINE * (k as f64 + 1.0)), line, Anchor::Start, TEXT + 1.0, Ink::Text);
        }
        let _ = writeln!(self.body, "<g transform=\"translate(0 {})\">\n{below}</g>", at(room));
        self.height += room;
    }

    /// What must stand beside the numbers, below everything else: a figure may leave its page.
    pub fn put_below(&mut self, statements: &[String]) {
        for statement in statements {
            for line in lines_within(statement, (self.width - 28.0) / BOLD, TEXT - 1.0) {
                self.height += 16.0;
                self.bold((14.0, self.height - 10.0), &line, Anchor::Start, TEXT - 1.0, Ink::Text);
            }
        }
    }

    /// The whole picture; title and description are what a screen reader reads. `id` makes their references unique on a
    /// page.
    pub fn finish(self, id: &str, title: &str, description: &str) -> String {
        let (w, h) = (at(self.width), at(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" font-family=\"{FONT}\">\n<title id=\"{id}-t\">{}</title>\n<desc id=\"{id}-d\">{}</desc>\n<rect class=\"f-paper\" width=\"{w}\" height=\"{h}\" fill=\"{}\"/>\n{}</svg>\n",
            escaped(title),
            escaped(description),
            Ink::Paper.on_paper(),
            self.body
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_stays_text() {
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text((0.0, 0.0), "<script>alert('x')</script> & more", Anchor::Start, TEXT, Ink::Text);
        let svg = canvas.finish("a", "\"quoted\" <b>", "d");
        assert!(!svg.contains("<script>") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more"));
    }

    #[test]
    fn a_long_statement_and_a_long_title_are_broken_and_never_cut() {
        let words = "Treatment was not randomised: these are associations, not adjusted for who received it.";
        let mut canvas = Canvas::new(300.0, 50.0);
        canvas.put_below(&[words.to_string()]);
        canvas.put_above(words);
        let svg = canvas.finish("a", "t", "d");
        let texts: Vec<&str> =
            svg.split("<text ").skip(1).filter_map(|t| t.split(&['>', '<'][..]).nth(1)).collect();
        assert_eq!(texts.join(" "), format!("{words} {words}"));
        assert!(texts.len() >= 6 && texts.iter().all(|line| width_of(line, 14.0) < 272.0), "{texts:?}");
        assert_eq!(first_lines("one two three", 1.0, TEXT, 2), ["one", "two…"]);
        assert_eq!(first_lines("one two", 1.0, TEXT, 2), ["one", "two"]);
    }

    #[test]
    fn coordinates_are_short_and_zero_has_no_sign() {
        assert_eq!([at(-0.001), at(1.0), at(2.345), at(-3.1)], ["0", "1", "2.35", "-3.1"].map(String::from));
    }
}
