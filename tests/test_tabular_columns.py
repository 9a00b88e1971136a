"""From what a user passes as X to the matrix that a tabular network reads."""

import json
import math
import re
import tracemalloc
from datetime import date, timedelta
from decimal import Decimal
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator

from deltarule.estimators._columns import ColumnEncoder, chosen_columns
from deltarule.estimators._frame import read_columns

NAN = float("nan")


class Tabular(BaseEstimator):
    """Stands for an estimator."""


def read(x):
    return read_columns(Tabular(), x, reset=True)


def fit(x, categorical_features=None):
    return ColumnEncoder.fit(read(x), categorical_features)


def transformed(x, new=None, categorical_features=None):
    return fit(x, categorical_features).transform(read(x if new is None else new))


def objects(*columns):
    out = np.empty((len(columns[0]), len(columns)), dtype=object)
    for j, column in enumerate(columns):
        out[:, j] = column
    return out


# ---- a plain reference --------------------------------------------------------------------------


def gone(value):
    return value is None or (isinstance(value, float) and math.isnan(value))


def quantile(values, q):
    ordered = sorted(values)
    place = (len(ordered) - 1) * q
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def scaled(learned_from, values):
    """One column as the recipe says, None and NaN missing."""
    present = [v for v in learned_from if not gone(v)]
    median = quantile(present, 0.5)
    spread = quantile(present, 0.75) - quantile(present, 0.25)
    extent = max(present) - min(present)
    factor = 1 / spread if spread else 2 / extent if extent else 0.0
    z = [0.0 if gone(v) else (v - median) * factor for v in values]
    return [v / (1 + (v / 3) ** 2) ** 0.5 for v in z]


def reference(columns, categories):
    """The matrix, by one list per column."""
    numbers, indicators, one_hot, coded = [], [], [], []
    for j, column in enumerate(columns):
        missing = [gone(v) for v in column]
        if j not in categories:
            numbers.append(scaled(column, column))
            if any(missing):
                indicators.append(scaled(missing, missing))
            continue
        known = sorted({v for v in column if not gone(v)})
        if len(known) > 8:
            code = {v: i + 1 for i, v in enumerate(known)}
            coded.append([0 if gone(v) else code[v] for v in column])
        elif len(known) == 2:
            one = [0 if gone(v) else 2 * known.index(v) - 1 for v in column]
            one_hot.append(scaled(one, one))
        else:
            for value in known:
                one = [int(v == value) for v in column]
                one_hot.append(scaled(one, one))
    return np.array([*numbers, *indicators, *one_hot, *coded], dtype=np.float64).T


def table(n=197, seed=0):
    """Columns of every kind, as lists, and which of them are categories."""
    random = np.random.default_rng(seed)

    def words(count, gaps):
        found = [f"word {i:02}" for i in random.integers(0, count, n)]
        return [None if gaps and random.random() < 0.1 else word for word in found]

    columns = {
        "length": random.normal(size=n).tolist(),
        "two": words(2, gaps=True),
        "amount": random.lognormal(3, 2, n).tolist(),
        "count": random.integers(0, 40, n).tolist(),
        "few": words(5, gaps=False),
        "gaps": [None if random.random() < 0.2 else float(v) for v in random.normal(size=n)],
        "many": words(20, gaps=True),
        "rare": [float(random.random() < 0.1) for _ in range(n)],
        "on": (random.random(n) < 0.3).tolist(),
        "eight": words(8, gaps=True),
        "nine": words(9, gaps=False),
        "constant": [4.0] * n,
    }
    return columns, [1, 4, 6, 8, 9, 10]


def frames(columns):
    """The same rows in every kind of X that is installed."""
    words = [name for name, column in columns.items() if any(isinstance(v, str) for v in column)]
    made = {
        "objects": objects(*columns.values()),
        "lists": [list(row) for row in zip(*columns.values(), strict=True)],
    }
    if find_spec("pandas"):
        import pandas as pd

        made["pandas"] = pd.DataFrame(columns)
        made["pandas_objects"] = pd.DataFrame(
            {name: pd.Series(column, dtype=object) for name, column in columns.items()}
        )
        made["pandas_nullable"] = made["pandas"].convert_dtypes()
        made["categorical"] = made["pandas"].astype(dict.fromkeys(words, "category"))
    if find_spec("polars"):
        import polars as pl

        made["polars"] = pl.DataFrame(columns)
        made["polars_categorical"] = made["polars"].with_columns(pl.col(words).cast(pl.Categorical))
    if find_spec("pyarrow"):
        import pyarrow as pa

        made["pyarrow"] = pa.table(columns)
        made["dictionaries"] = pa.table(
            {n: pa.array(c).dictionary_encode() if n in words else c for n, c in columns.items()}
        )
    return made


