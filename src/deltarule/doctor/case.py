"""What the rules read: a network, its settings, its data and what it did, as records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deltarule.language import Text
from deltarule.vitals import History, Vitals

Task = Literal["classification", "regression", "unknown"]
Array = NDArray[Any]


@dataclass(frozen=True)
class LayerFacts:
    """A layer of the engine, as the vitals count them.

    Attributes
    ----------
    name, kind : str
        Kinds are those of the engine: ``"dense"``, ``"activation"``, ``"batch_norm"``, ``"lstm"``.
    units : int
        Numbers along the last axis of what it computes.
    inputs : int
        Numbers that a unit reads; 0 for a layer without weights.
    activation : str
        Of an activation its name, else empty.
    init : str
        Of the weights: the name of the initialiser, else empty.
    rate : float
        Of dropout.
    saturates : {"", "one side", "both sides"}
        Where the slope of an activation goes to 0, 0 itself being between both.
    low, high : float
        Between which the values of an activation lie.
    l1, l2, weight_decay : float
        Penalties of the weights, apart from ``alpha`` of the settings.
    max_norm : float
        Largest norm of the weights that a unit reads.
    """

    name: str
    kind: str
    units: int
    inputs: int = 0
    activation: str = ""
    init: str = ""
    rate: float = 0.0
    saturates: Literal["", "one side", "both sides"] = ""
    low: float = -math.inf
    high: float = math.inf
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    max_norm: float = math.inf


@dataclass(frozen=True)
class DataFacts:
    """What features and targets look like.

    Attributes
    ----------
    rows : int
    mean, std, largest : ndarray of float64, shape (n_features,)
        Of every feature; the largest by size.
    names : tuple of str
        Of the features; empty where they have none.
    relation : ndarray of float64, shape (n_features,)
        How much of the target a feature tells by itself: squared correlation with a number,
        correlation ratio with classes.
    counts : dict
        Rows per class, or per number where all are whole and at most 30 differ; else empty.
    target_mean, target_std, target_low, target_high : float
        Of numbers; NaN for classes.
    distinct_targets : int
    whole_targets : bool
        Numbers that are all whole.
    duplicated, contradictory : float
        Share of rows whose features occur more than once; of rows in pairs that contradict each
        other: those with another class than most of their twins, or a number farther than a
        standard deviation off the middle one, each with one of the others.  Where features have few
        values, so that rows meet by chance, both are 0.
    target_quantiles : ndarray of float64, shape (41,)
        Of numbers, from the smallest to the largest in equal steps; empty for classes.
    one_hot : bool
        Several numbers a row, of which one is 1 and all others are 0.
    """

    rows: int
    mean: Array
    std: Array
    largest: Array
    names: tuple[str, ...]
    relation: Array
    counts: Mapping[Any, int]
    target_mean: float
    target_std: float
    target_low: float
    target_high: float
    distinct_targets: int
    whole_targets: bool
    duplicated: float
    contradictory: float
    target_quantiles: Array = field(default_factory=lambda: np.empty(0))
    one_hot: bool = False

    def share_outside(self, low: float, high: float) -> float:
        """Share of the target numbers below one number or above another, to about a fortieth."""
        q = self.target_quantiles
        return float(np.mean((q < low) | (q > high))) if len(q) else 0.0

    def named(self, feature: int) -> str:
        """A feature by its name, or as the column that it is: ``X[:, 3]``."""
        return repr(self.names[feature]) if self.names else f"X[:, {feature}]"


@dataclass(frozen=True)
class Scores:
    """How well it predicts: accuracy, or R2; NaN where it is not known.

    Attributes
    ----------
    train, held_out : float
        Of the network, on rows it learned from and on others.
    base : float
        Of the constant that fits best: the commonest class, the mean.
    reference : float
        On held-out rows, of the best of a few plain models: what these data let one expect.
    chance : float
        By how much two scores on as few rows differ by chance: a standard error.  A gain over the
        constant of less than two of them lets one expect nothing.
    """

    train: float = math.nan
    held_out: float = math.nan
    base: float = math.nan
    reference: float = math.nan
    chance: float = 0.0

    @property
    def shown(self) -> float:
        """On rows it did not learn from, where there are any."""
        return self.train if math.isnan(self.held_out) else self.held_out

    @property
    def shortfall(self) -> float:
        """Share of the reference's gain over the constant that the network misses; NaN: unknown."""
        return self._missed(self.shown)

    @property
    def fails(self) -> bool:
        """Whether it predicts notably worse than the data let one expect.

        On the rows it did not learn from; or on those it did, which by rights it knows better.
        Notably: by 12 % of their gain, or by 7 % where it leaves four times as much unexplained.
        """
        unlearned = self.train < self.held_out and self._missed(self.train) > 0.2
        fails = self.shortfall > 0.12 and not self.reference - self.shown <= 0.025
        by_chance = self.reference - self.shown < max(3 * self.chance, 0.06)
        errs_more = self._errs_more(self.shown) and not by_chance
        return fails or errs_more or (unlearned and self.reference - self.train > 0.08)

    @property
    def underfits(self) -> bool:
        """Whether it fails on the rows, too, that it learned from: it did not learn, or not yet."""
        return self.fails and (self._missed(self.train) > 0.06 or self._errs_more(self.train))

    @property
    def named(self) -> tuple[tuple[Text, float], ...]:
        """What is scored, and its score: those that are known."""
        known = ((what, getattr(self, name)) for name, what in _SCORED.items())
        return tuple((what, v) for what, v in known if math.isfinite(v))

    def on_rows(self, rows: float, task: Task) -> Scores:
        """With the chance of so many held-out rows, the scores being of independent models.

        Of a share of right rows, between the constant's and the reference; of R2, with errors of a
        normal distribution.
        """
        if not rows > 0 or math.isnan(self.reference) or math.isnan(self.held_out):
            return self
        share = (self.reference + self.base) / 2
        of_classes, of_numbers = share * (1 - share), 2 * (1 - self.reference) ** 2
        one = of_classes if task == "classification" else of_numbers
        return replace(self, chance=math.sqrt(2 * max(one, 0.0) / rows))

    def _errs_more(self, score: float) -> bool:
        """Whether what is left unexplained is several times that of plain models."""
        return self._missed(score) > 0.07 and 1 - score > 4 * (1 - self.reference)

    def _missed(self, score: float) -> float:
        gain = self.reference - self.base
        if not gain > max(0.02, 2 * self.chance):
            return math.nan
        score = score if math.isfinite(score) else self.base
        return min(max((self.reference - score) / gain, 0.0), 1.0)


