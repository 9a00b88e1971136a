"""Whether a repaired patient predicts as its healthy twin, on rows that both do not know."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from patient import Patient
from sklearn.metrics import r2_score

import deltarule as dr


class Cure(NamedTuple):
    """Scores of the repaired one and of its twin; seconds of the repair and of a healthy fit."""

    cured: bool
    score: float
    goal: float
    seconds: float
    of_fit: float
    diagnosis: dr.doctor.Diagnosis


def cure_of(patient: Patient, seed: int) -> Cure:
    """Repair it.

    A quarter of the rows is kept apart: of these the targets are right, and a column made of the
    target tells nothing.  Sick validation rows are part of what is repaired, so the verdict is on
    the rows that the repaired split holds out.
    """
    clean, sick = patient.data(seed), (patient.sick_data or patient.data)(seed)
    order = np.random.default_rng(seed).permutation(len(clean[0]))
    test, train = order[: len(order) // 4], order[len(order) // 4 :]
    given = sick if len(sick) == 4 else _without(sick, test, len(order))
    twin = patient.healthy(seed)
    fits = []
    for _ in range(2):  # the first is slower
        start = time.perf_counter()
        twin.fit(clean[0][train], clean[1][train])
        fits.append(time.perf_counter() - start)
    few = train[: 3 * len(train) // 4]  # as many rows as the repaired one learned from
    twin.fit(clean[0][few], clean[1][few])
    goal = score(twin, clean[0][test], clean[1][test])
    start = time.perf_counter()
    estimator, diagnosis = dr.repair(patient.sick(seed), *given)
    seconds = time.perf_counter() - start
    if len(sick) == 4:
        reached = (diagnosis.after or diagnosis).case.scores.held_out
    else:
        reached = score(estimator, *_fair(patient, clean, sick, test))
    classes = hasattr(twin, "predict_proba")
    cured = reached > goal - 0.03 if classes else 1 - reached < 1.2 * (1 - goal) + 0.005
    return Cure(bool(cured), reached, goal, seconds, min(fits), diagnosis)


def score(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Accuracy, or R2 where the targets are not whole numbers."""
    predicted = np.asarray(model.predict(X))
    if y.dtype.kind == "f" and (y != np.round(y)).any():
        return float(r2_score(y, predicted))
    if y.ndim > 1:
        y = y.argmax(axis=1)
    if predicted.ndim > 1:
        predicted = predicted.argmax(axis=1)
    elif predicted.dtype.kind == "f":
        classes = np.unique(y)
        predicted = classes[np.abs(predicted[:, None] - classes).argmin(axis=1)]
    return float(np.mean(predicted == y))


def _without(rows: tuple[np.ndarray, ...], test: np.ndarray, n: int) -> tuple[np.ndarray, ...]:
    """Rows to learn from; those added behind the first n only if they are no twin of a test row."""
    X, y = rows
    known = {row.tobytes() for row in X[test]}
    keep = np.array([row.tobytes() not in known for row in X])
    keep[test] = False
    keep[:n] = ~np.isin(np.arange(n), test)
    return X[keep], y[keep]


def _fair(patient: Patient, clean: Any, sick: Any, test: np.ndarray) -> tuple[Any, Any]:
    X, y = sick[0][test], sick[1][test]
    if patient.fault == "label_noise":
        y = clean[1][test]
    if patient.fault == "leaking_feature":
        X, before = X.copy(), clean[0][test]
        same = [j for j in range(before.shape[1]) if np.array_equal(X[:, j], before[:, j])]
        X[:, len(same)] = np.random.default_rng(0).permutation(X[:, len(same)])
    return X, y