def test_matrix_is_that_of_the_recipe():
    columns, categories = table()
    expected = reference(list(columns.values()), categories)
    encoder = fit(objects(*columns.values()))
    assert encoder.continuous == 6
    assert encoder.flat == 1 + 1 + 5 + 1 + 8  # gaps, two, few, on, eight
    assert encoder.cardinalities == (21, 10)
    found = encoder.transform(read(objects(*columns.values())))
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    assert found.shape == (197, encoder.width)
    assert_allclose(found, expected, rtol=3e-7, atol=1e-7)


def test_every_kind_of_x_gives_the_same_matrix():
    columns, _ = table()
    made = frames(columns)
    expected = transformed(made["objects"])
    for kind, x in made.items():
        assert_array_equal(transformed(x), expected, err_msg=kind)


def test_what_one_kind_learned_another_may_apply():
    columns, _ = table()
    made = frames(columns)
    new = frames({k: v[:20] for k, v in columns.items()})
    expected = transformed(made["objects"])[:20]
    for kind, x in made.items():
        for other, y in new.items():
            assert_array_equal(transformed(x, y), expected, err_msg=f"{kind}, {other}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.uint8])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_numbers(dtype, order):
    random = np.random.default_rng(1)
    x = np.asarray(random.integers(0, 200, (300, 7)), dtype=dtype, order=order)
    x[:, 3] = 5
    expected = np.array([scaled(column, column) for column in x.T.astype(float).tolist()]).T
    encoder = fit(x)
    assert (encoder.continuous, encoder.flat, encoder.cardinalities) == (7, 0, ())
    assert_allclose(encoder.transform(read(x)), expected, rtol=3e-7, atol=1e-7)


def test_arrays_with_missing_numbers_in_many_blocks():
    random = np.random.default_rng(2)
    x = random.normal(size=(700, 400)).astype(np.float32)
    x[random.random(x.shape) < 0.001] = NAN
    x[:, 7] = np.arange(700) % 3
    encoder = fit(x, [7])
    found = encoder.transform(read(x))
    others = np.delete(x, 7, axis=1).astype(float)
    gaps = np.flatnonzero(np.isnan(others).any(axis=0))
    expected = [scaled(c, c) for c in others.T.tolist()]
    expected += [scaled(c, c) for c in np.isnan(others[:, gaps]).T.astype(float).tolist()]
    expected += [scaled(c, c) for c in (x[:, 7] == np.arange(3)[:, None]).astype(float).tolist()]
    assert_allclose(found, np.array(expected).T, rtol=3e-7, atol=1e-7)
    assert_array_equal(transformed(objects(*x.T), None, [7]), found)


def test_float32_is_scaled_in_float64():
    x = np.array([[16777216.0], [16777217.0], [16777218.0], [16777220.0]])
    expected = scaled(*[[16777216.0, 16777216.0, 16777218.0, 16777220.0]] * 2)
    assert_allclose(transformed(x.astype(np.float32))[:, 0], expected, rtol=1e-6)
    expected = scaled(x[:, 0].tolist(), x[:, 0].tolist())
    assert_allclose(transformed(x.astype(np.int64))[:, 0], expected, rtol=1e-6)


# ---- categories ---------------------------------------------------------------------------------


def test_missing_and_unknown_categories_are_zeros():
    colours = ["red", "green", "blue", "red", None, "green"]
    sides = ["left", "right", None, "left", "left", "right"]
    letters = [*"abcdefghij"]
    encoder = fit(objects(colours, sides))
    new = encoder.transform(read(objects(["red", "pink", None], ["right", "up", None])))
    levels = np.array([scaled([0, 0, 0, 1, 0, 0], [0, 1]), scaled([0, 1, 0, 0, 0, 1], [0, 1])])
    assert_allclose(new[:, 0], [levels[0, 0]] * 3, atol=1e-7)
    assert_allclose(new[1], new[2])
    assert encoder.flat == 4
    raw = [-1, 1, 0, -1, -1, 1]
    assert_allclose(new[:, 3], scaled(raw, [1, 0, 0]), rtol=1e-6)
    coded = fit(objects(letters)).transform(read(objects(["j", "z", None, "a"])))
    assert_array_equal(coded, [[10], [0], [0], [1]])


def test_order_of_categories_is_that_of_their_values():
    values = [10, 9, "b", 2.5, True, "a", 0, -3, 100, None]
    encoder = fit(objects(values))
    assert encoder.coded[0].values == (-3, 0, True, 2.5, 9, 10, 100, "a", "b")
    assert_array_equal(transformed(objects(values))[:, 0], [6, 5, 9, 4, 3, 8, 2, 1, 7, 0])


@pytest.mark.parametrize(
    ("given", "same"),
    [
        (np.arange(10), np.arange(10.0)),
        (np.arange(10), np.arange(10).astype(object)),
        (np.arange(10.0), np.arange(10, dtype=np.uint8)),
        (np.arange(10.0), np.array([Decimal(i) for i in range(10)], dtype=object)),
        (np.array([2**60 + i for i in range(10)]), np.array([2**60 + i for i in range(10)], "O")),
    ],
)
def test_categories_are_compared_by_value(given, same):
    encoder = fit(given[:, None], [0])
    assert encoder.cardinalities == (11,)
    assert_array_equal(encoder.transform(read(same[::-1, None]))[:, 0], np.arange(10, 0, -1))


def test_numbers_as_categories_with_missing_values_keep_their_digits():
    values = [2**60 + i for i in range(9)] + [None]
    made = frames({"a": values, "b": ["x", "y"] * 5})
    if "pandas" in made:
        made["nullable"] = made["pandas_objects"].astype({"a": "Int64"})
    for kind, x in made.items():
        if kind not in {"pandas", "pandas_nullable", "categorical"}:  # which have rounded them
            assert_array_equal(transformed(x, None, [0])[:, -1], [*range(1, 10), 0], err_msg=kind)


def test_bools_are_a_category_of_two():
    x = np.array([[True], [False], [False], [False], [True]])
    expected = np.array(scaled([1, -1, -1, -1, 1], [1, -1, -1, -1, 1]))
    assert_allclose(transformed(x)[:, 0], expected, rtol=1e-6)
    assert_allclose(transformed(x.astype(object))[:, 0], expected, rtol=1e-6)
    assert_allclose(transformed(x, x.astype(float))[:, 0], expected, rtol=1e-6)
    assert_allclose(transformed(objects([True, False, None]))[:, 0], [1, -1, 0], rtol=0.2)


def test_columns_that_say_nothing_are_left_out():
    numbers = [1.0, 2.0, 4.0]
    encoder = fit(objects(["a"] * 3, numbers, [None] * 3))
    assert (encoder.numbers, encoder.flat, encoder.cardinalities) == ((1,), 0, ())
    assert_array_equal(
        encoder.transform(read(objects(["b"] * 3, numbers, ["x"] * 3)))[:, 0],
        transformed(objects(numbers))[:, 0],
    )
    alone = transformed(objects(["a", None, "a"]))
    assert_allclose(alone[:, 0], scaled([1, 0, 1], [1, 0, 1]), rtol=1e-6)
    with pytest.raises(ValueError, match="X says nothing about its rows"):
        fit(objects(["a"] * 3, [None] * 3))


def test_unused_categories_of_pandas_do_not_count():
    pd = pytest.importorskip("pandas")
    x = pd.DataFrame({"a": pd.Categorical(["u", "v"] * 5, categories=[*"abcdefghuv"])})
    assert fit(x).one_hot[0].values == ("u", "v")


@pytest.mark.parametrize(
    "choice", [["b", "c"], [1, 2], np.array([1, 2]), [False, True, True], np.array(["c", "b"], "O")]
)
def test_categorical_features(choice):
    pd = pytest.importorskip("pandas")
    x = pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 1], "c": [0.5, NAN, 0.5]})
    assert_array_equal(chosen_columns(choice, read(x)), [False, True, True])
    encoder = fit(x, choice)
    assert encoder.numbers == (0,)
    assert [tuple(known) for known in encoder.one_hot] == [(1, (1, 2)), (2, (0.5,))]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("a", "must be None or a list"),
        ([0.5], "must be None or a list"),
        ([[0]], "must be None or a list"),
        ([True], "1 bools, but X has 2 columns"),
        ([2], "the column 2, which X lacks: it has 2 columns"),
        ([-1], "the column -1, which X lacks"),
        (["a"], "X does not: pass X as a data frame"),
    ],
)
def test_categorical_features_that_do_not_fit(choice, message):
    with pytest.raises(ValueError, match=message):
        fit(np.eye(2), choice)


