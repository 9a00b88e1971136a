"""Training and predicting on several threads, in children of a fork, and under others' limits."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from fresh import SANITIZED
from nets import begun, pairs

import deltarule as dr
from deltarule import MLPClassifier, MLPRegressor
from deltarule._engine import TRAINERS, make_net
from deltarule._training import settings_of
from deltarule.estimators._held_out import parts_of
from deltarule.plan import Activation, Dense, Plan

DTYPES = [np.dtype(np.float32), np.dtype(np.float64)]
dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=str)
SETTINGS = settings_of(
    solver="adam",
    batch_size=450,
    seed=3,
    shuffle=True,
    l2=1e-3,
    learning_rate=1e-3,
    momentum=0.9,
    nesterov=True,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
)


def trained(dtype, threads, activation="relu", loss="softmax_cross_entropy", widths=(203, 190)):
    """Losses of two epochs and all parameters, with the threads that the trainer used."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 37)).astype(dtype)
    f = dr.losses[loss]
    classes = f.facts["targets"] == "classes"
    y = rng.integers(0, 5, 1000) if classes else rng.normal(size=(1000, 5)).astype(dtype)
    layers = []
    for width in widths:
        layers += [Dense(width), Activation(dr.activation(activation))]
    net = begun(Plan(37, (*layers, Dense(5)), f), dtype, 1)
    weights = rng.uniform(0, 2, 1000).astype(dtype)
    weights[:450] = np.where(np.arange(450) % 7 == 0, 0, weights[:450])
    targets = (None, y) if classes else (y, None)
    settings = {**SETTINGS, "threads": threads}
    trainer = TRAINERS[dtype](net, x, *targets, weights, settings)
    losses = [trainer.epoch() for _ in range(2)]
    numbers = [a.ravel() for a in net.weights()]
    return losses, np.concatenate(numbers), trainer.threads


@dtypes
@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("relu", "softmax_cross_entropy"),
        ("gelu", "huber"),
        ("prelu", "squared_error"),
        ("softmax", "root_mean_squared_error"),
    ],
)
def test_the_same_bits_from_1_to_64_threads(dtype, activation, loss):
    one = trained(dtype, 1, activation, loss)
    used = set()
    for threads in (2, 3, 7, 64):
        losses, parameters, working = trained(dtype, threads, activation, loss)
        used.add(working)
        assert losses == one[0]
        assert parameters.tobytes() == one[1].tobytes()
    assert min(used) > 1
    assert max(used) >= 32


@dtypes
@pytest.mark.parametrize("widths", [(9,), (64, 100), (700, 33), (1024,)])
def test_a_row_is_predicted_as_in_any_batch(dtype, widths):
    """Bit for bit: tiles, chunks and threads change nothing."""
    rng = np.random.default_rng(1)
    layers = []
    for width in widths:
        layers += [Dense(width), Activation(dr.activations.silu)]
    net = begun(Plan(301, (*layers, Dense(13)), dr.losses.huber), dtype, 0)
    x = rng.normal(size=(997, 301)).astype(dtype)
    all_rows = net.predict(x, 1)
    np.testing.assert_array_equal(net.predict(x, 5), all_rows)
    for start, stop in ((0, 1), (3, 5), (240, 257), (500, 996), (996, 997)):
        np.testing.assert_array_equal(net.predict(x[start:stop], 2), all_rows[start:stop])
    if dtype == np.float32:  # float64 rows are rounded on their way
        rounded = net.predict(x.astype(np.float64) * (1 + 1e-12), 2)
        np.testing.assert_array_equal(rounded, all_rows)


@dtypes
@pytest.mark.parametrize("inner", [1, 2, 17, 255, 256, 257, 1030])
@pytest.mark.parametrize("outputs", [1, 15, 16, 33, 100])
def test_products_of_any_shape(dtype, inner, outputs):
    rng = np.random.default_rng(inner * outputs)
    w = rng.normal(size=(inner, outputs)).astype(dtype)
    b = rng.normal(size=outputs).astype(dtype)
    net = make_net(Plan(inner, (Dense(outputs),), dr.losses.huber), dtype)
    net.set_weights([w, b])
    for rows in (1, 2, 5, 23, 31):
        x = rng.normal(size=(rows, inner)).astype(dtype)
        exact = x.astype(np.longdouble) @ w.astype(np.longdouble) + b
        scale = np.abs(x).astype(np.longdouble) @ np.abs(w) + np.abs(b)
        error = np.abs(net.predict(x) - exact) / scale
        assert error.max() < 8 * np.finfo(dtype).eps


