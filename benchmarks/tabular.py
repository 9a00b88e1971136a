"""Default estimators on twelve tables: python benchmarks/tabular.py [--sets adult ...] [--folds 5].

    ours    TabularClassifier, TabularRegressor
    mlp     scikit-learn's MLPClassifier, MLPRegressor behind imputation, scaling, one-hot columns
    trees   scikit-learn's HistGradientBoosting*, categories by dtype

Each with its defaults and random_state=0, on the same shuffled (stratified) folds.  AUC of classes,
root mean squared error of numbers; the mean over the folds, ranks of these means, seconds of a fit
on one thread.  Printed as Markdown; every fold is added to --json as soon as it is done, and is not
computed again when the program is started again.  An hour and a half on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from deltarule import TabularClassifier, TabularRegressor

CLASSES = ("adult", "german_credit", "phoneme", "mammography")
NUMBERS = (
    "california_housing",
    "abalone",
    "wine_quality_white",
    "concrete",
    "energy",
    "airfoil",
    "kin8nm",
    "power_plant",
)
NAMES = ("ours", "mlp", "trees")


def prepared(model: Any) -> Any:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    number = make_column_selector(dtype_include=np.number)
    other = make_column_selector(dtype_exclude=np.number)
    return make_pipeline(make_column_transformer((numbers, number), (categories, other)), model)


def estimator(name: str, classes: bool, members: int | None) -> Any:
    if name == "mlp":
        return prepared((MLPClassifier if classes else MLPRegressor)(random_state=0))
    if name == "trees":
        cls = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        return cls(random_state=0, categorical_features="from_dtype")
    ours = (TabularClassifier if classes else TabularRegressor)(random_state=0, n_jobs=1)
    return ours if members is None else ours.set_params(n_members=members)


def categorical(frame: pd.DataFrame) -> pd.DataFrame:
    texts = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    return frame.astype(dict.fromkeys(texts, "category"))


def folds(name: str, data: str) -> Any:
    """X, y and the folds of a set."""
    frame = pd.read_csv(Path(data) / "tabular" / f"{name}.csv.gz")
    X, y = frame.drop(columns="target"), frame["target"].to_numpy()
    if name not in CLASSES:
        return X, y, KFold(5, shuffle=True, random_state=0).split(X)
    y = np.unique(y, return_inverse=True)[1]
    return X, y, StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)


def score(name: str, model: Any, X: pd.DataFrame, y: Any, train: Any, test: Any) -> dict[str, Any]:
    start = time.perf_counter()
    model.fit(X.iloc[train], y[train])
    seconds = time.perf_counter() - start
    if name not in CLASSES:
        error = root_mean_squared_error(y[test], model.predict(X.iloc[test]))
        return {"score": error, "seconds": seconds}
    p = model.predict_proba(X.iloc[test])
    auc = roc_auc_score(y[test], p[:, 1])
    return {"score": auc, "log loss": log_loss(y[test], p), "seconds": seconds}


def measure(arguments: argparse.Namespace, done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {(d["set"], d["model"], d["fold"]) for d in done}
    for name in arguments.sets:
        X, y, parts = folds(name, arguments.data)
        for fold, (train, test) in list(enumerate(parts))[: arguments.folds]:
            for model in arguments.models:
                if (name, model, fold) in known:
                    continue
                rows = categorical(X) if model == "trees" else X
                f = estimator(model, name in CLASSES, arguments.members)
                found = score(name, f, rows, y, train, test)
                done.append({"set": name, "model": model, "fold": fold, **found})
                print(done[-1], flush=True)
                if arguments.json:
                    arguments.json.write_text(json.dumps(done, indent=1) + "\n")
    return done


def report(done: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(done)
    means = frame.groupby(["set", "model"])[["score", "seconds"]].mean().unstack("model")
    names = [name for name in NAMES if name in set(frame["model"])]
    ranks = []
    print("\n| set | " + " | ".join(names) + " | seconds |\n|" + "---|" * (2 + len(names)))
    for name, row in means.iterrows():
        scores, better = row["score"][names], name in CLASSES
        ranks.append(scores.rank(ascending=not better))
        times = " / ".join(f"{s:.2g}" for s in row["seconds"][names])
        numbers = " | ".join(f"{s:.4g}" for s in scores)
        kind = "AUC" if better else "RMSE"
        print(f"| {name}, {kind} | {numbers} | {times} |")
    table = pd.DataFrame(ranks)
    print("| mean rank | " + " | ".join(f"{table[n].mean():.2f}" for n in names) + " | |")
    for other in names[1:] if names[0] == "ours" else ():
        won = int((table["ours"] < table[other]).sum())
        print(f"ours is better than {other} on {won} of {len(table)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", default=[*CLASSES, *NUMBERS])
    parser.add_argument("--models", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--members", type=int, help="of ours; default: that of the estimator")
    parser.add_argument("--json", type=Path, help="the file of results, added to")
    default = os.environ.get("DELTARULE_DATA", "../shared/data")
    parser.add_argument("--data", default=default, help="the folder that holds tabular/")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    known = arguments.json is not None and arguments.json.exists()
    done = json.loads(arguments.json.read_text()) if known else []
    report(measure(arguments, done))


if __name__ == "__main__":
    main()