def test_categorical_features_may_be_none_of_them():
    assert fit(np.eye(2), []).numbers == (0, 1)


# ---- missing and extreme numbers ----------------------------------------------------------------


def test_missing_numbers_where_there_were_none():
    x = np.array([[1.0], [2.0], [4.0]])
    new = np.array([[NAN], [2.0]])
    assert_array_equal(transformed(x, new), [[0], [0]])
    assert_array_equal(transformed(x, new.astype(object)), [[0], [0]])


def test_all_ways_to_be_missing():
    pd = pytest.importorskip("pandas")
    values = [1, None, 2.5, NAN, pd.NA, np.float32(NAN), pd.NaT, Decimal("NaN"), 4]
    plain = np.array([1, NAN, 2.5, NAN, NAN, NAN, NAN, NAN, 4])
    assert_array_equal(transformed(objects(values)), transformed(plain[:, None]))
    as_category = transformed(objects(values), None, [0])
    assert_array_equal(as_category, transformed(plain[:, None], None, [0]))


@pytest.mark.parametrize(
    "column",
    [
        [1e300, -1e300, 0.0, 1.0],
        [1.7e308, -1.7e308, 1.7e308, -1.7e308],
        [5e-324, 0.0, 1e-323, 5e-324],
        [1e-300, 0.0, 2e-300, 1e300],
        [1.0, 1.0, 1.0, 1e308],
    ],
)
def test_extreme_numbers(column):
    x = np.array(column)[:, None]
    found = transformed(x, np.vstack([x, [[-1.7e308], [1.7e308], [0.0], [NAN]]]))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 3
    assert (
        np.diff(found[np.argsort(np.append(column, [-1.7e308, 1.7e308, 0]))], axis=0) >= 0
    ).all()


