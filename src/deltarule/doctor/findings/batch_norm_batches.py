"""Batch normalisation over a row or two.

What is seen: rows of a batch of a network with batch normalisation.
What it means: see MEANING.
How sure: certain for one or two rows; suspected for three; not from six rows on.
Repairs: batches of 32 rows; layer normalisation does not look at other rows.
Side effects: none.
Source: Ioffe and Szegedy 2015; Wu and He 2018, Group normalization.
"""

from __future__ import annotations

from deltarule.doctor.case import Case
from deltarule.doctor.evidence import batch_rows, falling
from deltarule.doctor.finding import Rule, Seen
from deltarule.doctor.repairs import BatchSize
from deltarule.language import Text

MEANING = Text(
    "Batch normalisation subtracts the mean of the batch and divides by its deviation. Of one row "
    "nothing is left; of two only the sign of their difference, which depends on the chance "
    "neighbour; and the averages used for prediction fit none of the batches.",
    "批归一化减去本批的均值，再除以本批的标准差。只有一行时什么也不剩；只有两行时只剩下差的符号，"
    "而它取决于碰巧同批的是哪一行；预测时使用的滑动平均也与任何一批都对不上。",
)


def look(case: Case) -> Seen | None:
    """A normalisation over the batch, and hardly a batch."""
    places, rows = case.places("batch_norm"), batch_rows(case)
    if not case.scores.fails or not places:
        return None
    layer = case.layers[places[0]].name
    words = Text(
        f"The layer {layer!r} normalises over batches of size {rows:.0f}; at least 16 is healthy.",
        f"层 {layer!r} 在每批 {rows:.0f} 行上做归一化；至少 16 行才健康。",
    )
    confidence = 0.95 * falling(rows, 6, 2.5)
    return Seen(words, confidence, layer=layer, numbers={"rows": rows})


RULE = Rule(
    code="batch_norm_batches",
    title=Text("Batches are too small for batch normalisation", "批量太小，不适合批归一化"),
    meaning=MEANING,
    look=look,
    rank=10,
    repairs=(BatchSize(32),),
    source="Ioffe and Szegedy 2015; Wu and He 2018",
)
