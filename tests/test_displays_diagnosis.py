"""The display of a diagnosis: its numbers, what it tells, and how it looks."""

from __future__ import annotations

import doctest
import importlib
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from fresh import output_of
from picture_checks import require_readable, require_same_picture
from sklearn.datasets import load_digits, make_circles, make_friedman1

import deltarule as dr
from deltarule.displays import DiagnosisDisplay
from deltarule.displays._diagnosis import _counted
from deltarule.doctor import DataFacts, Diagnosis, Finding, Hints, Scores, Seen, Validation, rules
from deltarule.language import Text

RULES = {rule.code: rule for rule in rules()}
GIVEN = {"random_state": 0, "doctor": "off"}


def numbers():
    X, y = make_friedman1(400, noise=0.5, random_state=0)
    return (X - 0.5) / 0.29, (y - y.mean()) / y.std()


@cache
def diagnosis(name):
    """Of a real network; computed once."""
    circles = make_circles(400, noise=0.05, factor=0.5, random_state=0)
    if name == "deep":
        sizes = {"hidden_layer_sizes": (5,) * 9, "activation": "logistic", "max_iter": 40}
        return dr.examine(dr.MLPClassifier(**sizes, **GIVEN), *circles)
    if name == "fast":
        rate = {"learning_rate_init": 3.0, "max_iter": 30}
        return dr.examine(dr.MLPClassifier(hidden_layer_sizes=(16, 16), **rate, **GIVEN), *circles)
    if name == "raw":
        X, y = numbers()
        network = dr.MLPRegressor(hidden_layer_sizes=(16,), max_iter=60, **GIVEN)
        return dr.examine(network, X * np.array([5e4, *[1] * 9]), 1e4 + 5e3 * y)
    X, y = load_digits(return_X_y=True)
    network = dr.MLPClassifier(hidden_layer_sizes=(40,), batch_size=32, max_iter=60, **GIVEN)
    return dr.examine(network, X[:700] / 16, y[:700])


def with_finding(code, name="fast", layer="", **changes):
    """A real case in which a rule is said to have seen something."""
    case = replace(diagnosis(name).case, **changes)
    return Diagnosis((Finding(RULES[code], Seen(Text("words", "话"), 0.9, layer)),), case)


def evidence(given):
    return DiagnosisDisplay.from_diagnosis(given).evidence


def close(display):
    import matplotlib.pyplot as plt

    plt.close(display.figure_)


# ---- numbers


def test_gradients_are_those_of_the_case():
    given = diagnosis("deep")
    assert given.findings[0].code == "vanishing_gradient"
    (first, *_) = evidence(given)
    case = given.case
    assert first.title == "The gradient vanishes on its way to the first layers"
    assert first.at == tuple(f"dense_{i}" for i in range(1, 11))
    for name, vitals in (("before training", case.begin), ("at the end", case.end)):
        wanted = vitals["gradient_rms"][0, case.weighted]
        np.testing.assert_array_equal(first.series[name], wanted.astype(float))
    last = first.series["before training"][-1]
    assert first.healthy == pytest.approx((0.05 * last, 20 * last))
    assert first.accused == 0
    assert first.logarithmic


def test_steps_are_those_of_the_history():
    given = diagnosis("fast")
    assert given.findings[0].code == "learning_rate_high"
    (first, *_) = evidence(given)
    ratios = given.case.history.vitals.update_ratio[:, given.case.weighted]
    np.testing.assert_allclose(first.series["largest layer"], np.nanmax(ratios, axis=1))
    assert first.at == tuple(map(str, range(1, len(given.case.history) + 1)))
    assert first.healthy == (1e-3, 1e-2)


def test_features_and_targets_are_those_of_the_data():
    given = diagnosis("raw")
    shown = {one.title: one for one in evidence(given)}
    X = numbers()[0] * np.array([5e4, *[1] * 9])
    features = shown["The features are not scaled"]
    assert features.at[0] == "X[:, 0]"
    assert features.series[""][0] == pytest.approx(np.sqrt(np.mean(X[:, 0] ** 2)), rel=0.1)
    targets = shown["The targets are not scaled"]
    assert targets.at == ("smallest", "mean", "largest", "deviation")
    assert targets.series[""][1] == pytest.approx(1e4, rel=0.1)


