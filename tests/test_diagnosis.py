"""What a diagnosis tells: in words, as JSON, as part of a page."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.datasets import load_wine

import deltarule as dr
from deltarule.doctor import Attempt, Case, Diagnosis, Finding, Rule, Scores, Seen, rules
from deltarule.doctor.evidence import figure
from deltarule.doctor.repairs import LearningRate, Repair, ScaleFeatures
from deltarule.language import Text

RULE = Rule(
    "a_fault",
    Text("A fault <b>", "毛病 <b>"),
    Text("It means & this.", "意思是 & 这样。"),
    lambda case: None,
    1,
    (ScaleFeatures(),),
    "Someone <1998> & others",
)


SLOWER = (LearningRate(0.01), LearningRate(0.001))


def finding(confidence=0.9, repairs=SLOWER, **numbers):
    words = Text("The layer 'a<i>' & more.", "层 'a<i>' 等等。")
    return Finding(RULE, Seen(words, confidence, "a<i>", 3, numbers, repairs))


def diagnosis(*findings, scores=None, unknown=(), **given):
    scores = Scores(0.5, 0.25, 0.25, 1.0) if scores is None else scores
    case = Case("classification", (), "loss", "softmax", scores=scores, unknown=unknown)
    return Diagnosis(findings, case, **given)


def tried(before=0.25, after=0.875, kept=True):
    return Attempt(finding(), LearningRate(0.01), before, after, kept)


REPAIRED = diagnosis(
    finding(),
    attempts=(tried(after=math.nan, kept=False), tried()),
    after=diagnosis(scores=Scores(0.9, 0.875, 0.25, 1.0)),
)


# ---- in words


def test_a_finding_is_a_paragraph_in_either_language():
    assert finding().explain() == (
        "A fault <b>. The layer 'a<i>' & more. It means & this. What to do: set the learning rate "
        "to 0.01 (learning_rate_init=0.01); if that does not help, set the learning rate to 0.001 "
        "(learning_rate_init=0.001)."
    )
    assert finding(0.5).explain("zh") == (
        "疑似：毛病 <b>。层 'a<i>' 等等。意思是 & 这样。建议：把学习率设为 0.01"
        "（learning_rate_init=0.01）；若无效，把学习率设为 0.001（learning_rate_init=0.001）。"
    )
    assert finding(0.5).explain().startswith("Suspected: A fault <b>. ")
    assert " ".join(finding().parts()) == finding().explain()


def test_a_confidence_is_a_number_of_python():
    some = finding(np.float64(0.5))
    assert type(some.confidence) is float
    assert some.is_suspicion is True


def test_a_cure_with_an_unknown_number_is_left_out():
    """As where a rate that nobody gave is divided by 10."""
    some = finding(repairs=(LearningRate(math.nan), LearningRate(0.001)))
    assert some.repairs == (LearningRate(0.001),)
    assert "nan" not in some.explain()
    assert finding(repairs=(LearningRate(math.nan),)).repairs == (ScaleFeatures(),)


def test_a_diagnosis_tells_what_was_found_unknown_and_tried():
    assert diagnosis().explain() == str(diagnosis()) == "Nothing wrong was found."
    assert diagnosis().explain("zh") == "没有发现问题。"
    blind = Text("The losses are unknown.", "损失未知。")
    two = replace(
        diagnosis(finding(), finding(0.5), unknown=(blind,)), attempts=(tried(kept=False),)
    )
    first, second, unknown, repairs = two.explain().split("\n\n")
    assert first == f"1. {finding().explain()}"
    assert second == f"2. {finding(0.5).explain()}"
    assert unknown == blind.en
    assert repairs == (
        "No repair helped:\n- A fault <b>: set the learning rate to 0.01 "
        "(learning_rate_init=0.01); 0.250 → 0.875, rolled back"
    )
    *_, repairs = REPAIRED.explain("zh").split("\n\n")
    assert repairs.splitlines() == [
        "修复之后，在其他样本上的得分为 0.875（不再发现问题）：",
        "- 毛病 <b>：把学习率设为 0.01（learning_rate_init=0.01）；0.250 → 失败，撤销",
        "- 毛病 <b>：把学习率设为 0.01（learning_rate_init=0.01）；0.250 → 0.875，保留",
    ]


def test_what_is_left_after_a_repair_is_named():
    left = diagnosis(finding(), scores=Scores(0.9, 0.875, 0.25, 1.0))
    partly = replace(REPAIRED, after=left)
    assert partly.outcome().en == (
        "Repaired, the score on other rows is 0.875 (still found: A fault <b>):"
    )
    assert "仍有：毛病 <b>" in partly.explain("zh")
    assert "nothing wrong is found any more" in REPAIRED.explain()


def test_scores_that_are_known_are_told():
    assert diagnosis().scored().en == (
        "Accuracy: rows it learned from 0.500, other rows 0.250, a constant 0.250, "
        "plain models 1.000"
    )
    some = diagnosis(scores=Scores(train=-0.0001, base=0.0))
    assert some.scored().zh == "准确率：学习过的样本 0.000，常数预测 0.000"
    numbers = replace(some, case=replace(some.case, task="regression"))
    assert numbers.scored().en.startswith("R2: rows it learned from 0.000")


@pytest.mark.parametrize("tell", ["explain", "to_html"])
def test_another_language_is_refused(tell):
    for some in (diagnosis(), diagnosis(finding())):
        with pytest.raises(ValueError, match="'fr'"):
            getattr(some, tell)("fr")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.00067123, "0.00067"),
        (0.0999, "0.10"),
        (0.5, "0.50"),
        (9.96, "10"),
        (61.4, "61"),
        (-52345.0, "-52,000"),
        (999_900.0, "1,000,000"),
        (1e6, "1.0e+06"),
        (3.14e-7, "3.1e-07"),
        (0.0, "0"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_numbers_in_words(value, words):
    assert figure(value) == words


def test_a_number_with_more_digits():
    assert figure(198_871.0, 4) == "198,900"
    assert figure(1990.3, 4) == "1,990"


# ---- as JSON


def loaded(text):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON.")

    return json.loads(text, parse_constant=refuse)


def test_json_holds_numbers_that_json_knows():
    found = finding(
        confidence=np.float32(0.75), a=math.nan, b=math.inf, c=np.float64(-np.inf), d=np.int64(7)
    )
    scores = Scores(np.float64(0.5), math.nan, -math.inf, 1.0)
    record = loaded(diagnosis(found, scores=scores).to_json())
    known = {"train": 0.5, "held_out": None, "base": "-inf", "reference": 1.0, "chance": 0.0}
    assert record["scores"] == known
    (one,) = record["findings"]
    assert one["confidence"] == 0.75
    assert one["numbers"] == {"a": None, "b": "inf", "c": "-inf", "d": 7}
    assert (one["code"], one["layer"], one["epoch"]) == ("a_fault", "a<i>", 3)
    assert one["title"] == {"en": "A fault <b>", "zh": "毛病 <b>"}
    assert one["explanation"] == {"en": found.explain("en"), "zh": found.explain("zh")}
    assert one["repairs"][0] == {"type": "LearningRate", "rate": 0.01}
    assert not record["healthy"]
    assert record["attempts"] == []
    assert record["after"] is None


def test_json_tells_attempts_and_what_came_of_them():
    record = loaded(REPAIRED.to_json())
    failed, helped = record["attempts"]
    assert failed["after"] is None
    assert not failed["kept"]
    assert helped == {
        "finding": "a_fault",
        "repair": {"type": "LearningRate", "rate": 0.01},
        "before": 0.25,
        "after": 0.875,
        "kept": True,
        "measure": {"en": "", "zh": ""},
    }
    assert record["after"]["healthy"]
    assert record["after"]["scores"]["held_out"] == 0.875
    assert record == REPAIRED.to_record()


def test_every_cure_is_plain_data():
    def kinds(cls):
        return [cls, *(k for sub in cls.__subclasses__() for k in kinds(sub))]

    known = [kind() for kind in kinds(Repair)[1:]]
    assert len(known) > 15
    for cure in known:
        assert loaded(json.dumps(cure.to_record()))["type"] == type(cure).__name__
        english, chinese = cure.words()
        assert english.isascii()
        assert not chinese.isascii()
        assert english[0].islower()


# ---- as part of a page


class Page(HTMLParser):
    """Which elements a page has, whether all are closed, and its text by language."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag != "br":
            self.open.append((tag, dict(attributes).get("lang")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1][0] != "style" and data.strip():
            lang = next(lang for _, lang in reversed(self.open) if lang)
            self.texts.append((lang, data.strip()))

    def said(self, lang):
        return "\n".join(text for own, text in self.texts if own == lang)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page_says_all_and_escapes_it(lang):
    blind = Text("Unknown <u>.", "未知 <u>。")
    html = replace(REPAIRED, case=replace(REPAIRED.case, unknown=(blind,))).to_html(lang)
    page = Page(html)
    assert html.startswith(f'<section class="deltarule-diagnosis" lang="{lang}">')
    assert not {"i", "u", "b"} & set(page.tags)
    assert "<1998>" not in html
    said = page.said(lang)
    for part in (RULE.title, RULE.meaning, finding().seen.words, blind, REPAIRED.outcome()):
        assert part.said(lang) in said
    for attempt in REPAIRED.attempts:
        assert attempt.explain(lang) in said
    for cure in finding().repairs:
        assert cure.words().said(lang) in said
    assert RULE.source in said
    assert "0.250" in said
    assert "prefers-color-scheme: dark" in html


def test_a_page_in_both_languages_says_which_is_which():
    page = Page(diagnosis(finding(0.5)).to_html("both"))
    english, chinese = page.said("en"), page.said("zh")
    assert RULE.title.en in english
    assert RULE.title.zh in chinese
    assert re.search(r"suspected, 50% sure", english)
    assert "疑似，把握 50%" in chinese
    assert "学习过的样本" in chinese
    assert not re.search("[一-鿿]", english)


def test_a_healthy_page_and_one_without_scores():
    healthy = Page(diagnosis(finding(), scores=Scores())._repr_html_())
    assert "table" not in healthy.tags
    page = diagnosis().to_html()
    assert "Nothing wrong was found" in Page(page).said("en")
    assert "article" not in Page(page).tags


def contrast(one, other):
    """Of two colours, as WCAG 2 defines it."""

    def light(colour):
        digits = colour.strip("#")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        part = np.array([int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)])
        linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    lighter, darker = sorted((light(one), light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_words_of_a_page_stand_out_from_its_paper():
    style = diagnosis().to_html()
    blocks = re.findall(r"\{\s*(--ink[^}]*)", style)
    assert len(blocks) == 2
    for block in blocks:
        colours = dict(re.findall(r"--(\w+): (#\w+)", block))
        for name in ("ink", "soft", "warn", "good"):
            assert contrast(colours[name], colours["paper"]) >= 4.5
        assert contrast(colours["bar"], colours["paper"]) >= 3


# ---- of real networks


def test_a_real_repair_in_all_forms():
    X, y = load_wine(return_X_y=True)
    network = dr.MLPClassifier(
        (10,), max_iter=60, learning_rate_init=0.01, random_state=0, doctor="off"
    )
    done = dr.repair(network, X, y).diagnosis
    assert done.attempts
    assert done.after is not None
    record = loaded(done.to_json())
    assert record["after"]["scores"]["held_out"] > record["scores"]["held_out"]
    page = Page(done.to_html("both"))
    for lang in ("en", "zh"):
        assert all(f.rule.title.said(lang) in page.said(lang) for f in done.findings)
        assert all(attempt.explain(lang) in page.said(lang) for attempt in done.attempts)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.code)
def test_every_rule_speaks_both_languages(rule):
    for text in (rule.title, rule.meaning):
        assert text.en.isascii()
        assert re.search("[一-鿿]", text.zh)
        assert "  " not in text.en + text.zh
        assert not re.search(r"\d %", text.en + text.zh)
        assert not re.search("[,;:!?][一-鿿]|[一-鿿][,;:!?]", text.zh)
    assert rule.title.en[0].isupper()
    assert rule.title.en[-1] != "."
    assert rule.meaning.en.endswith(".")
    assert rule.meaning.zh.endswith("。")
    assert len(rule.meaning.en) < 420
    assert rule.repairs
    assert rule.source
