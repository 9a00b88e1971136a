"""The clinic: planted faults are named, healthy networks pass silently, repairs cure.

Here with one seed; `python tests/clinic/run.py --half unseen --repair` prints the whole table.
"""

from __future__ import annotations

import sys

import pytest
from fresh import REPOSITORY

import deltarule as dr

sys.path.insert(0, str(REPOSITORY / "tests" / "clinic"))
from cure import cure_of
from healthy import HEALTHY
from run import patients

PATIENTS = list(patients("both"))
FAULTS = sorted({patient.fault for patient in PATIENTS})
# What a network could learn from is gone: nothing brings it back.
LOST = ("constant_features",)

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
]


def codes(diagnosis):
    return {finding.code for finding in diagnosis.findings}


def named(patient):
    found = dr.examine(patient.sick(0), *(patient.sick_data or patient.data)(0))
    return bool({patient.fault, *patient.also} & codes(found))


def test_every_finding_has_patients():
    assert {rule.code for rule in dr.doctor.rules()} == set(FAULTS)
    for fault in FAULTS:
        assert sum(patient.fault == fault for patient in PATIENTS) >= 4
    assert len(HEALTHY) == 50


def alarmed(chosen):
    return [p.name for p in chosen if not dr.examine(p.healthy(0), *p.data(0)).healthy]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_and_the_twin_passes_silently(fault):
    first = next(patient for patient in PATIENTS if patient.fault == fault)
    assert named(first)
    assert alarmed([first]) == []


@pytest.mark.parametrize(
    ("name", "data", "make"), HEALTHY[::4], ids=[name for name, _, _ in HEALTHY[::4]]
)
def test_a_healthy_network_passes_silently(name, data, make):
    found = dr.examine(make(0), *data(0))
    assert found.healthy, found.explain()


@pytest.mark.slow
def test_the_clinic_as_a_whole():
    cures = {patient: cure_of(patient, 0) for patient in PATIENTS}
    missed = [p for p, cure in cures.items() if not {p.fault, *p.also} & codes(cure.diagnosis)]
    assert len(missed) <= 0.05 * len(PATIENTS), [(p.fault, p.name) for p in missed]
    sick = [p for p, cure in cures.items() if p.fault not in LOST and not cure.cured]
    assert len(sick) <= 0.1 * len(PATIENTS), [(p.fault, p.name) for p in sick]
    alarms = alarmed(PATIENTS)
    alarms += [name for name, data, make in HEALTHY if not dr.examine(make(0), *data(0)).healthy]
    assert len(alarms) <= 0.02 * (len(PATIENTS) + len(HEALTHY)), alarms