def test_a_healthy_network_shows_its_scores():
    given = diagnosis("healthy")
    assert given.healthy
    (one,) = evidence(given)
    assert one.title == "Nothing wrong was found"
    assert one.at == ("own rows", "other rows", "a constant", "plain models")
    s = given.case.scores
    assert one.series[""].tolist() == [s.train, s.held_out, s.base, s.reference]
    assert one.healthy[0] < s.reference
    assert one.healthy[1] == 1


def facts(n=3, **given):
    usual = {
        "rows": 100,
        "mean": np.zeros(n),
        "std": np.ones(n),
        "largest": np.ones(n),
        "names": (),
        "relation": np.zeros(n),
        "counts": {},
        "target_mean": 0.5,
        "target_std": 1.0,
        "target_low": -3.0,
        "target_high": 2.0,
        "distinct_targets": 90,
        "whole_targets": False,
        "duplicated": 0.0,
        "contradictory": 0.03,
    }
    return DataFacts(**{**usual, **given})


def test_evidence_that_is_not_in_the_training():
    data = facts(names=("a", "b", "c"), relation=np.array([0.1, 0.99, 0.3]))
    (one,) = evidence(with_finding("leaking_feature", data=data))
    assert one.at == ("b", "c", "a")
    assert one.series[""].tolist() == [0.99, 0.3, 0.1]
    moved = Validation(50, np.array([0.1, -4.0, np.inf]), np.ones(3))
    data = facts(std=np.array([1.0, 1.0, 0.0]))
    (one,) = evidence(with_finding("validation_split", data=data, validation=moved))
    assert one.at == ("X[:, 1]", "X[:, 0]")
    assert one.series[""].tolist() == [-4.0, 0.1]
    hints = Hints(error=0.3, core_error=0.25)
    (one,) = evidence(with_finding("label_noise", data=facts(), hints=hints))
    assert one.series[""].tolist() == [0.3, 0.25, 0.03]
    (one,) = evidence(with_finding("constant_features", data=facts(std=np.array([0.0, 2.0, 0.0]))))
    assert one.series[""].tolist() == [0.0, 0.0, 2.0]
    hints = Hints(recalls={"rare": 0.1, "usual": 0.9}, expected_recalls={"rare": 0.8, "usual": 0.7})
    (one,) = evidence(with_finding("class_imbalance", hints=hints))
    assert one.at == ("rare", "usual")
    assert one.series["this network"].tolist() == [0.1, 0.9]
    assert one.series["plain models"].tolist() == [0.8, 0.7]
    given = {
        "hints": Hints(quarters=(0.75, 0.5, 0.5, 0.25)),
        "depends": (0.1, 0.2, 0.1, 0.4),
        "scores": Scores(base=0.25),
    }
    (one,) = evidence(with_finding("forgetting", **given))
    assert one.at == ("first", "second", "third", "last")
    assert one.series["this network"].tolist() == pytest.approx([0.125, 0.25, 0.125, 0.5])
    assert one.series["plain models"].tolist() == pytest.approx([0.5, 0.25, 0.25, 0.0])
    assert "quarter" in str(DiagnosisDisplay((one,)).plot())


def test_findings_seen_in_the_same_numbers_share_a_panel():
    given = diagnosis("fast")
    seen = Seen(Text("words", "话"), 0.9)
    both = [Finding(RULES[code], seen) for code in ("optimizer_settings", "learning_rate_high")]
    (one,) = evidence(replace(given, findings=tuple(both)))
    assert one.title == f"{both[0].rule.title.en}; {both[1].rule.title.en}"


def test_findings_beyond_the_fourth_are_counted():
    given = diagnosis("deep")
    codes = ("vanishing_gradient", "base_rate", "too_few_epochs", "saturation", "learning_rate_low")
    seen = Seen(Text("words", "话"), 0.5)
    many = replace(given, findings=tuple(Finding(RULES[code], seen) for code in codes))
    display = DiagnosisDisplay.from_diagnosis(many)
    assert display.others == 1
    assert display.as_text().endswith("(1 more finding)")
    assert all(one.title.startswith("Suspected: ") for one in display.evidence)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", ["deep", "raw"])
