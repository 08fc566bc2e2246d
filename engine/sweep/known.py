"""Variants whose figures an earlier sweep of the same config and archive has already."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.panel.bars import Ints
from engine.sweep.variants import NUMBER, Variants

FEW = 5_000  # new variants that are judged apart though they are no grid by themselves


def known_figures(
    variants: Variants, known: pl.DataFrame
) -> tuple[pl.DataFrame, NDArray[np.bool_]] | None:
    """The figures of variants that are known, null for the others, and which are known.

    None where none is.
    """
    names = [axis.name for axis in variants.axes]
    if not names or not set(names) < set(known.columns):
        return None
    asked = variants.frame().select(_comparable(name, known, variants.frame()) for name in names)
    known = known.drop(NUMBER).with_columns(
        _comparable(name, known, variants.frame()) for name in names
    )
    found = asked.join(
        known.with_columns(there=pl.lit(True)),
        on=names,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    there = found["there"].fill_null(False).to_numpy()
    return (found.drop(*names, "there"), there) if there.any() else None


def _comparable(name: str, a: pl.DataFrame, b: pl.DataFrame) -> pl.Expr:
    """A column as both frames can have it."""
    kinds = {a.schema[name], b.schema[name]}
    if len(kinds) == 1:
        return pl.col(name)
    numeric = all(kind.is_numeric() for kind in kinds)
    return pl.col(name).cast(pl.Float64 if numeric else pl.String)


def worth_keeping(variants: Variants, new: Ints) -> bool:
    """Whether judging the new variants alone is cheaper than judging a whole grid again: where they
    are few, or a grid themselves.
    """
    if len(new) <= FEW or not variants.whole:
        return True
    there = [len(np.unique(column)) for column in variants.codes[new].T]
    return math.prod(there) == len(new)


def merged(kept: pl.DataFrame, new: Ints, figures: pl.DataFrame | None) -> pl.DataFrame:
    """Figures that were known, and those of new variants in their places."""
    if figures is None:
        return kept
    old = np.setdiff1d(np.arange(len(kept)), new)
    order = np.argsort(np.concatenate([old, new]))
    return pl.concat([kept[old], figures.select(kept.columns)])[order]
