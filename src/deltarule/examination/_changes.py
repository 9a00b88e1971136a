"""Repairs as parameters of an estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deltarule.doctor import repairs
from deltarule.examination import _stack

ADAM_RATE, SGD_RATE = 1e-3, 1e-2
USUAL_BATCH = 32
PATIENCE = {"tol": 1e-5, "n_iter_no_change": 20}
Parameters = Mapping[str, Any]
Change = Callable[[Any, Parameters], dict[str, Any]]


def same(a: Any, b: Any) -> bool:
    """Whether two parameters mean the same."""
    return type(a) is type(b) and bool(a == b)


def _swap(repair: Any, own: Parameters) -> dict[str, Any]:
    if "layers" in own:
        return {"layers": _stack.with_activation(own["layers"], repair.to, repair.init)}
    return {"activation": repair.to, "init": repair.init}


def _initialise(repair: Any, own: Parameters) -> dict[str, Any]:
    if "layers" in own:
        changed = _stack.with_fields(own["layers"], init=repair.init, bias_init="zeros")
        return {"layers": changed, "init": "glorot_uniform"}
    return {"init": repair.init}


def _with_fields(own: Parameters, **values: Any) -> dict[str, Any]:
    return {"layers": _stack.with_fields(own.get("layers", ()), **values)}


def _remember(repair: Any, own: Parameters) -> dict[str, Any]:
    return {"layers": _stack.with_memory(own.get("layers", ()), repair.forget_bias)}


def _batch_norm(_: Any, own: Parameters) -> dict[str, Any]:
    if "layers" in own:
        return {"layers": _stack.with_batch_norm(own["layers"])}
    return {"batch_norm": True}


def _residuals(_: Any, own: Parameters) -> dict[str, Any]:
    if "layers" in own:
        return {"layers": _stack.with_residuals(own["layers"])}
    return {"residual": True}


def _rate(repair: Any, _: Parameters) -> dict[str, Any]:
    return {"learning_rate_init": repair.rate, "learning_rate": "constant"}


def _optimizer(repair: Any, _: Parameters) -> dict[str, Any]:
    rate = SGD_RATE if repair.solver in ("sgd", "momentum", "nesterov") else ADAM_RATE
    usual = {"momentum": 0.9, "nesterovs_momentum": True, "beta_1": 0.9, "beta_2": 0.999}
    return {
        "solver": repair.solver,
        "learning_rate_init": rate,
        "learning_rate": "constant",
        "epsilon": 1e-8,
        **usual,
    }


def _regularise(repair: Any, own: Parameters) -> dict[str, Any]:
    changed = {
        "alpha": repair.alpha,
        "dropout": repair.dropout,
        "early_stopping": repair.early_stopping,
        "l1": repair.l1,
        "weight_decay": None,
        "max_norm": None,
    }
    if "layers" in own:
        changed["layers"] = _stack.with_penalty(own["layers"], repair.l1, repair.dropout)
    return changed


def _usual_output(repair: Any, own: Parameters) -> dict[str, Any]:
    loss = "squared_error" if repair.task == "regression" else "cross_entropy"
    changed: dict[str, Any] = {"out_activation": None, "loss": loss}
    if "layers" in own:
        changed["layers"] = _stack.without_shares(own["layers"])
    return changed


def _units(repair: Any, own: Parameters) -> dict[str, Any]:
    if "layers" in own:
        return {}
    return {"hidden_layer_sizes": repair.sizes}


def _usual(repair: Any, own: Parameters) -> dict[str, Any]:
    """What fits most data, but for the size, which stays where it can learn something."""
    sizes = own.get("hidden_layer_sizes", ())
    sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
    learns = 2 <= len(sizes) <= 4 and min(sizes) >= 32
    usual: dict[str, Any] = {}
    for change, part in (
        (_optimizer, repairs.Optimizer("adam")),
        (_swap, repairs.SwapActivation("relu", "he_normal")),
        (_regularise, repairs.Regularise(1e-2)),
        (_usual_output, repairs.UsualOutput(repair.task)),
    ):
        usual |= change(part, {**own, **usual})
    return {
        **usual,
        "hidden_layer_sizes": sizes if learns else (64, 64),
        "learning_rate_init": 2e-3,
        "batch_size": USUAL_BATCH,
        "accumulate": 1,
        "max_iter": repair.epochs,
        **PATIENCE,
    }


def _scaled(_: Any, own: Parameters) -> dict[str, Any]:
    return {"layers": _stack.with_scaling(own["layers"])} if "layers" in own else {}


CHANGES: Mapping[type, Change] = {
    repairs.ScaleFeatures: _scaled,
    repairs.SwapActivation: _swap,
    repairs.Initialise: _initialise,
    repairs.InitialiseRecurrent: lambda r, own: _with_fields(own, recurrent_init=r.init),
    repairs.Remember: _remember,
    repairs.ReadBothWays: lambda _r, own: _with_fields(own, bidirectional=True),
    repairs.FollowBatches: lambda r, own: _with_fields(own, momentum=r.momentum),
    repairs.AddBatchNorm: _batch_norm,
    repairs.AddResiduals: _residuals,
    repairs.ClipGradients: lambda r, _: {"grad_clip_norm": r.norm},
    repairs.LearningRate: _rate,
    repairs.Optimizer: _optimizer,
    repairs.Setting: lambda r, _: {r.name: r.value},
    repairs.BatchSize: lambda r, _: {"batch_size": r.rows},
    repairs.WeighClasses: lambda _r, _: {"class_weight": "balanced"},
    repairs.UsualOutput: _usual_output,
    repairs.Regularise: _regularise,
    repairs.Epochs: lambda r, _: {"max_iter": r.epochs, **PATIENCE},
    repairs.Units: _units,
    repairs.OtherLoss: lambda r, _: {"loss": r.loss},
    repairs.Usual: _usual,
}