def test_every_finding_has_evidence_that_can_be_told_and_drawn(rule, name):
    given = with_finding(rule.code, name)
    display = DiagnosisDisplay.from_diagnosis(given)
    assert all(one.tells for one in display.evidence)
    assert rule.title.en in display.as_text()
    display.plot()
    require_readable(display.figure_)
    close(display)


def test_a_history_alone_is_shown_by_its_loss():
    given = dr.examine(diagnosis("fast").case.history)
    (one, *_) = evidence(replace(given, findings=()))
    assert one.shown == "loss"
    np.testing.assert_array_equal(one.series["training"], given.case.history.loss)


def test_what_is_no_diagnosis_is_refused():
    with pytest.raises(TypeError, match="takes what deltarule.examine returns.*met dict"):
        DiagnosisDisplay.from_diagnosis({})
    with pytest.raises(ValueError, match="pink"):
        DiagnosisDisplay.from_diagnosis(diagnosis("fast")).plot(theme="pink")


# ---- in words


def test_as_text_points_at_the_layer():
    told = DiagnosisDisplay.from_diagnosis(diagnosis("deep")).as_text()
    heading, _, columns, accused, *_ = told.splitlines()
    assert heading.startswith("1. The gradient vanishes on its way to the first layers: rms of ")
    assert "(healthy: " in heading
    assert columns.split()[0] == "layer"
    assert accused.startswith("dense_1 ")
    assert accused.endswith("<-")
    assert told.splitlines()[4].split()[0] == "dense_2"
    assert str(DiagnosisDisplay.from_diagnosis(diagnosis("deep"))) == told


def test_as_text_draws_courses():
    told = DiagnosisDisplay.from_diagnosis(diagnosis("fast")).as_text()
    epochs = len(diagnosis("fast").case.history)
    assert f"\n{epochs} epochs\n" in told
    assert set(told) & set("▁▂▃▄▅▆▇█")


def test_large_numbers_have_no_power_of_ten():
    values = (0.123456, 5.0, 999.4, 12345.6, -4e5, 3e12)
    assert [_counted(v) for v in values] == ["0.123", "5", "999", "12,346", "-400,000", "3e+12"]


def test_text_needs_no_matplotlib():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import deltarule as dr\n"
        "from deltarule.displays import DiagnosisDisplay\n"
        "from sklearn.datasets import load_iris\n"
        "model = dr.MLPClassifier(max_iter=5, random_state=0, doctor='off')\n"
        "print(DiagnosisDisplay.from_diagnosis(dr.examine(model, *load_iris(return_X_y=True))))\n"
    )
    assert output_of(code).startswith("1. ")


def test_the_example_of_the_docstring():
    result = doctest.testmod(importlib.import_module("deltarule.displays._diagnosis"))
    assert result.attempted
    assert not result.failed


# ---- as a picture


@pytest.mark.parametrize(
    ("name", "theme"), [("deep", "light"), ("fast", "dark"), ("raw", "light"), ("healthy", "dark")]
)
def test_pictures(name, theme):
    display = DiagnosisDisplay.from_diagnosis(diagnosis(name)).plot(theme=theme)
    assert len(display.ax_) == len(display.evidence)
    require_readable(display.figure_)
    require_same_picture(display.figure_, f"diagnosis_{name}")
    close(display)


def test_what_is_drawn_is_what_was_counted():
    display = DiagnosisDisplay.from_diagnosis(diagnosis("deep")).plot()
    one, ax = display.evidence[0], display.ax_[0]
    drawn = [line for line in ax.lines if len(line.get_xdata()) == len(one.at)]
    np.testing.assert_array_equal(drawn[0].get_xdata(), one.series["before training"])
    rings = [line for line in ax.lines if line.get_markersize() == 9]
    assert [ring.get_ydata()[0] for ring in rings] == [0, 0]
    band = ax.patches[0]
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx(one.healthy)
    close(display)


def test_it_takes_the_place_of_axes():
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(14, 6), layout="constrained")
    left.plot([0, 1])
    display = DiagnosisDisplay.from_diagnosis(diagnosis("fast")).plot(right)
    assert display.figure_ is figure
    middle = figure.bbox.width / 2
    figure.canvas.draw()
    assert all(ax.get_window_extent().x0 > middle for ax in display.ax_)
    plt.close(figure)
