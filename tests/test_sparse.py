"""Sparse X: what comes out is that of an equal dense X, to the bit, and X is never made dense."""

from __future__ import annotations

import numpy as np
import pytest
from fresh import SANITIZED, output_of, peak_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from deltarule import (
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
    _core,
    check_gradient,
)
from deltarule.layers import BatchNorm, Dense, Embedding, Flatten

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FORMATS = ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]
ROWS, COLUMNS = 230, 37


def sample(dtype=np.float64, rows=ROWS):
    rng = np.random.default_rng(1)
    X = np.where(rng.random((rows, COLUMNS)) < 0.1, rng.normal(size=(rows, COLUMNS)), 0)
    X[5] = 0
    y = np.argmax(X @ rng.normal(size=(COLUMNS, 3)), axis=1)
    return X.astype(dtype), y, rng.integers(0, 3, rows).astype(float)


def arrays_of(estimator):
    return [*estimator.coefs_, *estimator.intercepts_]


def assert_same(a, b):
    for left, right in zip(arrays_of(a), arrays_of(b), strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    assert a.loss_curve_ == b.loss_curve_


SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd", "momentum": 0.5, "batch_size": 17},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "batch norm": {"batch_norm": True, "swa_from": 2, "dropout": 0.1},
    "blocks": {"init": "lsuv"},
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("given_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dtype", [None, "float32"])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_weights_are_those_of_a_dense_matrix(kind, name, dtype, given_dtype, threads):
    X, y, w = sample(given_dtype)
    options = {"max_iter": 5, "random_state": 3, "dtype": dtype, **SETTINGS[name]}
    dense = kind(hidden_layer_sizes=(20, 9), n_jobs=1, **options).fit(X, y, w)
    thin = kind(hidden_layer_sizes=(20, 9), n_jobs=threads, **options).fit(
        sparse.csr_array(X), y, w
    )
    assert_same(dense, thin)
    np.testing.assert_array_equal(dense.predict(X), thin.predict(sparse.csr_array(X)))
    np.testing.assert_array_equal(dense.predict(X), thin.predict(X))
    assert dense.score(X, y) == thin.score(sparse.csr_array(X), y)
    if kind is MLPClassifier:
        np.testing.assert_array_equal(
            dense.predict_proba(X), thin.predict_proba(sparse.csr_array(X))
        )


def test_threads_give_the_same_bits_for_many_rows():
    X, y, _ = sample(rows=3000)
    fits = [
        MLPClassifier((300,), max_iter=2, batch_size=1000, random_state=0, n_jobs=n).fit(
            sparse.csr_array(X), y
        )
        for n in (1, 2, 3)
    ]
    assert_same(fits[0], fits[1])
    assert_same(fits[0], fits[2])


@pytest.mark.filterwarnings("ignore:Constructing a DIA")
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("container", ["array", "matrix"])
def test_every_format_is_taken(format_, container):
    X, y, _ = sample()
    given = getattr(sparse, f"{format_}_{container}")(X)
    clf = MLPClassifier((8,), max_iter=3, random_state=0)
    dense = MLPClassifier((8,), max_iter=3, random_state=0).fit(X, y)
    assert_same(dense, clf.fit(given, y))
    np.testing.assert_array_equal(dense.predict_proba(X), clf.predict_proba(given))


@pytest.mark.parametrize("dtype", [np.int32, np.int8, bool, np.float16, np.longdouble])
def test_other_numbers_are_converted(dtype):
    X, y, _ = sample()
    X = (10 * X).astype(dtype)
    fits = [MLPClassifier((8,), max_iter=3, random_state=0) for _ in range(2)]
    given = X.astype(np.float32) if dtype == np.float16 else X  # SciPy has none of float16
    assert_same(fits[0].fit(given, y), fits[1].fit(sparse.csr_array(given), y))


def test_partial_fit_and_warm_start_go_on_alike():
    X, y, _ = sample()
    S = sparse.csr_array(X)
    dense, thin = (MLPClassifier((8,), random_state=0) for _ in range(2))
    for start in range(0, ROWS, 50):
        part = slice(start, start + 50)
        dense.partial_fit(X[part], y[part], classes=[0, 1, 2])
        thin.partial_fit(S[part], y[part], classes=[0, 1, 2])
    assert_same(dense, thin)
    dense, thin = (
        MLPRegressor(hidden_layer_sizes=(8,), max_iter=3, warm_start=True) for _ in range(2)
    )
    dense.set_params(random_state=0), thin.set_params(random_state=0)
    for either in (S, X, S):
        assert_same(dense.fit(X, y), thin.fit(either, y))


@st.composite
def messy(draw):
    """Compressed rows with unsorted and double columns and zeros, and the matrix they stand for."""
    rows, columns = draw(st.integers(2, 8)), draw(st.integers(1, 6))
    numbers = st.sampled_from([0.0, 1.0, -2.5, 0.1, 0.3, 1e-3])
    entries = [
        draw(st.lists(st.tuples(st.integers(0, columns - 1), numbers), max_size=8))
        for _ in range(rows)
    ]
    starts = np.cumsum([0, *map(len, entries)])
    flat = [entry for row in entries for entry in row]
    index = draw(st.sampled_from([np.int32, np.int64]))
    matrix = sparse.csr_array(
        (np.array([v for _, v in flat]), np.array([c for c, _ in flat], index), starts),
        shape=(rows, columns),
    )
    return matrix.astype(draw(st.sampled_from([np.float32, np.float64])))


@settings(max_examples=60, deadline=None)
@given(messy())
def test_unsorted_and_double_entries_are_summed_and_the_matrix_is_left_alone(matrix):
    before = [a.copy() for a in (matrix.data, matrix.indices, matrix.indptr)]
    held = matrix.data, matrix.indices, matrix.indptr
    y = np.arange(matrix.shape[0], dtype=float)
    fits = [
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0, dtype="float32")
        for _ in range(2)
    ]
    summed = matrix.copy()
    summed.sum_duplicates()
    assert_same(fits[0].fit(summed.toarray(), y), fits[1].fit(matrix, y))
    fits[1].predict(matrix)
    for old, now, array in zip(
        before, (matrix.data, matrix.indices, matrix.indptr), held, strict=True
    ):
        assert now is array
        np.testing.assert_array_equal(old, now)


