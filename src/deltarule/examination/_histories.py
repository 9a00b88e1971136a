"""A history alone as a case: what names and numbers of layers tell."""

from __future__ import annotations

import numpy as np

from deltarule.doctor import Case, LayerFacts
from deltarule.examination._records import epoch_of
from deltarule.language import Text
from deltarule.vitals import History

UNSCORED = Text(
    "A history alone has no data and no scores: only what is wrong for every score was looked at.",
    "仅凭训练历史没有数据和得分，因此只检查了与得分无关的问题。",
)
_KINDS = {"lstm", "gru", "simple_rnn", "batch_norm", "embedding", "dropout"}
_NORMS = {"batch_norm", "layer_norm", "rms_norm"}


def case_of_history(history: History) -> Case:
    """The layers as their names and vitals show them; task and loss are not known."""
    vitals = history.vitals
    weighted, active = set(vitals.having("weight_rms")), set(vitals.having("dead"))
    layers = []
    for i, name in enumerate(vitals.layers):
        stem = name.rpartition(".")[2].rpartition("_")[0]
        kind = stem if stem in _KINDS | _NORMS else "activation" if i in active else "dense"
        inputs = int(i in weighted and kind not in _NORMS)
        layers.append(LayerFacts(name, kind, 0, inputs, "unknown" if i in active else ""))
    rates = history.learning_rate
    known = rates[np.isfinite(rates)]
    settings = {"learning_rate_init": float(known[0])} if known.size else {}
    return Case(
        "unknown",
        tuple(layers),
        "unknown",
        "unknown",
        settings,
        history=history,
        begin=epoch_of(vitals, 0),
        end=epoch_of(vitals, -1),
        unknown=(UNSCORED,),
    )