_SCORED = {
    "train": Text("rows it learned from", "学习过的样本"),
    "held_out": Text("other rows", "其他样本"),
    "base": Text("a constant", "常数预测"),
    "reference": Text("plain models", "基线模型"),
}


@dataclass(frozen=True)
class Hints:
    """What plain models tell of the data beside the score to expect; NaN or empty: not asked.

    Attributes
    ----------
    linear : float
        Score of the best linear model on held-out rows.
    alone, others : float
        Score of the feature that tells most of the target by itself, and of all others together.
    error, core_error : float
        Share of rows that trees, or a linear model, classify wrongly which did not learn from them:
        of all rows, and of the quarter of which they are surest.
    recalls, expected_recalls : dict of class to float
        Share of the held-out rows of a class that are recognised: by the network, and by plain
        models that weigh classes by their rarity.
    own_accuracy, class_accuracy, rounded_accuracy : float
        Of numbers that may be classes, the share that is met exactly: by the network, rounded to
        the nearest; by a linear model of classes; by one of numbers, rounded.
    order : float
        Of classes that may be numbers: how much nearer the wrong answers of trees are to the right
        ones than two rows are to each other; 0 where the numbers mean nothing, 1 where all.
    quarters : tuple of float
        Of sequences, the score of the best plain model that reads nothing but the first, second ...
        quarter of the steps.
    """

    linear: float = math.nan
    alone: float = math.nan
    others: float = math.nan
    error: float = math.nan
    core_error: float = math.nan
    recalls: Mapping[Any, float] = field(default_factory=dict)
    expected_recalls: Mapping[Any, float] = field(default_factory=dict)
    own_accuracy: float = math.nan
    class_accuracy: float = math.nan
    rounded_accuracy: float = math.nan
    order: float = math.nan
    quarters: tuple[float, ...] = ()


