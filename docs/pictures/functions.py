"""Draw functions.svg: the activations of the catalogue (solid) with their slopes (dashed).

python docs/pictures/functions.py
"""

from pathlib import Path

import numpy as np

import deltarule as dr

WIDTH, HEIGHT, COLUMNS, GAP = 150, 115, 5, 14
NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "silu", "mish"]
X = np.linspace(-4, 4, 161)
LOW, HIGH = -1.9, 4.2


def path(y: np.ndarray, left: float, top: float, style: str) -> str:
    px = left + (X + 4) / 8 * WIDTH
    py = top + (HIGH - np.clip(y, LOW, HIGH)) / (HIGH - LOW) * HEIGHT
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, py, strict=True))
    return f'<polyline points="{points}" fill="none" {style}/>'


def panel(name: str, index: int) -> str:
    f = dr.activations[name]
    left = GAP + index % COLUMNS * (WIDTH + GAP)
    top = 26 + index // COLUMNS * (HEIGHT + 34)
    zero_y, zero_x = top + HIGH / (HIGH - LOW) * HEIGHT, left + WIDTH / 2
    return "\n".join(
        [
            f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" class="frame"/>',
            f'<path d="M{left},{zero_y:.1f}h{WIDTH}M{zero_x},{top}v{HEIGHT}" class="axis"/>',
            path(f.derivative(X), left, top, 'stroke="#d55e00" stroke-dasharray="4 3"'),
            path(f(X), left, top, 'stroke="#0072b2" stroke-width="2"'),
            f'<text x="{left}" y="{top - 7}">{name}</text>',
        ]
    )


def main() -> None:
    rows = -(-len(NAMES) // COLUMNS)
    width, height = COLUMNS * (WIDTH + GAP) + GAP, rows * (HEIGHT + 34) + 32
    style = (
        "text{font:13px sans-serif;fill:#333}.frame{fill:#fff;stroke:#ccc}"
        ".axis{stroke:#ddd;fill:none}.small{font-size:12px}"
    )
    legend = (
        f'<text x="{GAP}" y="{height - 10}" class="small">x from -4 to 4.  '
        '<tspan fill="#0072b2">solid: f(x)</tspan>   '
        '<tspan fill="#d55e00">dashed: f\'(x)</tspan></text>'
    )
    svg = "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}">',
            f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>',
            *[panel(name, i) for i, name in enumerate(NAMES)],
            legend,
            "</svg>\n",
        ]
    )
    Path(__file__).with_suffix(".svg").write_text(svg)


if __name__ == "__main__":
    main()
