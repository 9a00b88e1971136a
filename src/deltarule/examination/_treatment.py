"""An estimator with repairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deltarule.doctor import repairs
from deltarule.doctor.case import Task
from deltarule.doctor.repairs import Repair
from deltarule.examination import _tabular
from deltarule.examination._changes import CHANGES, same
from deltarule.examination._wrapped import network_of, within


@dataclass(frozen=True)
class Treatment:
    """How an estimator is changed: its kind, its parameters, and what stands around it.

    Attributes
    ----------
    parameters : dict
        Of the network.
    task : {"classification", "regression", "unknown"}
        Of the estimator that takes the place of another; unknown: the same.
    scales_features, scales_targets : bool
    drops : tuple of int
        Columns that are left out.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    task: Task = "unknown"
    scales_features: bool = False
    scales_targets: bool = False
    drops: tuple[int, ...] = ()

    def of(self, estimator: Any) -> Any:
        """The treated estimator, not fitted."""
        from sklearn.base import clone
        from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = _with_network(clone(_unfitted(estimator)), self.network_of(estimator))
        around: list[Any] = []
        if self.drops:
            left_out = [("left_out", "drop", list(self.drops))]
            around.append(ColumnTransformer(left_out, remainder="passthrough"))
        if self.scales_features:
            around.append(StandardScaler())
        if around:
            model = make_pipeline(*around, model)
        if self.scales_targets:
            model = TransformedTargetRegressor(model, transformer=StandardScaler())
        return model

    def network_of(self, estimator: Any) -> Any:
        """The treated network, without what stands around it."""
        from sklearn.base import clone

        network = clone(network_of(estimator))
        if self.task != "unknown" or (self.parameters and not hasattr(network, "doctor")):
            network = _own(network, self.task)
        if "doctor" in network.get_params():
            network.set_params(doctor="off")
        return network.set_params(**self.parameters)


def apply(
    repair: Repair, estimator: Any, treatment: Treatment, table: bool = True
) -> Treatment | None:
    """The treatment with one more repair; None where it changes nothing, or cannot be applied.

    What reads no table, but sequences or images, scales its features by a layer.
    """
    if _tabular.knows(network_of(estimator)) and isinstance(repair, _OF_NUMBERS):
        return None
    match repair:
        case repairs.ScaleFeatures() if not table:
            changed = replace(treatment, parameters=_parameters(repair, estimator, treatment))
        case repairs.ScaleFeatures():
            changed = replace(treatment, scales_features=True)
        case repairs.ScaleTargets():
            changed = replace(treatment, scales_targets=True)
        case repairs.DropFeatures(features):
            changed = replace(treatment, drops=tuple({*treatment.drops, *features}))
        case repairs.OtherEstimator(task):
            kept = {k: v for k, v in treatment.parameters.items() if k not in _OF_TASK}
            changed = replace(treatment, task=task, scales_targets=False, parameters=kept)
        case repairs.Together(parts):
            changed = treatment
            for part in parts:
                changed = apply(part, estimator, changed, table) or changed
        case repairs.Usual():
            new = _parameters(repair, estimator, treatment)
            numbers = repair.task == "regression"
            changed = replace(
                treatment, scales_features=table, scales_targets=numbers, parameters=new
            )
        case _:
            changed = replace(treatment, parameters=_parameters(repair, estimator, treatment))
    return None if changed == treatment else changed


# What is for numbers only, and what a network for tables does by itself.
_OF_NUMBERS = (repairs.ScaleFeatures, repairs.DropFeatures, repairs.Usual, repairs.OtherEstimator)
_OF_TASK = ("loss", "out_activation")  # parameters that are of no use for another task


def _parameters(repair: Repair, estimator: Any, treatment: Treatment) -> Mapping[str, Any]:
    change = CHANGES.get(type(repair))
    if change is None:
        return treatment.parameters
    own = _own(network_of(estimator), treatment.task).set_params(**treatment.parameters)
    old = own.get_params(deep=False)
    new = {k: v for k, v in change(repair, old).items() if k in old and not same(old[k], v)}
    return {**treatment.parameters, **new}


def _own(network: Any, task: Task) -> Any:
    """A network as the estimator of this package for a task, with the parameters both know."""
    from sklearn.base import clone, is_classifier

    from deltarule import estimators

    if task == "unknown":
        task = "classification" if is_classifier(network) else "regression"
        if hasattr(network, "doctor"):
            return clone(network)
    layered = hasattr(network, "layers")
    kinds = {
        ("classification", False): estimators.MLPClassifier,
        ("regression", False): estimators.MLPRegressor,
        ("classification", True): estimators.NetworkClassifier,
        ("regression", True): estimators.NetworkRegressor,
    }
    own = kinds[task, layered]()
    known = own.get_params(deep=False)
    given = network.get_params(deep=False)
    kept = {k: v for k, v in given.items() if k in known and k not in _OF_TASK}
    if len(set(map(str, kept)) & {"layers", "hidden_layer_sizes"}) == 0:
        return own
    return own.set_params(**kept)


def _unfitted(estimator: Any) -> Any:
    """What a search was given; others as they are."""
    if hasattr(estimator, "best_estimator_"):
        return estimator.best_estimator_
    return estimator


def _with_network(model: Any, network: Any) -> Any:
    """A wrapping with another network in it."""
    inner = within(model)
    if inner is None:
        return network
    if hasattr(model, "steps"):
        name = model.steps[-1][0]
        return model.set_params(**{name: _with_network(inner, network)})
    treated = _with_network(inner, network)
    if hasattr(treated, "predict_proba") or hasattr(network, "predict_proba"):
        return treated  # targets are classes now: nothing transforms them
    return model.set_params(regressor=treated)
