"""What the constructor's parameters may be; checked when `fit` is called."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

from deltarule._activation_kinds import Activation
from deltarule._activations import activation
from deltarule._engine import N_JOBS, is_n_jobs, threads_of
from deltarule._training import SOLVERS, rule_of, settings_of
from deltarule.estimators._callbacks import is_callbacks
from deltarule.initialisers import NAMED, Initialiser
from deltarule.schedules import Schedule

Check = tuple[str, Callable[[Any], bool]]


def _real(value: Any) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


def _integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


_POSITIVE: Check = ("a number > 0", lambda v: _real(v) and v > 0)
_NON_NEGATIVE: Check = ("a number >= 0", lambda v: _real(v) and v >= 0)
_BELOW_ONE: Check = ("a number in [0, 1)", lambda v: _real(v) and 0 <= v < 1)
_BOOLEAN: Check = ("True or False", lambda v: isinstance(v, bool) or type(v).__name__ == "bool_")
_COUNT: Check = ("an integer >= 1", lambda v: _integer(v) and v >= 1)


def _one_of(*options: Any) -> Check:
    words = ", ".join(repr(option) for option in options)
    return f"one of {words}", lambda v: any(v is o or v == o for o in options)


CHECKS: dict[str, Check] = {
    "solver": _one_of(*SOLVERS, "lbfgs"),
    "alpha": _NON_NEGATIVE,
    "batch_size": ("'auto' or an integer >= 1", lambda v: v == "auto" or _COUNT[1](v)),
    "learning_rate": (
        "one of 'constant', 'invscaling', 'adaptive', or a schedule of deltarule.schedules",
        lambda v: isinstance(v, Schedule) or v in ("constant", "invscaling", "adaptive"),
    ),
    "learning_rate_init": _POSITIVE,
    "power_t": _NON_NEGATIVE,
    "max_iter": _COUNT,
    "shuffle": _BOOLEAN,
    "tol": _NON_NEGATIVE,
    "verbose": ("True, False or a number", lambda v: isinstance(v, Real) or _BOOLEAN[1](v)),
    "warm_start": _BOOLEAN,
    "max_fun": _COUNT,
    "momentum": ("a number in [0, 1]", lambda v: _real(v) and 0 <= v <= 1),
    "nesterovs_momentum": _BOOLEAN,
    "early_stopping": _BOOLEAN,
    "validation_fraction": _BELOW_ONE,
    "beta_1": _BELOW_ONE,
    "beta_2": _BELOW_ONE,
    "epsilon": _POSITIVE,
    "rho": _BELOW_ONE,
    "monitor": _one_of("score", "loss"),
    "callbacks": (
        "None, or a list of functions of a record or of objects with on_epoch_end(record)",
        is_callbacks,
    ),
    "n_iter_no_change": (
        "an integer >= 1 or infinity",
        lambda v: _COUNT[1](v) or (isinstance(v, Real) and v == math.inf),
    ),
    "init": (
        f"an initialiser or the name of one: {', '.join(NAMED)}",
        lambda v: isinstance(v, Initialiser) or (isinstance(v, str) and v in NAMED),
    ),
    "dtype": _one_of(None, "float32", "float64"),
    "n_jobs": (N_JOBS, is_n_jobs),
    "doctor": _one_of("off", "watch", "repair"),
}


def _or_none(check: Check) -> Check:
    return f"None or {check[0]}", lambda v: v is None or check[1](v)


_CONTROLS: dict[str, Check] = {
    "grad_clip_value": _or_none(_POSITIVE),
    "grad_clip_norm": _or_none(_POSITIVE),
    "accumulate": _COUNT,
    "ema": _or_none(("a number in (0, 1)", lambda v: _real(v) and 0 < v < 1)),
    "swa_from": _or_none(("an integer >= 0", lambda v: _integer(v) and v >= 0)),
}


LABEL_SMOOTHING: dict[str, Check] = {"label_smoothing": _BELOW_ONE}


# What a hidden layer of a multilayer perceptron may have beside its units.
BLOCKS: dict[str, Check] = {
    "dropout": _BELOW_ONE,
    "batch_norm": _BOOLEAN,
    "residual": _BOOLEAN,
    "l1": _NON_NEGATIVE,
    "weight_decay": _or_none(_NON_NEGATIVE),
    "max_norm": _or_none(_POSITIVE),
}


def settings_of_estimator(estimator: Any, rows: int, seed: int) -> dict[str, Any]:
    """What the engine is told of a training on so many rows."""
    batch = estimator.batch_size
    return settings_of(
        **rule_of(estimator.solver, bool(estimator.nesterovs_momentum)),
        batch_size=min(200 if batch == "auto" else int(batch), rows),
        seed=seed,
        shuffle=bool(estimator.shuffle),
        l2=float(estimator.alpha),
        learning_rate=float(estimator.learning_rate_init),
        momentum=float(estimator.momentum),
        beta_1=float(estimator.beta_1),
        beta_2=float(estimator.beta_2),
        epsilon=float(estimator.epsilon),
        rho=float(estimator.rho),
        threads=threads_of(estimator.n_jobs),
        **_controls_of(estimator),
    )


def decay_of(estimator: Any) -> float:
    """The decoupled weight decay: what is given, else 0.01 for adamw and 0 for others."""
    if estimator.weight_decay is None:
        return 0.01 if estimator.solver == "adamw" else 0.0
    return float(estimator.weight_decay)


def _controls_of(estimator: Any) -> dict[str, Any]:
    clip, norm = estimator.grad_clip_value, estimator.grad_clip_norm
    return {
        "grad_clip_value": math.inf if clip is None else float(clip),
        "grad_clip_norm": math.inf if norm is None else float(norm),
        "accumulate": int(estimator.accumulate),
        "average_decay": 0.0 if estimator.ema is None else float(estimator.ema),
        "average_from": -1 if estimator.swa_from is None else int(estimator.swa_from),
    }


def check_estimator(estimator: Any) -> None:
    """Raise ValueError for the first parameter whose value the estimator cannot use."""
    check_parameters(estimator, CHECKS)
    check_parameters(estimator, _CONTROLS)
    if estimator.ema is not None and estimator.swa_from is not None:
        raise ValueError("Give one of ema and swa_from: both average the weights.")


_TABULAR: dict[str, Check] = {
    **{
        name: CHECKS[name]
        for name in (
            "batch_size",
            "early_stopping",
            "validation_fraction",
            "n_iter_no_change",
            "monitor",
            "verbose",
            "callbacks",
            "n_jobs",
        )
    },
    "n_members": CHECKS["batch_size"],
    "max_iter": CHECKS["batch_size"],
    "learning_rate_init": _or_none(_POSITIVE),
    "dropout": _BELOW_ONE,
    "weight_decay": _NON_NEGATIVE,
    "numeric_embedding": _BOOLEAN,
    "calibrate": _BOOLEAN,
    "frequency_scale": _POSITIVE,
}


def check_tabular(estimator: Any) -> None:
    """The same for the estimators for tables."""
    known = estimator.get_params(deep=False)
    check_parameters(estimator, {name: c for name, c in _TABULAR.items() if name in known})


def check_parameters(estimator: Any, checks: dict[str, Check]) -> None:
    """The same for some of the parameters."""
    for name, (words, holds) in checks.items():
        value = getattr(estimator, name)
        if not holds(value):
            raise ValueError(
                f"The parameter {name} of {type(estimator).__name__} must be {words}; "
                f"met {value!r}."
            )


LARGEST_LAYER = 2**31 - 1  # units; sizes computed from more of them could overflow


def hidden_sizes(sizes: Any) -> list[int]:
    """``hidden_layer_sizes`` as a list; a single integer means one layer."""
    if not _integer(sizes) and not isinstance(sizes, list | tuple | np.ndarray):
        raise ValueError(
            f"hidden_layer_sizes must be an integer or a list of them, such as (100, 50); met "
            f"{sizes!r}."
        )
    listed = [sizes] if _integer(sizes) else list(sizes)
    for size in listed:
        if not _COUNT[1](size) or size > LARGEST_LAYER:
            raise ValueError(
                f"Each of hidden_layer_sizes must be > 0 and at most {LARGEST_LAYER}; met "
                f"{sizes!r}."
            )
    return [int(size) for size in listed]


def hidden_activations(spec: Any, layers: int) -> list[Activation]:
    """One activation per hidden layer, from one for all or a list."""
    if not isinstance(spec, list | tuple):
        return [activation(spec)] * layers
    listed: list[Activation] = [activation(one) for one in spec]
    if len(listed) != layers:
        raise ValueError(
            f"activation lists {len(listed)} functions for {layers} hidden layers; give one per "
            "layer, or one for all."
        )
    return listed
