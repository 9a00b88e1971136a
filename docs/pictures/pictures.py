"""Make the pictures of README.md that are not made by a program of examples/, from real runs.

    python docs/pictures/pictures.py

writes, beside itself, within a minute,

- functions.svg: activations of the catalogue (solid) with their slopes (dashed);
- race.png: the worked example "race";
- vanishing.png: the gradients of the worked example "vanishing_by_depth", fifty layers deep.

Names as arguments make some of them only.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import deltarule as dr
from deltarule.displays import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
PIXELS = 1200  # of a row: two for each that is shown

# ---- functions

WIDTH, HEIGHT, COLUMNS, GAP = 150, 115, 5, 14
NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "silu", "mish"]
X = np.linspace(-4, 4, 161)
LOW, HIGH = -1.9, 4.2


def curve(y: np.ndarray, left: float, top: float, look: str) -> str:
    px = left + (X + 4) / 8 * WIDTH
    py = top + (HIGH - np.clip(y, LOW, HIGH)) / (HIGH - LOW) * HEIGHT
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))
    return f'<polyline points="{points}" fill="none" {look}/>'


def panel(name: str, index: int) -> str:
    f = dr.activations[name]
    left = GAP + index % COLUMNS * (WIDTH + GAP)
    top = 26 + index // COLUMNS * (HEIGHT + 34)
    zero_y, zero_x = top + HIGH / (HIGH - LOW) * HEIGHT, left + WIDTH / 2
    return "\n".join(
        [
            f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" class="frame"/>',
            f'<path d="M{left},{zero_y:.1f}h{WIDTH}M{zero_x},{top}v{HEIGHT}" class="axis"/>',
            curve(f.derivative(X), left, top, 'stroke="#d55e00" stroke-dasharray="4 3"'),
            curve(f(X), left, top, 'stroke="#0072b2" stroke-width="2"'),
            f'<text x="{left}" y="{top - 7}">{name}</text>',
        ]
    )


def functions() -> str:
    """The SVG, as text."""
    rows = -(-len(NAMES) // COLUMNS)
    width, height = COLUMNS * (WIDTH + GAP) + GAP, rows * (HEIGHT + 34) + 32
    look = (
        "text{font:13px sans-serif;fill:#333}.frame{fill:#fff;stroke:#ccc}"
        ".axis{stroke:#ddd;fill:none}.small{font-size:12px}"
    )
    legend = (
        f'<text x="{GAP}" y="{height - 10}" class="small">x from -4 to 4.  '
        '<tspan fill="#0072b2">solid: f(x)</tspan>   '
        '<tspan fill="#d55e00">dashed: f\'(x)</tspan></text>'
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}">',
            f'<style>{look}</style><rect width="100%" height="100%" fill="#fff"/>',
            *[panel(name, i) for i, name in enumerate(NAMES)],
            legend,
            "</svg>\n",
        ]
    )


# ---- runs


def race() -> Figure:
    return dr.examples.run("race").plot()


def vanishing() -> Figure:
    """One line per net, from the pixels to the classes."""
    import matplotlib.pyplot as plt

    example = dr.examples.run("vanishing_by_depth", deep=50, hidden=1, epochs=1)
    with style.drawing():
        figure = plt.figure(figsize=(8, 4), layout="constrained")
        ax = style.axes_for(figure.subplots())
        for key, gradients in example.series.items():
            if key.endswith(", gradients"):
                layers = np.arange(1, len(gradients) + 1)
                ax.plot(layers, gradients, label=key.removesuffix(", gradients"))
        ax.set(yscale="log", xlabel="layer, from the pixels (1) to the classes")
        ax.set_title("Root mean square of the gradient of a layer's weights, before training")
        ax.legend()
    return figure


def write(name: str) -> None:
    if name == "functions":
        (HERE / "functions.svg").write_text(functions())
        return
    from PIL import Image

    figure, content = {"race": race, "vanishing": vanishing}[name](), io.BytesIO()
    figure.savefig(content, dpi=PIXELS / figure.get_figwidth())
    Image.open(content).convert("RGB").quantize(32).save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ("functions", "race", "vanishing"):
        write(chosen)