@dataclass(frozen=True)
class Validation:
    """How validation rows that were given differ from those to learn from.

    Attributes
    ----------
    rows : int
    shift, spread : ndarray of float64, shape (n_features,)
        Difference of the means in standard deviations of the training rows; quotient of the
        standard deviations.
    unseen : float
        Share of rows of a class that is not among those to learn from.
    other_classes : float
        Share of rows that would have to change their class for the shares of all classes to agree.
    target_shift : float
        Difference of the mean targets in standard deviations.
    shared : float
        Share of rows that are among those to learn from, beyond what these repeat themselves.
    """

    rows: int
    shift: Array
    spread: Array
    unseen: float = 0.0
    other_classes: float = 0.0
    target_shift: float = 0.0
    shared: float = 0.0


@dataclass(frozen=True)
class Case:
    """A network with its data and its training.

    Attributes
    ----------
    task : {"classification", "regression", "unknown"}
    layers : tuple of LayerFacts
    loss, link : str
        By name, and the link merged into it.
    loss_parameters : dict of str to float
    settings : dict
        Of the training, by the names of the estimators' parameters.
    data : DataFacts or None
    history : History
    begin, end : Vitals or None
        Of one pass over some rows at the first and at the last weights; None where numbers were
        not finite.
    begin_loss, end_loss : float
        The losses of these; NaN where they are not known.
    changes : dict of str to float
        By layer: size of the change of its weights in all steps, over the size they began with.
    twins : dict of str to float
        By layer: share of its units that have the weights of another unit, at first and at last.
    steps : int
        Of a sequence; 0: rows are none.
    depends : tuple of float
        By how much the predictions change where the first, second ... quarter of the steps is
        another row's, in standard deviations of the predictions, or as a share of labels.
    stale : dict of str to float
        By layer of batch normalisation: what prediction makes of numbers that training brings to
        mean 0 and deviation 1; the root mean square of the distances from these over the channels.
    predicted_share : float
        Share of rows for which the commonest prediction is made; NaN for numbers.
    scores : Scores
    hints : Hints
    validation : Validation or None
        Of rows that were given for it.
    unknown : tuple of Text
        What could not be looked at, in sentences.
    """

    task: Task
    layers: tuple[LayerFacts, ...]
    loss: str
    link: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: DataFacts | None = None
    history: History = field(default_factory=History)
    begin: Vitals | None = None
    end: Vitals | None = None
    begin_loss: float = math.nan
    end_loss: float = math.nan
    changes: Mapping[str, float] = field(default_factory=dict)
    twins: Mapping[str, float] = field(default_factory=dict)
    predicted_share: float = math.nan
    scores: Scores = field(default_factory=Scores)
    hints: Hints = field(default_factory=Hints)
    validation: Validation | None = None
    loss_parameters: Mapping[str, float] = field(default_factory=dict)
    unknown: tuple[Text, ...] = ()
    steps: int = 0
    depends: tuple[float, ...] = ()
    stale: Mapping[str, float] = field(default_factory=dict)

    @property
    def measure(self) -> Text:
        """What the scores are."""
        return Text("Accuracy", "准确率") if self.task == "classification" else Text("R2", "R2")

    def places(self, *kinds: str) -> list[int]:
        """Where layers of these kinds stand."""
        return [i for i, layer in enumerate(self.layers) if layer.kind in kinds]

    @property
    def weighted(self) -> list[int]:
        """Where layers with weights stand, from the first to the last."""
        return [i for i, layer in enumerate(self.layers) if layer.inputs]

    @property
    def hidden_activations(self) -> list[int]:
        """Where the activations before the last layer with weights stand."""
        last = max(self.weighted, default=0)
        return [i for i, layer in enumerate(self.layers) if layer.activation and i < last]

    @property
    def output(self) -> LayerFacts | None:
        """The activation behind the last layer with weights; None: there is none."""
        last = max(self.weighted, default=0)
        behind = [layer for layer in self.layers[last + 1 :] if layer.activation]
        return behind[-1] if behind else None

    @property
    def output_activation(self) -> str:
        """The name of an activation behind the last layer with weights; empty: there is none."""
        return self.output.activation if self.output else ""