numbers = st.floats(allow_infinity=False)
cells = st.one_of(
    st.none(), numbers, st.integers(-(2**70), 2**70), st.booleans(), st.text(max_size=3)
)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), n=st.integers(1, 30))
def test_every_matrix_is_finite_bounded_and_follows_the_rows(data, n):
    columns = [
        data.draw(st.lists(kind, min_size=n, max_size=n))
        for kind in data.draw(
            st.lists(st.sampled_from([numbers, cells, st.sampled_from("ab")]), max_size=3)
        )
    ]
    x = objects(list(range(n)), *columns)
    chosen = data.draw(st.sets(st.integers(1, len(columns)) if columns else st.nothing()))
    encoder = fit(x, sorted(chosen))
    found = encoder.transform(read(x))
    assert np.isfinite(found).all()
    assert found.shape == (n, encoder.width)
    scaled_columns = encoder.continuous + encoder.flat
    assert (np.abs(found[:, :scaled_columns]) <= 3).all()
    codes = found[:, scaled_columns:]
    assert (codes >= 0).all()
    assert (codes < np.array([*encoder.cardinalities, np.inf])[: codes.shape[1]]).all()
    order = data.draw(st.permutations(range(n)))
    assert_array_equal(encoder.transform(read(x[order])), found[order])
    assert_array_equal(transformed(x[order], x, sorted(chosen)), found)
    record, arrays = encoder.to_record()
    restored = ColumnEncoder.from_record(json.loads(json.dumps(record, allow_nan=False)), arrays)
    assert_array_equal(restored.transform(read(x)), found)
    assert_array_equal(encoder.transform(read(x[:1])), found[:1])


# ---- the contract of scikit-learn ---------------------------------------------------------------


def test_names_and_numbers_of_features():
    pd = pytest.importorskip("pandas")
    x = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    estimator = Tabular()
    assert read_columns(estimator, x, reset=True).names == ("a", "b")
    assert estimator.n_features_in_ == 2
    assert estimator.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"(?s)should match.*Feature names must be in the same"):
        read_columns(estimator, x[["b", "a"]], reset=False)
    with pytest.raises(ValueError, match=r"(?s)unseen at fit time:\n- c"):
        read_columns(estimator, x.rename(columns={"a": "c"}), reset=False)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        read_columns(estimator, x.to_numpy(), reset=False)
    with (
        pytest.warns(UserWarning, match="X does not have valid feature names"),
        pytest.raises(ValueError, match="X has 1 features, but Tabular is expecting 2 features"),
    ):
        read_columns(estimator, [[1]], reset=False)
    read_columns(estimator, x.set_axis([0, 1], axis=1), reset=True)
    assert not hasattr(estimator, "feature_names_in_")
    with pytest.raises(ValueError, match="several columns of one name"):
        read(pd.concat([x, x], axis=1))


