"""docs/doctor.md and its Chinese twin: their programs run, their table is that of the rules."""

from __future__ import annotations

import re
from importlib.util import find_spec

import numpy as np
import pytest
from fresh import REPOSITORY, output_of

import deltarule as dr
from deltarule.doctor import rules
from deltarule.examination.after_fit import GUIDE, DiagnosisWarning

PAGES = {
    lang: (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    for lang, name in (("en", "doctor.md"), ("zh", "doctor.zh.md"))
}
PROGRAMS = {
    lang: re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    for lang, page in PAGES.items()
}
SAYS = (
    "features are not scaled",
    "rolled back|kept",
    "learning_rate_low|unscaled_targets",
    "",
    "[0-9]",
)


def rows(lang: str) -> list[list[str]]:
    """The cells of the table of findings."""
    lines = [line for line in PAGES[lang].splitlines() if line.startswith('| <a id="')]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_both_pages_have_the_same_programs() -> None:
    assert PROGRAMS["en"] == PROGRAMS["zh"]
    assert len(PROGRAMS["en"]) == len(SAYS)
    for level in ("#", "##"):
        headings = [re.findall(rf"^{level} .", page, flags=re.MULTILINE) for page in PAGES.values()]
        assert len(headings[0]) == len(headings[1])


@pytest.mark.parametrize("index", range(len(SAYS)))
def test_programs_of_the_page_run(index: int) -> None:
    program = PROGRAMS["en"][index]
    if "torch" in program and find_spec("torch") is None:
        pytest.skip("PyTorch is not installed.")
    said = output_of(program)
    assert re.search(SAYS[index], said)
    assert "Nothing wrong was found" not in said


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_table_is_that_of_the_rules(lang: str) -> None:
    found = rows(lang)
    assert len(found) == len(rules())
    between = {"en": "; ", "zh": "；"}[lang]
    for rule, (code, title, seen, cures) in zip(rules(), found, strict=True):
        assert code == f'<a id="{rule.code}"></a>`{rule.code}`'
        assert title == rule.title.said(lang)
        assert cures == between.join(cure.words().said(lang) for cure in rule.repairs)
        assert len(seen) > 5
        assert bool(re.search("[一-鿿]", seen)) == (lang == "zh")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warning_names_its_place_in_the_guide() -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    network = dr.MLPRegressor(max_iter=150, random_state=0)
    with pytest.warns(DiagnosisWarning) as caught:
        network.fit(X, 1e6 + 1e4 * X[:, 0])
    (warning,) = [w.message for w in caught if isinstance(w.message, DiagnosisWarning)]
    code = warning.diagnosis.findings[0].code
    assert str(warning).endswith(f"[{GUIDE}#{code}]")
    assert f'<a id="{code}">' in (REPOSITORY / GUIDE).read_text(encoding="utf-8")