def test_a_matrix_that_cannot_be_written_to_is_read():
    X, y, _ = sample()
    S = sparse.csr_array(X)
    for array in (S.data, S.indices, S.indptr):
        array.flags.writeable = False
    MLPClassifier((4,), max_iter=2).fit(S, y).predict(S)


# ---- what is refused -----------------------------------------------------------------------------


def spoilt(format_, name, index, value):
    X, y, _ = sample()
    S = getattr(sparse, f"{format_}_array")(X)
    array = getattr(S, name)
    if name in ("indices", "indptr", "row", "col", "data"):
        array[index] = value
    return S, y


@pytest.mark.parametrize(
    "case",
    [
        ("csr", "indices", 3, COLUMNS),
        ("csr", "indices", 3, 2**30),
        ("csr", "indices", 3, -1),
        ("csr", "indptr", 4, 2**30),
        ("csr", "indptr", 4, -5),
        ("csr", "indptr", -1, 2**30),
        ("csr", "indptr", 0, 2),
        ("csc", "indices", 3, ROWS),
        ("csc", "indptr", 4, 2**30),
        ("bsr", "indices", 0, 2**30),
        ("coo", "col", 3, 2**30),
        ("coo", "row", 3, -4),
    ],
)
def test_indices_outside_the_matrix_are_refused_before_they_are_followed(case):
    S, y = spoilt(*case)
    clf = MLPClassifier((4,), max_iter=2)
    with pytest.raises(ValueError, match="ind|index"):
        clf.fit(S, y)
    clf.fit(*sample()[:2])
    with pytest.raises(ValueError, match="ind|index"):
        clf.predict(S)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(bad):
    S, y = spoilt("csr", "data", 2, bad)
    with pytest.raises(ValueError, match="NaN|infinity"):
        MLPClassifier((4,)).fit(S, y)


def test_numbers_too_large_for_float32_are_refused():
    S, y = spoilt("csr", "data", 2, 1e39)
    with pytest.raises(ValueError, match="too large"):
        MLPClassifier((4,), dtype="float32").fit(S, y)
    twice = sparse.csr_array(([1e308, 1e308], [0, 0], [0, 2, 2]), shape=(2, 1))
    with pytest.raises(ValueError, match="infinity"), np.errstate(over="ignore"):
        MLPRegressor(hidden_layer_sizes=(4,)).fit(twice, [0, 1])


def test_shapes_that_no_net_has_are_refused():
    y = [0, 1]
    with pytest.raises(ValueError, match="two axes"):
        MLPClassifier().fit(sparse.coo_array(np.ones(2)), y)
    wide = sparse.csr_array(([1.0], np.array([2**32 + 5]), [0, 1, 1]), shape=(2, 2**33))
    with pytest.raises(ValueError, match=r"2\^31"):
        MLPClassifier().fit(wide, y)
    X, y, _ = sample()
    clf = MLPClassifier((4,), max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="features"):
        clf.predict(sparse.csr_array(X[:, :5]))
    with pytest.raises(ValueError, match="minimum of 1"):
        clf.predict(sparse.csr_array((0, COLUMNS)))