@dtypes
@pytest.mark.parametrize("units", [3, 511, 512, 700])
def test_gradients_of_wide_layers(dtype, units):
    """Short rows go through a transposed copy of the weights, long ones through dot products."""
    rng = np.random.default_rng(units)
    net = begun(Plan(6, (Dense(21), Dense(units), Dense(2)), dr.losses.squared_error), dtype, 0)
    x, y = rng.normal(size=(19, 6)).astype(dtype), rng.normal(size=(19, 2)).astype(dtype)
    (w0, b0), (w1, b1), (w2, b2) = [(w.astype(float), b.astype(float)) for w, b in pairs(net)]
    hidden = x @ w0 + b0
    wide = hidden @ w1 + b1
    delta = 2 * (wide @ w2 + b2 - y) / 19
    through = delta @ w2.T
    first = through @ w1.T
    expected = [(x.T @ first, first.sum(0)), (hidden.T @ through, through.sum(0))]
    gradients = pairs(net, net.gradient(x, y, None, None, 2)[1])
    for (w, b), (exact_w, exact_b) in zip(gradients[:2], expected, strict=True):
        tolerance = 40 * np.finfo(dtype).eps
        np.testing.assert_allclose(w, exact_w, rtol=0, atol=tolerance * np.abs(exact_w).max())
        np.testing.assert_allclose(b, exact_b, rtol=0, atol=tolerance * np.abs(exact_b).max())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early", [False, True])
