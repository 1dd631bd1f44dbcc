//! What is said in titles, paragraphs and tables, whatever shows it: a terminal, a page, a Markdown file.

use serde::Serialize;

/// A part of such a passage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Block {
    Title { text: String },
    Paragraph { text: String },
    Item { text: String },
    Table(Table),
}

/// Cells as they are printed. A row whose label ends in a colon and that has nothing else heads those below it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Headings are broken in a terminal where they are wider than this and than their column.
    #[serde(skip)]
    pub heading_width: usize,
}

/// Blocks in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Passage {
    pub blocks: Vec<Block>,
}

/// The usual width of a heading.
const HEADING: usize = 11;

impl Passage {
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Parts that begin with a title each.
    pub fn by_title(self) -> Vec<Passage> {
        let mut parts: Vec<Passage> = Vec::new();
        for block in self.blocks {
            match parts.last_mut() {
                Some(part) if !matches!(block, Block::Title { .. }) => part.blocks.push(block),
                _ => parts.push(Passage { blocks: vec![block] }),
            }
        }
        parts
    }

    pub fn title(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Title { text: text.into() });
    }

    pub fn say(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Paragraph { text: text.into() });
    }

    pub fn item(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Item { text: text.into() });
    }

    pub fn table(&mut self, header: Vec<String>, rows: Vec<Vec<String>>) {
        self.wide_table(header, rows, HEADING);
    }

    /// A table with headings of another width than usual.
    pub fn wide_table(&mut self, header: Vec<String>, rows: Vec<Vec<String>>, heading_width: usize) {
        self.blocks.push(Block::Table(Table { header, rows, heading_width }));
    }
}
