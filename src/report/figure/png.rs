//! PNG from a figure's SVG, with the fonts that come along: a machine without fonts draws the same picture.

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::outlines::Fonts;
use crate::error::{Error, ErrorKind, Result};

const FONTS: [&[u8]; 2] =
    [include_bytes!("../../../assets/DejaVuSans.ttf"), include_bytes!("../../../assets/DejaVuSans-Bold.ttf")];

/// Dots an inch, and pixels of the SVG's an inch.
const DPI: f32 = 300.0;
const CSS: f32 = 96.0;

/// Inches in a metre, for the picture's own note of its size.
const INCHES: f32 = 39.370_08;

/// The characters that the fonts have, as they were taken from DejaVu Sans.
const COVERED: [(u32, u32); 9] = [
    (0x20, 0x7e),
    (0xa0, 0x17f),
    (0x391, 0x3c9),
    (0x400, 0x45f),
    (0x1e00, 0x1eff),
    (0x2010, 0x2033),
    (0x2070, 0x20ac),
    (0x2190, 0x2193),
    (0x2200, 0x2265),
];

/// The characters of a text that a PNG's fonts lack, each once.
pub fn uncovered(text: &str) -> String {
    let mut missing = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        let covered = COVERED.iter().any(|&(from, to)| (from..=to).contains(&(c as u32)));
        if !covered && !missing.contains(c) {
            missing.push(c);
        }
    }
    missing
}

/// Draws an SVG document as a PNG at 300 dots per inch.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    let failed = |what: &dyn std::fmt::Display| {
        Error::of(ErrorKind::Unavailable, format!("a figure can't be drawn as PNG: {what}"))
    };
    let svg = Fonts::new(FONTS).map_err(|e| failed(&e))?.outlined(svg).map_err(|e| failed(&e))?;
    let tree = Tree::from_str(&svg, &Options::default()).map_err(|e| failed(&e))?;
    let scale = DPI / CSS;
    let [width, height] = [tree.size().width(), tree.size().height()].map(|x| (x * scale).ceil() as u32);
    let mut picture = Pixmap::new(width, height).ok_or_else(|| failed(&"it has no size"))?;
    picture.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let dots = (DPI * INCHES).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: dots, yppu: dots, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header().map_err(|e| failed(&e))?;
    // The ground is opaque, and so nothing is premultiplied.
    writer.write_image_data(picture.data()).map_err(|e| failed(&e))?;
    writer.finish().map_err(|e| failed(&e))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::svg::{Anchor, Canvas, Ink, TEXT};
    use super::*;

    fn ink(svg: &str) -> usize {
        let bytes = png(svg).expect("drawn");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
        assert_eq!(reader.info().pixel_dims.map(|d| d.xppu), Some(11_811), "300 dpi");
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut pixels).expect("a picture");
        pixels.chunks(4).filter(|p| p[0] < 128).count()
    }

    #[test]
    fn text_is_there_whatever_fonts_the_machine_has() {
        let with = |text: &str| {
            let mut canvas = Canvas::new(120.0, 30.0);
            canvas.text((4.0, 20.0), text, Anchor::Start, TEXT, Ink::Text);
            canvas.bold((60.0, 20.0), text, Anchor::Start, TEXT, Ink::Text);
            canvas.finish("a", "t", "d")
        };
        assert_eq!(ink(&with("")), 0);
        for text in ["x", "−0.5", "≥ 2", "← τ →", "ä ß É", "½"] {
            assert!(ink(&with(text)) > 60, "{text}");
            assert_eq!(uncovered(text), "");
        }
        assert_eq!(uncovered("a漢字漢"), "漢字");
    }
}
