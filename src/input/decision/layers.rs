//! A procedure and a layer of it as written, checked.

use toml::Spanned;

use super::super::opening::study_of;
use super::super::source::Source;
use super::common::fault;
use super::file::LayersSection;
use crate::error::{ErrorKind, Result};
use crate::study::{Data, Layers};

pub fn layers(source: &Source, section: &Spanned<LayersSection>) -> Result<Layers> {
    let open = |model: &Spanned<String>| {
        let beside = super::build::under(source, source.beside(model)?)?;
        study_of(&beside, beside.parse()?)
    };
    let LayersSection { outer: outer_name, inner: inner_name } = section.get_ref();
    let (outer, inner) = (open(outer_name)?, open(inner_name)?);
    let refuse =
        |message: String, help: &str| Err(fault(source, ErrorKind::Rule, section.span(), message, help));
    let (Data::Counts(outer_rows), Data::Counts(inner_rows)) = (&outer.data, &inner.data) else {
        return refuse(
            "a layer of published estimates".to_string(),
            "how many had the layer is counted: both models need kind = \"binary\"",
        );
    };
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    if !same(&outer.outcome.name, &inner.outcome.name) || outer.outcome.higher_is != inner.outcome.higher_is {
        return refuse(
            format!("`{}` and `{}` are of different outcomes", outer.outcome.name, inner.outcome.name),
            "a layer and its procedure are judged by the same outcome, the same way up",
        );
    }
    let all_inner: u64 = inner_rows.iter().map(|r| r.control().total + r.active().total).sum();
    let outer_active: u64 = outer_rows.iter().map(|r| r.active().total).sum();
    if all_inner > outer_active || all_inner == 0 {
        return refuse(
            format!(
                "`{}` has {all_inner} patients, the active arm of `{}` {outer_active}",
                inner.name, outer.name
            ),
            "the inner model's patients are among those of the outer model's active arm",
        );
    }
    if outer_rows.iter().any(|r| r.active().total == 0 || r.control().total == 0) {
        return refuse(
            format!("`{}` has an empty arm", outer.name),
            "the outer model needs patients in both arms",
        );
    }
    Ok(Layers { outer, inner })
}
