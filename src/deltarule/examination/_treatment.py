"""Repairs applied to an estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deltarule.doctor import repairs
from deltarule.doctor.repairs import Repair
from deltarule.examination import _stack

ADAM_RATE, SGD_RATE = 1e-3, 1e-2


@dataclass(frozen=True)
class Treatment:
    """How an estimator is changed: its parameters, and what stands before and behind it.

    Attributes
    ----------
    parameters : dict
    scales_features, scales_targets : bool
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    scales_features: bool = False
    scales_targets: bool = False

    def of(self, estimator: Any) -> Any:
        """The treated estimator, not fitted."""
        from sklearn.base import clone
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = clone(estimator).set_params(**self.parameters)
        if self.scales_features:
            model = make_pipeline(StandardScaler(), model)
        if self.scales_targets:
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
        return model


def network_of(model: Any) -> Any:
    """The network in a treated estimator."""
    model = getattr(model, "regressor_", getattr(model, "regressor", model))
    return model[-1] if hasattr(model, "steps") else model


def apply(repair: Repair, estimator: Any, treatment: Treatment) -> Treatment | None:
    """The treatment with one more repair; None where it changes nothing, or cannot be applied."""
    own = {**estimator.get_params(deep=False), **treatment.parameters}
    if isinstance(repair, repairs.ScaleFeatures):
        changed = replace(treatment, scales_features=True)
    elif isinstance(repair, repairs.ScaleTargets):
        changed = replace(treatment, scales_targets=True)
    else:
        change = _CHANGES.get(type(repair))
        if change is None:
            return None
        new = {name: v for name, v in change(repair, own).items() if name in own}
        new = {name: v for name, v in new.items() if not _same(own[name], v)}
        changed = replace(treatment, parameters={**treatment.parameters, **new})
    return None if changed == treatment else changed


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def _swap(repair: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    if "layers" in own:
        return {"layers": _stack.with_activation(own["layers"], repair.to, repair.init)}
    return {"activation": repair.to, "init": repair.init}


def _initialise(repair: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    if "layers" in own:
        return {"layers": _stack.with_init(own["layers"], repair.init)}
    return {"init": repair.init}


def _batch_norm(_: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    if "layers" in own:
        return {"layers": _stack.with_batch_norm(own["layers"])}
    return {"batch_norm": True}


def _residuals(_: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    if "layers" in own:
        return {"layers": _stack.with_residuals(own["layers"])}
    return {"residual": True}


def _rate(repair: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"learning_rate_init": repair.rate, "learning_rate": "constant"}


def _optimizer(repair: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    rate = SGD_RATE if repair.solver in ("sgd", "momentum", "nesterov") else ADAM_RATE
    usual = {"momentum": 0.9, "nesterovs_momentum": True, "beta_1": 0.9, "beta_2": 0.999}
    return {
        "solver": repair.solver,
        "learning_rate_init": rate,
        "learning_rate": "constant",
        "epsilon": 1e-8,
        **usual,
    }


def _regularise(repair: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    none = {"l1": 0.0, "weight_decay": None, "max_norm": None}
    return {
        "alpha": repair.alpha,
        "dropout": repair.dropout,
        "early_stopping": repair.early_stopping,
        **none,
    }


def _usual_output(repair: Any, _: Mapping[str, Any]) -> dict[str, Any]:
    loss = "squared_error" if repair.task == "regression" else "cross_entropy"
    return {"out_activation": None, "loss": loss}


_Change = Callable[[Any, Mapping[str, Any]], dict[str, Any]]
_CHANGES: Mapping[type, _Change] = {
    repairs.SwapActivation: _swap,
    repairs.Initialise: _initialise,
    repairs.AddBatchNorm: _batch_norm,
    repairs.AddResiduals: _residuals,
    repairs.ClipGradients: lambda r, _: {"grad_clip_norm": r.norm},
    repairs.LearningRate: _rate,
    repairs.Optimizer: _optimizer,
    repairs.BatchSize: lambda r, _: {"batch_size": r.rows},
    repairs.WeighClasses: lambda _r, _: {"class_weight": "balanced"},
    repairs.UsualOutput: _usual_output,
    repairs.Regularise: _regularise,
    repairs.Epochs: lambda r, _: {
        "max_iter": r.epochs,
        "tol": 1e-5,
        "n_iter_no_change": 20,
    },
    repairs.Units: lambda r, _: {"hidden_layer_sizes": r.sizes},
}
