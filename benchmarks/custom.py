"""A user's own mish against the built-in one: python benchmarks/custom.py [--rounds N].

Training time on digits, interleaved; ratios are medians over the rounds.  The aim is at most 1.5.
"""

from __future__ import annotations

import argparse
import warnings

import common
import numpy as np

CASES = [((64,), 32), ((100,), 200), ((256, 256), 200)]
FORMULA = "x * tanh(log(1 + exp(x)))"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    common.pin()
    from sklearn.datasets import load_digits

    from deltarule import MLPClassifier, activation

    warnings.simplefilter("ignore")  # the epochs are few on purpose
    own = activation.from_formula(FORMULA, name="own_mish")
    X, y = load_digits(return_X_y=True)
    print(f"{common.machine()}; digits, 5 epochs, Adam; own: {FORMULA}")
    for dtype in ("float32", "float64"):
        data = np.ascontiguousarray(X / 16, dtype=dtype)
        for hidden, batch in CASES:
            settings = {"hidden_layer_sizes": hidden, "batch_size": batch, "max_iter": 5, "tol": 0}

            def fit(f: object, data: object = data, settings: dict = settings) -> None:
                MLPClassifier(activation=f, random_state=0, **settings).fit(data, y)

            cases = {
                "built-in": common.timed(lambda: fit("mish")),
                "own": common.timed(lambda: fit(own)),
            }
            times = common.interleaved(cases, rounds)
            ratio = common.ratio(times, "own", ours="built-in")
            print(f"{dtype} {hidden} batch {batch}: own / built-in = {ratio:.3f}")


if __name__ == "__main__":
    main()
