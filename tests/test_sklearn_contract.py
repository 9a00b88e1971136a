"""scikit-learn's own checks, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from deltarule import MLPClassifier, MLPRegressor

# The checks cut max_iter to a few epochs, on purpose too few.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learn_check(estimator, check):
    check(estimator)