BAD_X = {
    "one dimension": (np.ones(3), ValueError, r"(?s)Expected 2D array.*Reshape your data"),
    "one list": ([1.0, 2.0], ValueError, r"(?s)Expected 2D array.*Reshape your data"),
    "a number": (3.0, ValueError, "(?s)got scalar array.*Reshape your data"),
    "three dimensions": (np.ones((2, 2, 2)), ValueError, "Found array with dim 3"),
    "no rows": (
        np.empty((0, 3)),
        ValueError,
        r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is required by T",
    ),
    "no columns": (np.empty((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\)"),
    "sparse": (sparse.csr_array(np.eye(2)), TypeError, "Sparse data was passed for X, but dense"),
    "complex": (np.ones((2, 2), complex), ValueError, "Complex data not supported"),
    "complex objects": (objects([1j, 2]), ValueError, "Complex data not supported"),
    "ragged": ([[1, 2], [3]], ValueError, "inhomogeneous"),
    "dicts": (objects([1.0, {"a": 1}]), TypeError, "argument must be .* string.* number"),
    "bytes": (objects([b"a", b"b"]), TypeError, "argument must be .* string.* number"),
    "array of bytes": (np.array([[b"a"]]), TypeError, "Met the type bytes_ in X"),
    "array of dates": (np.array([["2020-01-01"]], "M8[D]"), TypeError, "Met the type datetime64"),
    "date objects": (
        objects([1, date(2020, 1, 1)]),
        TypeError,
        r"Met the type date in row 1 \(counted from 0\) of column 0",
    ),
    "infinity": (
        np.array([[1.0, 2.0], [3.0, -np.inf]]),
        ValueError,
        r"^Input X contains infinity or a value too large for float64 in row 1 \(counted from 0\) "
        "of column 1: correct it",
    ),
    "infinite object": (objects([1, np.inf]), ValueError, "^Input X contains infinity"),
    "infinite float among text": (
        objects(["a", None, np.inf]),
        ValueError,
        "^Input X contains infinity .* in row 2 ",
    ),
    "integer above all floats": (objects([1, 10**400]), ValueError, "^Input X contains infinity"),
}


@pytest.mark.parametrize("case", BAD_X)
def test_what_is_no_table_is_refused(case):
    x, kind, message = BAD_X[case]
    with pytest.raises(kind, match=message):
        fit(x)


@pytest.mark.parametrize("choice", [[0], None])
@pytest.mark.parametrize("bad", [{"a": 1}, date(2020, 1, 1), 1j, np.inf])
def test_bad_values_are_refused_when_predicting_too(choice, bad):
    encoder = fit(objects([1, 2, 3]), choice)
    with pytest.raises((TypeError, ValueError), match="string or a number|Complex|infinity"):
        encoder.transform(read(objects([1, bad])))


def test_infinity_as_a_category_is_refused():
    with pytest.raises(ValueError, match="^Input X contains infinity"):
        fit(np.array([[1.0], [np.inf]]), [0])


def test_infinity_in_a_frame_is_named():
    pl = pytest.importorskip("polars")
    x = pl.DataFrame({"a": [1.0, 2.0, 3.0], "size": [None, 1.0, np.inf]})
    with pytest.raises(
        ValueError, match=r"^Input X contains infinity .* row 2 \(counted from 0\) of column 'size'"
    ):
        fit(x)


def frame_columns():
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    day, moment = date(2020, 1, 1), timedelta(seconds=3)
    yield pd.DataFrame({"when": pd.to_datetime(["2020-01-01"] * 2)}), "make numbers of it"
    yield pd.DataFrame({"when": pd.to_timedelta([1, 2])}), r"make a number of it \(seconds\)"
    yield pd.DataFrame({"when": [day, day]}), "Met the type date in row 0"
    yield pd.DataFrame({"when": pd.period_range("2020", periods=2)}), "Met the type Period"
    yield pd.DataFrame({"when": [[1], [2]]}), "Met the type list in row 0"
    yield pl.DataFrame({"when": [day, day]}), "of type Date, from which a network cannot learn"
    yield pl.DataFrame({"when": [moment]}), "Duration"
    yield pl.DataFrame({"when": [[1], [2]]}), "spread it over columns"
    yield pl.DataFrame({"when": [{"a": 1}]}), "spread it over columns"
    yield pl.DataFrame({"when": [b"a"]}), "decode it to text"
    yield pa.table({"when": [day, None]}), "make numbers of it"


def test_columns_of_frames_that_are_refused():
    for x, message in frame_columns():
        with pytest.raises(TypeError, match=message) as caught:
            fit(x)
        assert "column 'when'" in str(caught.value)
        assert re.search(r"leave the column out\.$", str(caught.value))


def test_other_columns_of_frames():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    with pytest.raises(ValueError, match="Complex data not supported: the column 'a' holds"):
        fit(pd.DataFrame({"a": [1j, 2j]}))
    decimals = [Decimal("1.5"), None, Decimal("2.5"), Decimal(7)]
    expected = transformed(np.array([[1.5], [NAN], [2.5], [7]]))
    assert_array_equal(transformed(pl.DataFrame({"a": decimals})), expected)
    assert_array_equal(transformed(pd.DataFrame({"a": decimals})), expected)
    sparse_column = pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1.5, 2])})
    assert_array_equal(transformed(sparse_column), transformed(np.array([[0], [0], [1.5], [2]])))
    mixed = pl.DataFrame({"a": pl.Series([1, "a", None, 2], dtype=pl.Object)})
    assert fit(mixed).one_hot[0].values == (1, 2, "a")
    with pytest.raises(TypeError, match=r"pass X.collect\(\)"):
        read(mixed.lazy())
    for frame in (pd.DataFrame({"a": [], "b": []}), pl.DataFrame({"a": [], "b": []})):
        with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\) \(shape=\(0, 2\)\)"):
            read(frame)


