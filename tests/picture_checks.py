"""Whether a picture can be read, and whether it still looks as it was recorded."""

import io
import os
from pathlib import Path

import numpy as np

RECORDED = Path(__file__).parent / "pictures"
WIDTH = 240  # pixels; small enough that fonts of another version look alike
TOLERANCE = 6.0  # of 255: root mean square of the differences in grey


def require_readable(figure, width=600, smallest=6.5):
    """No text is clipped, none lies on another, none is too small ``width`` pixels wide."""
    figure.canvas.draw()
    scale = width / figure.bbox.width
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts_of(figure)]
    for text, box in boxes:
        inside = box.x0 >= -1 and box.y0 >= -1
        inside &= box.x1 <= figure.bbox.width + 1 and box.y1 <= figure.bbox.height + 1
        assert inside, f"{text!r} is clipped."
    for text in texts_of(figure):
        pixels = text.get_fontsize() * figure.dpi / 72 * scale
        assert pixels >= smallest, f"{text.get_text()!r} is {pixels:.1f} pixels high."
    for i, (text, box) in enumerate(boxes):
        for other, second in boxes[:i]:
            apart = (
                min(box.x1, second.x1) - max(box.x0, second.x0) <= 1
                or min(box.y1, second.y1) - max(box.y0, second.y0) <= 1
            )
            assert apart, f"{text!r} lies on {other!r}."


def texts_of(figure):
    """Every text that is seen: titles, labels, ticks within the axes, legends, notes."""
    import matplotlib.text

    def shown(text):
        return text.get_visible() and text.get_text().strip()

    found = [t for t in figure.findobj(matplotlib.text.Text) if shown(t)]
    hidden = set()
    for axes in figure.findobj(lambda a: hasattr(a, "xaxis")):
        for axis in (axes.xaxis, axes.yaxis):
            place = axis.get_transform().transform  # 1e-30 and 1e-20 differ on a log axis
            low, high = sorted(place(axis.get_view_interval()))
            margin = 1e-9 * (abs(low) + abs(high))
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                labels = {tick.label1, tick.label2}
                seen = axes.get_visible() and axis.get_visible() and axes.axison
                if not seen or not low - margin <= place([tick.get_loc()])[0] <= high + margin:
                    hidden |= labels
    return [t for t in found if t not in hidden]


def grey(figure):
    """The picture as numbers, so many pixels wide."""
    from PIL import Image

    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    with Image.open(content) as full:
        height = round(full.height * WIDTH / full.width)
        return full.convert("L").resize((WIDTH, height), Image.Resampling.BOX)


def require_same_picture(figure, name):
    """It looks as in tests/pictures; DELTARULE_RECORD_PICTURES=1 records it anew."""
    from PIL import Image

    now, path = grey(figure), RECORDED / f"{name}.png"
    if os.environ.get("DELTARULE_RECORD_PICTURES"):
        now.quantize(16).save(path, optimize=True)
    with Image.open(path) as recorded:
        before = recorded.convert("L")
    assert now.size == before.size, f"{name} has another shape: {now.size}, not {before.size}."
    difference = np.asarray(now, float) - np.asarray(before, float)
    error = float(np.sqrt(np.mean(difference**2)))
    assert error <= TOLERANCE, f"{name} looks different: {error:.1f} of 255."
