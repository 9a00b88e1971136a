"""The textbook's worked examples give the textbook's figures, and tell them in both languages."""

import functools
import itertools
import json
import math
import re
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from picture_checks import require_readable, require_same_picture

import deltarule as dr
from deltarule import examples
from deltarule.examples import Text

OWN = (
    "sigmoid_steps",
    "one_neuron",
    "squared_error_sums",
    "softmax",
    "kl_divergence",
    "numerical_gradient",
)


@functools.cache
def made(name):
    """The example with the textbook's parameters."""
    return examples.run(name)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# ---- what holds of each


def numbers_in(text):
    """The numbers that are told."""
    return set(re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?", text))


@pytest.mark.parametrize("name", OWN)
def test_both_languages_tell_the_same_numbers(name):
    story = made(name).story
    assert numbers_in(story.en) == numbers_in(story.zh)
    assert len(numbers_in(story.en)) >= 5


@pytest.mark.parametrize("name", examples.names())
def test_both_languages_are_what_they_say(name):
    example = made(name)
    assert example.name == name
    chinese = re.compile("[一-鿿]")
    for text in (example.title, example.story, *(t.title for t in example.tables)):
        assert not chinese.search(text.en)
        assert chinese.search(text.zh)
        assert "{" not in text.en + text.zh


@pytest.mark.parametrize("name", examples.names())
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_text_has_title_tables_and_story(name, lang):
    example = made(name)
    text = example.as_text(lang)
    assert text.startswith(example.title.said(lang) + "\n\n")
    joined = re.sub(r"\s", "", text)
    assert joined.endswith(re.sub(r"\s", "", example.story.said(lang)))
    for table in example.tables:
        columns = table.said(lang)
        assert len({len(values) for values in columns.values()}) == 1
        assert all(heading in text for heading in columns)
    story = text[text.rindex("\n\n") :]
    assert max(map(examples_width, story.splitlines())) <= 88
    assert str(example) == example.as_text()


def examples_width(line):
    """Columns of a terminal: a Chinese character or mark takes two."""
    return len(line) + len(re.findall("[\u3000-鿿\uff00-\uffef]", line))


@pytest.mark.parametrize("name", examples.names())
def test_the_record_is_plain_data(name):
    from deltarule.cli.output import print_json

    print_json(made(name).as_record("zh"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", OWN)
def test_the_picture_is_readable_and_as_recorded(name, theme):
    plt = pytest.importorskip("matplotlib.pyplot", reason="Pictures are drawn with matplotlib.")
    figure = made(name).plot(theme=theme)
    try:
        require_readable(figure)
        require_same_picture(figure, f"example_{name}_{theme}")
    finally:
        plt.close(figure)


def test_a_picture_goes_into_a_figure_that_is_given():
    plt = pytest.importorskip("matplotlib.pyplot", reason="Pictures are drawn with matplotlib.")
    figure = plt.figure()
    try:
        assert made("softmax").plot(figure) is figure
        assert len(figure.axes) == 3
    finally:
        plt.close(figure)


# ---- the registry


def test_examples_by_name_and_as_functions():
    assert examples.names() == list(examples.titles())
    assert set(examples.names()) <= set(dir(examples))
    assert (
        dr.examples.one_neuron(step=0.4).figures == dr.examples.run("one_neuron", step=0.4).figures
    )
    with pytest.raises(AttributeError, match="no attribute 'two_neurons'"):
        _ = examples.two_neurons


@pytest.mark.parametrize(
    ("name", "words"),
    [("sofmax", "did you mean softmax?"), ("Softmax", "did you mean softmax?"), ("q", "known are")],
)
def test_an_unknown_example_is_named(name, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        examples.run(name)


def test_an_unknown_parameter_is_named():
    with pytest.raises(TypeError, match="softmax has no parameter 'z'; it has scores, label"):
        examples.run("softmax", z=[1, 2])


def test_texts_speak_two_languages():
    text = Text("{n:.1f} steps", "{n:.1f} 步").with_numbers(n=2)
    assert text.said("en") == "2.0 steps"
    assert text.said("zh") == "2.0 步"
    with pytest.raises(ValueError, match="in English .* and in Chinese"):
        text.said("fr")
    with pytest.raises(ValueError, match="in English"):
        made("softmax").as_text("fr")


# ---- sigmoid_steps


def updates_by_hand(inner, outer=None):
    """The count for sigmoids (s), ReLUs (r) and nothing behind it (None), in plain Python."""
    value = {"s": sigmoid, "r": lambda x: max(x, 0.0)}
    slope = {"s": lambda x: sigmoid(x) * (1 - sigmoid(x)), "r": lambda x: float(x > 0)}
    x = math.log(9) if inner == "s" else 0.9
    count = 0
    while value[inner](x) > 0.5 + 1e-9:
        step = slope[inner](x)
        if outer is not None:
            step *= slope[outer](value[inner](x))
        x -= 0.2 * step
        count += 1
    return count


def test_sigmoid_steps():
    figures = made("sigmoid_steps").figures
    assert figures["sigmoid"] == 67
    assert figures["relu"] == 2
    assert figures == {
        "sigmoid": updates_by_hand("s"),
        "sigmoid of sigmoid": updates_by_hand("s", "s"),
        "relu of sigmoid": updates_by_hand("s", "r"),
        "relu": updates_by_hand("r"),
        "relu of relu": updates_by_hand("r", "r"),
        "sigmoid of relu": updates_by_hand("r", "s"),
    }
    x = math.log(9)  # small steps follow dx/dn = -step y (1 - y), whose solution is 2 x + 2 sinh(x)
    small = examples.sigmoid_steps(step=0.002).figures["sigmoid"]
    assert small == pytest.approx((2 * x + 2 * math.sinh(x)) / 0.002, rel=1e-3)
    text = made("sigmoid_steps").as_text()
    assert "the sigmoid takes 67 updates" in " ".join(text.split())


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"step": 0}, "step must be a finite number above 0; met 0"),
        ({"end": 0.95}, "end must be below start"),
        ({"units": ("sigmoid", "gelu")}, "never fall; gelu does"),
        ({"units": ("sigmoid", "softmax")}, "never fall; softmax does"),
        ({"units": ("sigmoid",)}, "two different activations"),
        ({"units": ("relu", "relu")}, "two different activations"),
        ({"start": 2.0}, "sigmoid has no output of 2"),
        ({"end": 0.0, "step": 5.0}, "100,000 updates do not bring sigmoid down to 0"),
    ],
)
def test_sigmoid_steps_refuses(parameters, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        examples.sigmoid_steps(**parameters)


# ---- one_neuron


def learned_by_hand(gradient, bias):
    """Updates until (a - 1/2)^2 / 2 < 0.001, in plain Python."""
    w, b, count = math.log(9), 0.0, 0
    while (a := sigmoid(w + b)) and (a - 0.5) ** 2 / 2 >= 0.001:
        slope = gradient(a)
        w, b, count = w - 0.2 * slope, b - 0.2 * slope * bias, count + 1
    return count


def test_one_neuron():
    example = made("one_neuron")
    figures = example.figures
    squared, cross = (lambda a: (a - 0.5) * a * (1 - a)), (lambda a: a - 0.5)
    assert figures["squared error"] == 287 == learned_by_hand(squared, 0)
    assert figures["cross-entropy"] == learned_by_hand(cross, 0) < 287 / 5
    assert figures["squared error (with bias)"] == learned_by_hand(squared, 1)
    assert figures["cross-entropy (with bias)"] == learned_by_hand(cross, 1)
    assert figures["steepest at"] == pytest.approx(2 / 3, abs=1e-3)  # of a^2 (1 - a)
    assert figures["steepest"] == pytest.approx(4 / 27, rel=1e-6)
    a = example.series["a"]
    np.testing.assert_allclose(example.series["squared error, gradient"], a * a * (1 - a), 1e-12)
    np.testing.assert_allclose(example.series["cross-entropy, gradient"], a, rtol=1e-13)
    np.testing.assert_allclose(example.series["cross-entropy, loss"], -np.log1p(-a), rtol=1e-12)
    assert "287" in example.as_text()
    assert "287" in example.as_text("zh")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"step": -1}, "step must be a finite number above 0; met -1"),
        ({"tolerance": math.nan}, "tolerance must be a finite number above 0"),
        ({"weight": math.inf}, "weight must be a finite number; met inf"),
        ({"x": 0}, "x must not be 0"),
        ({"target": 2}, "target must be a number from 0 to 1; met 2"),
        ({"weight": 800, "target": 0}, "20,000 updates with the squared error do not bring"),
    ],
)
def test_one_neuron_refuses(parameters, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        examples.one_neuron(**parameters)


def test_nothing_is_learned_where_nothing_is_wrong():
    assert examples.one_neuron(weight=0.0).figures["squared error"] == 0


# ---- squared_error_sums


def sum_by_hand(w, b):
    x, y = range(-2, 3), (-3, 0, 0, 3, 4)
    return sum((Fraction(w) * x_i + Fraction(b) - y_i) ** 2 for x_i, y_i in zip(x, y, strict=True))


def test_squared_error_sums():
    example = made("squared_error_sums")
    figures = example.figures
    assert figures["(2, 1)"] == 3 == sum_by_hand(2, 1)
    assert figures["(0, 0)"] == 34 == sum_by_hand(0, 0)
    w, b = Fraction(17, 10), Fraction(4, 5)  # sum(x y) / sum(x^2) and the mean of y, as sum(x) = 0
    assert figures["w"] == pytest.approx(float(w))
    assert figures["b"] == pytest.approx(float(b))
    assert figures["smallest"] == pytest.approx(float(sum_by_hand(w, b))) == pytest.approx(1.9)
    line = np.zeros(2)
    for n, (w_n, b_n) in enumerate(example.series["path"]):
        np.testing.assert_allclose((w_n, b_n), line, atol=1e-12)
        assert example.series["path, sum"][n] == pytest.approx(float(sum_by_hand(*line)))
        line = line - 0.03 * np.array([20 * line[0] - 34, 10 * line[1] - 8])
    assert figures["after the updates"] == pytest.approx(1.9, abs=1e-6)
    assert "(2, 1): 3, (0, 0): 34" in example.as_text()
    assert "(2, 1) 是 3，(0, 0) 是 34" in example.as_text("zh")


def test_a_line_through_every_point():
    figures = examples.squared_error_sums(x=[0, 1], y=[1, 3], lines=[(0, 0)], step=0.1).figures
    assert (figures["w"], figures["b"]) == pytest.approx((2, 1))
    assert figures["smallest"] == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"x": [1, 2]}, "one y for each x; met 2 x and 5 y"),
        ({"x": [1] * 5}, "at least two of them at different x"),
        ({"x": [0, 1, 2, 3, math.nan]}, "A line needs finite points"),
        ({"step": 1.0}, "With steps of 1 the sum grows"),
        ({"updates": 0}, "updates must be a finite number above 0"),
    ],
)
def test_squared_error_sums_refuses(parameters, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        examples.squared_error_sums(**parameters)


# ---- softmax


def test_softmax():
    example = made("softmax")
    powers = [mpmath.exp(z) for z in (3, 1, -3)]
    exact = [float(p / sum(powers)) for p in powers]
    np.testing.assert_allclose(example.series["a"], exact, rtol=1e-15)
    assert [f"{example.figures[f'a {i}']:.2f}" for i in range(3)] == ["0.88", "0.12", "0.00"]
    np.testing.assert_allclose(example.series["a - y"], np.subtract(exact, [1, 0, 0]), rtol=1e-14)
    np.testing.assert_array_equal(example.series["z - y"], [2, 1, -3])
    assert example.figures["softmax of two - sigmoid"] < 1e-15
    assert "0.88, 0.12, 0.00" in example.as_text()
    assert "0.88, 0.12, 0.00" in example.as_text("zh")


def test_squared_error_of_softmax_stalls():
    example = made("softmax")
    lead = example.series["lead"]
    a = 1 / (1 + np.exp(-lead))
    root = math.sqrt(2)  # of two classes the gradients are g and -g
    np.testing.assert_allclose(example.series["cross-entropy"], root * (1 - a), rtol=1e-9)
    np.testing.assert_allclose(example.series["squared error"], root * 2 * a * (1 - a) ** 2, 1e-9)
    assert example.figures["squared error at -10"] < 1e-3
    assert example.figures["cross-entropy at -10"] > 1


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"scores": [1]}, "label must be a place among two or more scores"),
        ({"label": 3}, "met label=3"),
        ({"scores": [1, math.inf, 0]}, "scores[1] must be a finite number; met inf"),
    ],
)
def test_softmax_refuses(parameters, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        examples.softmax(**parameters)


# ---- kl_divergence


def divergence(p, q):
    return math.fsum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


def test_kl_divergence():
    example = made("kl_divergence")
    figures = example.figures
    shown = [
        f"{figures[f'D(p||q{i}) in {unit}']:.3f}" for i in (1, 2) for unit in ("base 10", "nats")
    ]
    assert shown == ["0.763", "1.758", "0.160", "0.368"]
    p = (0.9, 0.1)
    for i, q in enumerate([(0.1, 0.9), (0.5, 0.5)], start=1):
        kl = divergence(p, q)
        assert figures[f"D(p||q{i}) in nats"] == pytest.approx(kl, rel=1e-13)
        assert figures[f"D(p||q{i}) in base 10"] == pytest.approx(kl / math.log(10), rel=1e-13)
        assert figures[f"D(p||q{i}) in bits"] == pytest.approx(kl / math.log(2), rel=1e-13)
        assert figures[f"D(q{i}||p) in nats"] == pytest.approx(divergence(q, p), rel=1e-13)
        cross = -math.fsum(a * math.log(b) for a, b in zip(p, q, strict=True))
        assert figures[f"cross-entropy of q{i}"] == pytest.approx(cross, rel=1e-13)
        assert cross == pytest.approx(figures["entropy"] + kl)
    assert figures["likeliest"] == figures["smallest cross-entropy"] == pytest.approx(0.9)
    first = example.series["first outcome"]
    likelihood = first**9 * (1 - first) / (0.9**9 * 0.1)
    np.testing.assert_allclose(example.series["likelihood"], likelihood, rtol=1e-10)
    for lang in ("en", "zh"):
        assert {"0.763", "0.160", "1.758", "0.368"} <= numbers_in(example.as_text(lang))


def test_the_distributions_are_the_only_ones_in_tenths():
    """Up to the order of the outcomes, no others give the four figures."""
    tenths = [(n / 10, 1 - n / 10) for n in range(1, 10)]

    def with_figures(p, tens, nats):
        pairs = [(q, divergence(p, q)) for q in tenths]
        shown = [(q, f"{kl / math.log(10):.3f}", f"{kl:.3f}") for q, kl in pairs]
        return [q for q, *figures in shown if figures == [tens, nats]]

    found = [
        (p, q1, q2)
        for p in tenths
        for q1, q2 in itertools.product(
            with_figures(p, "0.763", "1.758"), with_figures(p, "0.160", "0.368")
        )
    ]
    assert np.array(found) == pytest.approx(
        np.array([[(0.1, 0.9), (0.9, 0.1), (0.5, 0.5)], [(0.9, 0.1), (0.1, 0.9), (0.5, 0.5)]])
    )


def test_thousands_of_counts_do_not_underflow():
    figures = examples.kl_divergence(counts=(7000, 3000)).figures
    assert figures["likeliest"] == figures["smallest cross-entropy"] == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"counts": (9, 0)}, "counts must be two or more numbers above 0"),
        ({"counts": (9,)}, "counts must be two or more"),
        ({"predictions": [(0.5, 0.6)]}, "with the sum 1"),
        ({"predictions": [(0.0, 1.0)]}, "of probabilities above 0"),
        ({"predictions": [(0.2, 0.3, 0.5)]}, "distributions over 2 outcomes"),
    ],
)
def test_kl_divergence_refuses(parameters, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        examples.kl_divergence(**parameters)


# ---- numerical_gradient


def test_numerical_gradient():
    example = made("numerical_gradient")
    figures, series = example.figures, example.series
    assert figures["parameters"] == 10 * 16 + 16 + 16 * 3 + 3
    assert figures["evaluations"] == 2 * figures["parameters"]
    assert figures["forward: order"] == pytest.approx(1, abs=0.05)
    assert figures["central: order"] == pytest.approx(2, abs=0.05)
    eps = 2.0**-52
    assert abs(math.log10(figures["forward: h"] / eps ** (1 / 2))) <= 1.25
    assert abs(math.log10(figures["central: h"] / eps ** (1 / 3))) <= 1
    assert figures["central: error"] < 1e-9
    assert 1e-8 < figures["forward: error"] < 1e-6
    small = series["h"] < 1e-8  # rounding alone: like 1 / h, near what is expected
    for name in ("forward", "central"):
        ratio = series[name][small] / series["rounding"][small]
        assert (ratio > 0.1).all()
        assert (ratio < 3).all()
    assert figures["seconds, numerical"] > 10 * figures["seconds, evaluation"]
    least = 2e6 * figures["seconds, evaluation"]
    assert figures["seconds, a million at least"] == pytest.approx(least)
    assert figures["seconds, a million in proportion"] == pytest.approx(least * 1e6 / 227)
    assert "2,000,000" in example.as_text()
    assert "h^2.00" in example.as_text("zh")


def test_central_differences_evaluate_twice_for_each_parameter(monkeypatch):
    calls = []
    whole = dr.Network.evaluate

    def counted(net, x, y):
        calls.append(net)
        return whole(net, x, y)

    monkeypatch.setattr(dr.Network, "evaluate", counted)
    example = examples.numerical_gradient(units=2, inputs=2, classes=2, rows=4)
    steps, timed = len(example.series["h"]), 3
    gradients = (steps + timed) * example.figures["evaluations"]
    assert len(calls) == 1 + gradients + 1 + 21  # the loss itself, a first one, and those timed


def test_numerical_gradient_refuses():
    with pytest.raises(ValueError, match="units must be a finite number above 0; met 0"):
        examples.numerical_gradient(units=0)


def test_the_record_has_the_numbers():
    record = json.loads(json.dumps(made("one_neuron").as_record()["figures"]))
    assert record["squared error"] == 287
