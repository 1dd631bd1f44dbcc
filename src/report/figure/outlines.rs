//! Text as outlines: what draws a figure's pixels need not know any font.

use std::fmt::Write as _;

use roxmltree::{Document, Node};
use ttf_parser::gpos::{PairAdjustment, PositioningSubtable};
use ttf_parser::{Face, FaceParsingError, GlyphId, OutlineBuilder};

/// The fonts of a figure: for ordinary text, and bold.
pub struct Fonts<'f> {
    ordinary: Face<'f>,
    bold: Face<'f>,
}

impl<'f> Fonts<'f> {
    /// Both fonts, from their files' bytes.
    pub fn new([ordinary, bold]: [&'f [u8]; 2]) -> Result<Fonts<'f>, FaceParsingError> {
        Ok(Fonts { ordinary: Face::parse(ordinary, 0)?, bold: Face::parse(bold, 0)? })
    }

    /// An SVG document whose texts are paths. It is one of a figure: every text has a place, a size, an anchor and a fill of its
    /// own, and is nothing but characters.
    pub fn outlined(&self, svg: &str) -> Result<String, roxmltree::Error> {
        let document = Document::parse(svg)?;
        let mut out = String::with_capacity(4 * svg.len());
        let mut copied = 0;
        for text in document.descendants().filter(|node| node.has_tag_name((SVG, "text"))) {
            let range = text.range();
            out.push_str(&svg[copied..range.start]);
            let _ = write!(
                out,
                "<path fill=\"{}\" d=\"{}\"/>",
                text.attribute("fill").unwrap_or("black"),
                self.outline(text)
            );
            copied = range.end;
        }
        out.push_str(&svg[copied..]);
        Ok(out)
    }

    fn outline(&self, text: Node<'_, '_>) -> String {
        let number = |name| text.attribute(name).and_then(|x| x.parse().ok()).unwrap_or(0.0);
        let face = if text.attribute("font-weight") == Some("bold") { &self.bold } else { &self.ordinary };
        let glyphs = placed(face, text.text().unwrap_or_default());
        let scale = number("font-size") / f32::from(face.units_per_em());
        let width = scale * glyphs.last().map_or(0.0, |(_, end)| *end);
        let start = match text.attribute("text-anchor") {
            Some("middle") => number("x") - 0.5 * width,
            Some("end") => number("x") - width,
            _ => number("x"),
        };
        let mut pen = Pen { x: start, y: number("y"), scale, path: String::new() };
        for (glyph, end) in glyphs {
            face.outline_glyph(glyph, &mut pen);
            pen.x = start + scale * end;
        }
        pen.path
    }
}

const SVG: &str = "http://www.w3.org/2000/svg";

/// Glyphs in order, each with where the next one begins, in the font's units.
fn placed(face: &Face<'_>, text: &str) -> Vec<(GlyphId, f32)> {
    let glyphs: Vec<GlyphId> = text.chars().map(|c| face.glyph_index(c).unwrap_or(GlyphId(0))).collect();
    let mut end = 0.0;
    let next = glyphs.iter().skip(1).map(Some).chain([None]);
    let ends: Vec<f32> = glyphs
        .iter()
        .zip(next)
        .map(|(&glyph, next)| {
            let kerned = next.map_or(0, |&next| kerning(face, glyph, next));
            end += f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) + f32::from(kerned);
            end
        })
        .collect();
    glyphs.into_iter().zip(ends).collect()
}

/// By how much the font moves the second of two glyphs nearer to the first.
fn kerning(face: &Face<'_>, first: GlyphId, second: GlyphId) -> i16 {
    let Some(gpos) = face.tables().gpos else { return 0 };
    let kern = gpos.features.into_iter().filter(|f| f.tag == ttf_parser::Tag::from_bytes(b"kern"));
    let lookups = kern.flat_map(|f| f.lookup_indices).filter_map(|i| gpos.lookups.get(i));
    for lookup in lookups {
        for pair in lookup.subtables.into_iter::<PositioningSubtable<'_>>() {
            let PositioningSubtable::Pair(pair) = pair else { continue };
            let Some(place) = pair.coverage().get(first) else { continue };
            let found = match pair {
                PairAdjustment::Format1 { sets, .. } => sets.get(place).and_then(|set| set.get(second)),
                PairAdjustment::Format2 { classes, matrix, .. } => {
                    matrix.get((classes.0.get(first), classes.1.get(second)))
                }
            };
            if let Some((moved, _)) = found {
                return moved.x_advance;
            }
        }
    }
    0
}

/// Writes an outline as the data of a path.
struct Pen {
    x: f32,
    y: f32,
    scale: f32,
    path: String,
}

impl Pen {
    /// A command with points in the font's units, in which y goes up.
    fn put(&mut self, command: char, points: &[(f32, f32)]) {
        self.path.push(command);
        for (x, y) in points {
            let _ = write!(self.path, "{:.3} {:.3} ", self.x + self.scale * x, self.y - self.scale * y);
        }
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.put('M', &[(x, y)]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.put('L', &[(x, y)]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.put('Q', &[(x1, y1), (x, y)]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.put('C', &[(x1, y1), (x2, y2), (x, y)]);
    }

    fn close(&mut self) {
        self.path.push('Z');
    }
}
