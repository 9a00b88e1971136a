"""A network as a diagram."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from deltarule.displays import style
from deltarule.displays._curves import label_of
from deltarule.displays._diagram import PIXELS
from deltarule.displays._layout import DrawnLayer, laid_out, shape_in_words
from deltarule.displays.text import table
from deltarule.replacing import replace_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from deltarule.plan import Plan

Array = NDArray[Any]

# What works on every number of a layer and is written under it instead of drawn.
_BESIDE = frozenset(
    (
        *("activation", "custom_activation", "trainable_activation", "channel_activation"),
        *("parametric_activation", "dropout", "batch_norm", "row_norm", "scale", "ordered"),
    )
)
_HELPERS = ("add", "concatenate", "padding_mask")  # parts of layers of another name
_LINKS = ("softmax", "sigmoid", "exponential")


class NetworkDisplay:
    """The layers of a network from left to right, dense ones with their units and weights.

    Made by `from_network` and `from_estimator`.  A notebook shows it as a picture.

    Attributes
    ----------
    layers : tuple of DrawnLayer
        The input first.
    ax_ : Axes
        Where it was drawn.
    figure_ : Figure
    """

    ax_: Any
    figure_: Figure

    def __init__(self, layers: Sequence[DrawnLayer]) -> None:
        self.layers = tuple(layers)

    @classmethod
    def from_network(cls, network: Any) -> Self:
        """The layers and weights of a `deltarule.Network`.

        Parameters
        ----------
        network : Network
            That knows the shape of its rows.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        TypeError
            If it is no network.
        ValueError
            If the network has not seen a row and was given no ``input_shape``.
        """
        if not hasattr(network, "plan") or not hasattr(network, "weights"):
            raise TypeError(
                f"This draws a deltarule.Network; met {type(network).__name__}. from_estimator "
                "draws fitted estimators."
            )
        return cls(_layers_of(network.plan, network.weights()))

    @classmethod
    def from_estimator(cls, estimator: Any) -> Self:
        """The layers and weights of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
            Of deltarule, a multilayer perceptron of scikit-learn, or a pipeline that ends with one.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        TypeError
            If it is no such estimator.
        ValueError
            If it is not fitted.
        """
        steps = getattr(estimator, "steps", None)
        last = steps[-1][1] if steps else estimator
        layers = _layers_of_estimator(last)
        features = () if hasattr(last, "encoder_") else getattr(estimator, "feature_names_in_", ())
        classes = list(getattr(last, "classes_", ()))
        if len(classes) == 2 and layers[-1].shape == (1,):
            classes = classes[1:]  # whose probability the one output gives
        return cls([_named(layers[0], features), *layers[1:-1], _named(layers[-1], classes)])

    # ---- as a picture

    def to_svg(self, *, theme: style.Theme = "light") -> str:
        """The diagram as an SVG document, without matplotlib.

        Parameters
        ----------
        theme : {"light", "dark"}, default="light"
            Of its background, which is part of it: it is read on any page.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If there is no such theme.
        """
        return laid_out(self.layers).to_svg(theme)

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.to_svg()}</div>'

    def save(self, path: str | os.PathLike[str], *, theme: style.Theme = "light") -> None:
        """Write the SVG document into a file, whole or not at all.

        Parameters
        ----------
        path : str or path-like
            With the ending .svg; what is there is replaced.
        theme : {"light", "dark"}, default="light"

        Raises
        ------
        ValueError
            If the name has another ending, or there is no such theme.
        OSError
            If it cannot be written.
        """
        if Path(path).suffix.lower() != ".svg":
            raise ValueError(
                f"save writes SVG, into a file that ends with .svg; met {os.fspath(path)!r}. For "
                "other formats: display.plot().figure_.savefig(path)."
            )
        replace_file(path, [self.to_svg(theme=theme).encode("utf-8")])

    def plot(self, ax: Axes | None = None, *, theme: style.Theme = "light") -> Self:
        """Draw it with matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            A new figure by default, as large as the diagram.
        theme : {"light", "dark"}, default="light"

        Returns
        -------
        self
            With the attributes ``ax_`` and ``figure_``.

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed.
        ValueError
            If there is no such theme.
        """
        with style.drawing(theme):
            diagram = laid_out(self.layers)
            axes: Any = ax
            if axes is None:
                import matplotlib.pyplot as plt

                figure = plt.figure(figsize=(diagram.width / PIXELS, diagram.height / PIXELS))
                axes = figure.add_axes((0, 0, 1, 1))
            diagram.draw(axes, theme)
        self.ax_, self.figure_ = axes, axes.figure
        return self

    # ---- in words

    def as_text(self) -> str:
        """The layers as a table."""
        names = [layer.name for layer in self.layers]
        columns: Mapping[str, list[Any]] = {
            "layer": names,
            "kind": [layer.kind for layer in self.layers],
            "shape": [shape_in_words(layer.shape) for layer in self.layers],
            "reads": [", ".join(names[r] for r in layer.reads) for layer in self.layers],
            "then": [", ".join(layer.then) for layer in self.layers],
            "learned": [layer.learned if layer.reads else None for layer in self.layers],
            "largest |w|": [_largest(layer.weights) for layer in self.layers],
        }
        return f"{table(columns)}\n{sum(layer.learned for layer in self.layers):,} numbers learned"

    def __str__(self) -> str:
        return self.as_text()


# ---- what a network is made of -------------------------------------------------------------------


def _layers_of_estimator(estimator: Any) -> list[DrawnLayer]:
    name = type(estimator).__name__
    if not hasattr(estimator, "_fitted_weights") and not hasattr(estimator, "hidden_layer_sizes"):
        raise TypeError(
            "A diagram is drawn of a fitted estimator of deltarule or a multilayer perceptron of "
            f"scikit-learn; met {name}."
        )
    if hasattr(estimator, "_plan"):
        return _layers_of(estimator._plan, estimator._fitted_weights())
    if hasattr(estimator, "coefs_"):
        return _perceptron(estimator)
    raise ValueError(f"This {name} has no weights to draw yet: call fit.")


def _layers_of(plan: Plan, weights: Mapping[str, Array]) -> list[DrawnLayer]:
    layers = [DrawnLayer("X", "input", plan.shape)]
    place = [0]  # of each value of the engine, among these layers
    for node in plan.nodes:
        reads = tuple(dict.fromkeys(place[value] for value in node.reads))
        learned = sum(p.size for p in node.parameters if p.trained and node.controls["trained"])
        last = layers[-1]
        alone = reads == (len(layers) - 1,) and node.shape == last.shape and last.reads
        if node.kind in _BESIDE and alone:
            word = _word(node)
            layers[-1] = replace(last, then=(*last.then, word), learned=last.learned + learned)
        else:
            kind = "dense" if node.kind == "dense" else _word(node)
            matrix = weights.get(f"{node.name}.weight") if _is_plain(node) else None
            layers.append(DrawnLayer(node.name, kind, node.shape, reads, (), matrix, learned))
        place.append(len(layers) - 1)
    link = (plan.loss.link,) if plan.loss.link in _LINKS else ()
    return [*layers[:-1], replace(layers[-1], then=(*layers[-1].then, *link))]


def _is_plain(node: Any) -> bool:
    """Whether it is a dense layer over one row of numbers."""
    return node.kind == "dense" and len(node.shape) == 1


def _word(node: Any) -> str:
    function = getattr(node.layer, "activation", None)
    if node.kind.endswith("activation") and function is not None:
        return label_of(function)
    return str(node.kind if node.kind in _HELPERS else node.layer.kind)


def _perceptron(estimator: Any) -> list[DrawnLayer]:
    """The layers of scikit-learn's."""
    layers = [DrawnLayer("X", "input", (len(estimator.coefs_[0]),))]
    count = len(estimator.coefs_)
    for i, (w, b) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        f = estimator.activation if i < count - 1 else estimator.out_activation_
        then = () if f == "identity" else (f,)
        shape = (w.shape[1],)
        name = f"dense_{i + 1}"
        layers.append(DrawnLayer(name, "dense", shape, (i,), then, w, w.size + b.size))
    return layers


def _named(layer: DrawnLayer, names: Sequence[Any]) -> DrawnLayer:
    """The layer with the names of its units, where there is one for each."""
    return replace(layer, units=tuple(map(str, names))) if layer.shape == (len(names),) else layer


def _largest(weights: Array | None) -> float | None:
    return None if weights is None or not weights.size else float(np.abs(weights).max())
