"""scikit-learn's own checks, with no expected failure."""

import os
import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from deltarule import MLPClassifier, MLPRegressor, NetworkClassifier, NetworkRegressor
from deltarule.layers import BatchNorm, Dense, Residual

# The checks cut max_iter to a few epochs, on purpose too few, and have large features with targets
# of which these say nothing.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::deltarule.DiagnosisWarning"),
]

# No dropout: what it drops depends on the place of a row, and one check compares fits with a row
# twice and with a row of weight 2.
PLAIN = [Dense(50, activation="relu"), Residual([Dense(50, activation="tanh")])]
BLOCK = [PLAIN[0], BatchNorm(), PLAIN[1]]
ESTIMATORS = [
    MLPClassifier(),
    MLPRegressor(),
    # a check weighs one class ten million times the other, and so would its statistics be
    NetworkClassifier(PLAIN),
    NetworkRegressor(BLOCK, learning_rate_init=0.01),
    NetworkClassifier(learning_rate_init=0.1),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.skipif("SCIPY_ARRAY_API" in os.environ, reason="This is the process that it begins.")
def test_the_checks_pass_where_scipy_takes_other_arrays_too():
    """A few checks do more where SciPy was imported with SCIPY_ARRAY_API."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