def test_text_where_there_were_numbers_and_the_reverse():
    pl = pytest.importorskip("polars")
    numbers, text = pl.DataFrame({"a": [1, 2, 3]}), pl.DataFrame({"a": ["1", "2", "x"]})
    with pytest.raises(ValueError, match=r"row 0 .* of column 'a' holds the text '1' where"):
        transformed(numbers, text)
    with pytest.raises(ValueError, match="holds numbers, such as 1, where its categories were tex"):
        transformed(text, numbers)
    with pytest.raises(ValueError, match="holds text, such as '1', where its categories were numb"):
        transformed(numbers, text, [0])
    nothing = pl.DataFrame({"a": [None, None]})
    assert_array_equal(
        transformed(text, nothing), transformed(text, pl.DataFrame({"a": ["?"] * 2}))
    )


def test_fit_does_not_change_x_nor_needs_to_write_it():
    x = np.array([[1.0, NAN], [2.0, 3.0], [1e301, 4.0]])
    before = x.copy()
    x.flags.writeable = False
    transformed(x)
    assert_array_equal(x, before)


def test_memory_is_that_of_the_matrix_and_of_a_few_columns():
    pl = pytest.importorskip("polars")
    x = np.random.default_rng(0).normal(size=(20_000, 100))
    x[::7, ::3] = NAN
    for holder in (x, pl.DataFrame(x)):
        encoder = fit(holder)
        columns = read(holder)
        tracemalloc.start()
        try:
            matrix = encoder.transform(columns)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < matrix.nbytes + 12 * x[:, 0].size * 8


# ---- records ------------------------------------------------------------------------------------


def broken_records():
    columns, _ = table()
    record, arrays = fit(objects(*columns.values())).to_record()
    yield {**record, "numbers": [0.5]}, arrays
    yield {**record, "numbers": record["numbers"][1:]}, arrays
    yield {**record, "indicators": [1]}, arrays
    yield {**record, "one_hot": record["coded"]}, arrays
    yield {**record, "coded": record["one_hot"]}, arrays
    yield record, {**arrays, "scales": arrays["scales"][1:]}
    yield record, {**arrays, "centers": arrays["centers"].astype(np.float32)}
    yield record, {**arrays, "centers": arrays["centers"] * NAN}


def test_records_that_do_not_fit_together():
    for record, arrays in broken_records():
        with pytest.raises(ValueError, match="inconsistent: train the model anew"):
            ColumnEncoder.from_record(record, arrays)
