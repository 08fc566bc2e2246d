"""The ledger of trials: every variant that was tried over an archive, beside the runs.

A folder of Parquet files, a file a batch of trials, each written whole or not at all; a file is
never written again, so that several processes may add at once and none waits. A row a trial:

    archive    the archive's folder
    kind       what is judged: "scanner" (by what hits did next) or "strategy" (by daily returns)
    objective  by which figure
    variant    16 hex digits of the variant's config, without its dates
    weight     of the batch's effective number of trials, this trial's share
    stopped    whether the search stopped it before the last session
    at         when

A variant that is tried again, over whichever dates and by whichever figure, is counted once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.disk.atomic import atomic_path
from engine.errors import RunError, WriteError
from engine.statistics.luck import Trials

NOT_OF_VARIANT = ("session_name", "archive", "backtest_config", "sweep")  # keys of a config
SCHEMA = pl.Schema(
    {
        "archive": pl.String(),
        "kind": pl.String(),
        "objective": pl.String(),
        "variant": pl.String(),
        "weight": pl.Float64(),
        "stopped": pl.Boolean(),
        "at": pl.Datetime("us", "UTC"),
    }
)


@dataclass(frozen=True)
class TrialsLedger:
    """The trials of one archive and kind.

    folder  of the ledger, `runs/trials`; it need not be there
    """

    folder: Path
    archive: Path
    kind: str

    def count(self) -> Trials:
        """Trials so far, each variant once. Raises RunError where a file cannot be read."""
        own = self._trials().unique("variant", keep="first", maintain_order=True)
        return Trials(len(own), float(own["weight"].sum()) if len(own) else 0.0)

    def add(
        self,
        objective: str,
        variants: Sequence[str],
        effective: float,
        stopped: Iterable[str] = (),
    ) -> Trials:
        """Add a batch of trials, and say how many there are now.

        variants   digests, each once
        effective  how many independent ones the batch is worth
        stopped    those of them that the search stopped early
        """
        early = set(stopped)
        rows = pl.DataFrame(
            {
                "archive": self._place,
                "kind": self.kind,
                "objective": objective,
                "variant": variants,
                "weight": effective / max(1, len(variants)),
                "stopped": [variant in early for variant in variants],
                "at": dt.datetime.now(dt.UTC),
            },
            schema=SCHEMA,
        )
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%f")
        try:
            with atomic_path(self.folder / f"{stamp}-{secrets.token_hex(4)}.parquet") as temporary:
                rows.write_parquet(temporary)
        except OSError as error:
            raise WriteError.of(error, self.folder) from None
        return self.count()

    @property
    def _place(self) -> str:
        return str(self.archive.resolve())

    def _trials(self) -> pl.DataFrame:
        frames = [pl.DataFrame(schema=SCHEMA)]
        for file in sorted(self.folder.glob("*.parquet")):
            try:
                frames.append(pl.read_parquet(file).select(SCHEMA.names()).cast(SCHEMA))
            except (OSError, pl.exceptions.PolarsError) as error:
                raise RunError(
                    f"cannot be read: {str(error).splitlines()[0]}",
                    where=file,
                    expected="a file of the ledger of trials",
                    fix="take it out of the folder, or name another ledger",
                ) from None
        return pl.concat(frames).filter(
            (pl.col("archive") == self._place) & (pl.col("kind") == self.kind)
        )


def variant_digest(content: Mapping[str, Any]) -> str:
    """16 hex digits of a variant: its config as JSON has it, without dates, names and places."""
    own = {name: value for name, value in content.items() if name not in NOT_OF_VARIANT}
    text = json.dumps(own, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