@pytest.mark.parametrize(
    ("starts", "columns", "values", "width"),
    [
        ([], [], [], 3),
        ([1, 1], [0], [1], 3),
        ([0, 2], [0], [1], 3),
        ([0, 1], [0], [1, 2], 3),
        ([0, 2, 1], [0], [1], 3),
        ([0, -1, 1], [0], [1], 3),
        ([0, 1], [3], [1], 3),
        ([0, 1], [-1], [1], 3),
    ],
)
def test_the_engine_refuses_what_it_could_not_read(starts, columns, values, width):
    with pytest.raises(ValueError, match="sparse X"):
        _core.Csr(
            np.array(starts, np.int64), np.array(columns, np.int32), np.array(values, float), width
        )


def test_what_needs_all_rows_at_once_says_so():
    X, y, _ = sample()
    for options in ({"batch_norm": True}, {"loss": "rmse"}):
        with pytest.raises(ValueError, match="toarray"):
            MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", **options).fit(
                sparse.csr_array(X), y
            )


def test_a_frozen_network_refuses_it():
    X, y, _ = sample()
    frozen = MLPClassifier((4,), max_iter=1).fit(sparse.csr_array(X), y).freeze()
    with pytest.raises(TypeError, match="dense"):
        frozen.predict(sparse.csr_array(X))


# ---- the rest ------------------------------------------------------------------------------------


def test_networks_of_layers_take_it():
    X, y, w = sample()
    layers = [Dense(10, activation="relu"), BatchNorm()]
    for kind in (NetworkClassifier, NetworkRegressor):
        fits = [kind(layers, max_iter=3, random_state=0).fit(given, y, w)
                for given in (X, sparse.csr_array(X))]  # fmt: skip
        for name, array in fits[0].weights_.items():
            np.testing.assert_array_equal(array, fits[1].weights_[name])


def test_codes_of_an_embedding_are_checked():
    codes = np.arange(12).reshape(4, 3) % 5
    y = [0, 1, 0, 1]
    layers = [Embedding(5, 2), Flatten()]
    fits = [NetworkClassifier(layers, max_iter=2, random_state=0).fit(given, y)
            for given in (codes, sparse.csr_array(codes))]  # fmt: skip
    np.testing.assert_array_equal(*(f.weights_["dense_1.weight"] for f in fits))
    with pytest.raises(ValueError, match="has the codes"):
        fits[1].predict(sparse.csr_array(codes + 1))


def test_its_gradient_is_checked():
    X, y, _ = sample()
    clf = MLPClassifier((4,), activation="tanh", max_iter=3, random_state=0).fit(X, y)
    dense = check_gradient(clf, X[:20], y[:20])
    assert str(check_gradient(clf, sparse.csr_array(X[:20]), y[:20])) == str(dense)


def test_it_is_taken_while_arrays_of_other_libraries_are():
    program = """
import numpy as np, sklearn
from scipy import sparse
from deltarule import MLPClassifier
X, y = sparse.eye_array(20, format="csr"), np.arange(20) % 2
with sklearn.config_context(array_api_dispatch=True):
    clf = MLPClassifier((4,), early_stopping=True, max_iter=2).fit(X, y, np.ones(20))
    clf.score(X, y)
"""
    output_of(program, SCIPY_ARRAY_API="1")


BEFORE = """
import numpy as np
from scipy import sparse
from deltarule import MLPClassifier

options = eval(sys.argv[1])
rows, columns, entries = 20_000, 5_000, 10
rng = np.random.default_rng(0)
indices = rng.integers(0, columns, rows * entries)
indptr = np.arange(0, rows * entries + 1, entries)
X = sparse.csr_matrix((rng.normal(size=rows * entries), indices, indptr), (rows, columns))
y = (indices.reshape(rows, -1) < 2000).sum(axis=1) > 4
MLPClassifier((2,), max_iter=1, **options).fit(X[:300], y[:300]).predict(X[:9])
"""
MEASURED = "MLPClassifier((8,), max_iter=1, **options).fit(X, y).predict(X)"


@pytest.mark.skipif(SANITIZED, reason="A sanitizer takes more memory than is measured.")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_it_is_never_dense(solver):
    options = f"dict(solver={solver!r}, n_jobs=1, early_stopping={solver == 'adam'})"
    assert peak_of(BEFORE, MEASURED, options)[-1] < 100e6  # 800 MB dense