def test_float64_rows_are_rounded_batch_by_batch(early, monkeypatch):
    """A net of float32 learns from float64 rows, uncopied, what it learns from a rounded copy."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 8)) * np.pi
    y = (x.sum(axis=1) > 0).astype(int)
    given = []
    trainer = TRAINERS[DTYPES[0]]
    monkeypatch.setitem(
        TRAINERS, DTYPES[0], lambda net, x, *rest: given.append(x) or trainer(net, x, *rest)
    )
    settings = {"max_iter": 3, "random_state": 0, "tol": 0, "early_stopping": early}
    wide = MLPClassifier((16,), dtype="float32", **settings).fit(x, y)
    narrow = MLPClassifier((16,), **settings).fit(x.astype(np.float32), y)
    assert np.shares_memory(given[0], x)
    assert wide.coefs_[0].dtype == narrow.coefs_[0].dtype == np.float32
    for a, b in zip(wide.coefs_, narrow.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(wide.predict_proba(x), narrow.predict_proba(x))
    np.testing.assert_array_equal(wide.predict(x.astype(np.float32)), narrow.predict(x))
    assert wide.history_.loss.tolist() == narrow.history_.loss.tolist()
    assert str(wide.history_.validation_loss) == str(narrow.history_.validation_loss)
    for use in (wide.predict, lambda bad: MLPClassifier(dtype="float32").fit(bad, y)):
        with pytest.raises(ValueError, match="too large for dtype.'float32'"):
            use(np.where(x == x[5, 5], 1e39, x))
    net = make_net(wide._plan, DTYPES[1])
    with pytest.raises(TypeError, match="dtype of the net"):
        net.predict(x.astype(np.float32))


@dtypes
def test_rows_of_weight_zero_may_hold_anything(dtype):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50, 3)).astype(dtype)
    weights = rng.uniform(0.5, 2, 50).astype(dtype)
    weights[[7, 20]] = 0

    def learned(x, y):
        net = begun(
            Plan(3, (Dense(9), Activation(dr.activations.relu), Dense(3)), dr.losses.squared_error),
            dtype,
            0,
        )
        settings = {**SETTINGS, "batch_size": 20, "threads": 2}
        trainer = TRAINERS[dtype](net, x, y, None, weights, settings)
        losses = [trainer.epoch() for _ in range(3)]
        loss, gradient, _, _ = net.gradient(x, y, None, weights)
        arrays = [*net.weights(), *gradient]
        return [*losses, loss, net.loss(x, y, None, weights)], arrays

    expected = learned(x, y)
    for value in (np.finfo(dtype).max, np.inf, np.nan):
        wild_x, wild_y = x.copy(), y.copy()
        wild_x[7], wild_y[20] = value, value
        losses, arrays = learned(wild_x, wild_y)
        assert losses == expected[0]
        for a, b in zip(arrays, expected[1], strict=True):
            np.testing.assert_array_equal(a, b)


def test_weights_set_after_the_trainer_was_made_are_those_it_trains():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))

    def learned(first):
        net = make_net(
            Plan(4, (Dense(8), Activation(dr.activations.tanh), Dense(2)), dr.losses.huber),
            DTYPES[1],
        )
        new = [np.full((4, 8), 0.3), np.zeros(8), np.full((8, 2), 0.2), np.zeros(2)]
        if first:
            net.set_weights(new)
        trainer = TRAINERS[DTYPES[1]](net, x, y, None, None, {**SETTINGS, "threads": 1})
        if not first:
            net.set_weights(new)
        trainer.epoch()
        return net.weights()

    for a, b in zip(learned(True), learned(False), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_parts_of_early_stopping_that_cannot_be_used(estimator):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    f = estimator(early_stopping=True, random_state=0, max_iter=3)
    f.fit(x, y)
    data = f._validate_training_data(x, y, None, fitted=None)[0]
    kept = parts_of(f, data, None, np.float64, np.random.RandomState(0)).kept
    weights = np.zeros(40)
    for part, words in ((kept, "held out"), (np.setdiff1d(np.arange(40), kept), "to learn from")):
        weights[:] = 0
        weights[part] = 1
        with pytest.raises(ValueError, match=f"All rows {words}.*weight of zero.*random_state"):
            f.fit(x, y, sample_weight=weights)
    if estimator is MLPRegressor:
        with pytest.raises(ValueError, match="is too small: early_stopping holds out 1 of 8 rows"):
            f.fit(x[:8], y[:8])


def run(program, **env):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout.split()


FITTING = """
    import numpy as np
    from deltarule import MLPClassifier
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 40)).astype(np.float32)
    y = rng.integers(0, 4, 600)
    def fit():
        net = MLPClassifier((150, 150), max_iter=1, tol=0, random_state=0, n_jobs=4).fit(X, y)
        return np.concatenate([a.ravel() for a in net.coefs_]).tobytes()
    import warnings; warnings.simplefilter("ignore")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork().")
def test_a_thousand_forks_after_threaded_fits():
    program = (
        FITTING
        + """
    import os
    expected = fit()
    for i in range({forks}):
        child = os.fork()
        if child == 0:
            os._exit(0 if fit() == expected else 1)
        if i % 100 == 0:
            assert fit() == expected
        assert os.waitpid(child, 0)[1] == 0
    print("equal")
    """
    )
    forks = 50 if SANITIZED else 1000
    program = program.replace("{forks}", str(forks))
    assert run(program, DELTARULE_NUM_THREADS="4") == ["equal"]


def test_threads_that_wait_sleep():
    """A process whose threads have worked uses no processor time while it waits."""
    program = (
        FITTING
        + """
    import time
    fit()
    time.sleep(0.05)
    start = time.process_time()
    time.sleep(1)
    print(time.process_time() - start)
    """
    )
    assert float(run(program, DELTARULE_NUM_THREADS="4")[0]) < 0.02


def test_limits_of_others_are_kept():
    ask = "import deltarule; print(deltarule.build_info()['threads'])"
    assert run(ask, OMP_NUM_THREADS="3", DELTARULE_NUM_THREADS="") == ["3"]
    assert run(ask, OMP_NUM_THREADS="3", DELTARULE_NUM_THREADS="2") == ["2"]
    inner = """
        import joblib, deltarule
        def threads():
            import deltarule
            return deltarule.build_info()["threads"]
        with joblib.parallel_config("loky", inner_max_num_threads=1):
            print(*joblib.Parallel(n_jobs=2)(joblib.delayed(threads)() for _ in range(2)))
    """
    assert run(inner, OMP_NUM_THREADS="", DELTARULE_NUM_THREADS="") == ["1", "1"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_n_jobs_is_checked_and_changes_no_bit():
    x, y = np.random.default_rng(0).normal(size=(2, 500))
    x = np.multiply.outer(x, np.arange(1.0, 30.0))
    settings = {"hidden_layer_sizes": (120, 120), "max_iter": 2, "tol": 0, "random_state": 0}
    fits = [MLPRegressor(**settings, n_jobs=n).fit(x, y).predict(x) for n in (None, 1, -1, -500, 5)]
    for other in fits[1:]:
        np.testing.assert_array_equal(fits[0], other)
    for bad in (0, 1.5, 257, "all", True):
        with pytest.raises(ValueError, match="The parameter n_jobs of MLPRegressor must be"):
            MLPRegressor(n_jobs=bad).fit(x, y)
    fitted = MLPRegressor(**settings).fit(x, y)
    for bad in (0, 1.5, 10**6, "all", True):
        fitted.set_params(n_jobs=bad)
        for use in (fitted.predict, lambda _: fitted.freeze()):
            with pytest.raises(ValueError, match="n_jobs must be None or an integer other than 0"):
                use(x)
    with pytest.raises(ValueError, match="at least one thread"):
        make_net(Plan(3, (Dense(2),), dr.losses.huber), DTYPES[1]).predict(np.ones((2, 3)), 0)


COUNTER = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stddef.h>
    static long calls;
    long allocations(void) { return __atomic_load_n(&calls, __ATOMIC_SEQ_CST); }
    extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
    extern void *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
    static void count(void) { __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST); }
    void *malloc(size_t n) { count(); return __libc_malloc(n); }
    void *calloc(size_t n, size_t m) { count(); return __libc_calloc(n, m); }
    void *realloc(void *p, size_t n) { count(); return __libc_realloc(p, n); }
    void *aligned_alloc(size_t a, size_t n) { count(); return __libc_memalign(a, n); }
"""

COUNTING = """
    import ctypes
    from math import inf
    import numpy as np
    import deltarule as dr
    from deltarule._engine import TRAINERS, initial_weights, make_net
    from deltarule.layers import *
    from deltarule.plan import Plan
    allocations = ctypes.CDLL(None).allocations
    allocations.restype = ctypes.c_long
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 60)).astype(np.float32)
    y = rng.integers(0, 4, 1000)
    plan = Plan(60, (*{layers}, Dense(4)), dr.losses.softmax_cross_entropy)
    net = make_net(plan, x.dtype, initial_weights(plan, x.dtype, 0))
    settings = {settings}
    trainer = TRAINERS[x.dtype](net, x, None, y, np.ones(1000, np.float32), settings)
    trainer.epoch()
    before = allocations()
    for _ in range(5):
        trainer.epoch()
    print(allocations() - before, trainer.threads, before > 1000)
"""


LAYERS = [
    "[Dense(150, activation='gelu'), Dense(150, activation='prelu')]",
    "[Dense(90), BatchNorm(), Dropout(0.2), Residual([LayerNorm(), Dense(90)]), PReLU()]",
    "[Reshape((12, 5)), LSTM(32, return_sequences=True), GRU(20, bidirectional=True)]",
    "[Reshape((10, 6, 1)), Conv2D(16, 3), MaxPool(2), Concatenate([[], [Conv2D(4, 1)]]), "
    "GlobalPool()]",
]


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("threads", [1, 3])
def test_an_epoch_allocates_nothing(tmp_path, threads, layers):
    source, library = tmp_path / "counter.c", tmp_path / "counter.so"
    source.write_text(textwrap.dedent(COUNTER))
    compiler = os.environ.get("CC", "cc")
    try:
        subprocess.run(
            [compiler, "-shared", "-fPIC", str(source), "-o", str(library)],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"The counter of allocations could not be compiled: {error}")
    if SANITIZED:
        pytest.skip("AddressSanitizer counts allocations itself.")
    settings = {**SETTINGS, "threads": threads}
    program = COUNTING.replace("{settings}", repr(settings)).replace("{layers}", layers)
    counted = run(program, LD_PRELOAD=str(library), PYTHONMALLOC="pymalloc")
    assert counted == ["0", str(threads), "True"]
