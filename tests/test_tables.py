"""Tables: what is read, what is refused and how; and the matrix made of them."""

from __future__ import annotations

import contextlib
import gzip
import json
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from deltarule.preparation import MAX_CATEGORIES, Preparation
from deltarule.tables import Table, TableError, read_table
from deltarule.targets import MAX_INTEGER_CLASSES, read_target

NAN = float("nan")


def write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    content = text.encode() if isinstance(text, str) else text
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def write_parquet(folder: Path, columns: dict[str, Any] | pa.Table) -> Path:
    path = folder / "t.parquet"
    parquet.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path)
    return path


def listed(table: Table) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in table.columns.items()}


def sentence(caught: pytest.ExceptionInfo[Exception]) -> str:
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message


# ---- reading ------------------------------------------------------------------------------------

CSV = """\
age,sex,on,n,"a, b"
31,f,true,1,0.5
,m,false,2,?
40.5,,,3,NaN
"""


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "T.CSV"])
def test_csv(tmp_path: Path, name: str) -> None:
    table = read_table(write(tmp_path, CSV, name))
    assert repr(listed(table)) == repr(
        {
            "age": [31.0, NAN, 40.5],
            "sex": ["f", "m", None],
            "on": [1.0, 0.0, NAN],
            "n": [1.0, 2.0, 3.0],
            "a, b": [0.5, NAN, NAN],
        }
    )
    assert list(table.kinds.values()) == ["number", "text", "boolean", "integer", "number"]
    assert table.columns["n"].flags.writeable
    assert table.rows == 3


@pytest.mark.parametrize(
    "text",
    [
        "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n",
        "\ufeffa,b\r\n1,x\r\n2,y\r\n",
        '"a","b"\n1,"x"\n\n2,"y"',
    ],
)
def test_dialects(tmp_path: Path, text: str) -> None:
    assert listed(read_table(write(tmp_path, text))) == {"a": [1.0, 2.0], "b": ["x", "y"]}


def test_text_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "zip,n\n01234,1\n,2\n")
    assert listed(read_table(path, text=["zip"]))["zip"] == ["01234", None]
    assert read_table(path).kinds["zip"] == "integer"


def test_a_late_fraction_or_text_decides_the_column(tmp_path: Path) -> None:
    rows = "1,1\n" * 400_000  # several of Arrow's blocks
    table = read_table(write(tmp_path, f"a,b\n{rows}2.5,x\n"))
    assert table.kinds == {"a": "number", "b": "text"}


def test_keep_and_drop(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c\n1,2,2020-01-01\n")
    assert list(read_table(path, drop=["c"]).columns) == ["a", "b"]
    assert list(read_table(path, keep=["b", "other"]).columns) == ["b"]
    with pytest.raises(TableError, match=r"no column 'd' in .*: it has a, b, c\.") as caught:
        read_table(path, drop=["d"])
    sentence(caught)


def test_parquet(tmp_path: Path) -> None:
    columns = {
        "i": pa.array([1, None], pa.int32()),
        "f": pa.array([0.5, None], pa.float32()),
        "d": pa.array([Decimal("1.25"), None], pa.decimal128(5, 2)),
        "b": pa.array([True, None]),
        "s": pa.array(["x", None], pa.large_string()),
        "v": pa.array(["x", None], pa.string_view()),
        "c": pa.array(["x", None]).dictionary_encode(),
        "z": pa.nulls(2),
        "__index_level_0__": pa.array([5, 6]),
    }
    table = read_table(write_parquet(tmp_path, columns))
    assert repr(listed(table)) == repr(
        {
            "i": [1.0, NAN],
            "f": [0.5, NAN],
            "d": [1.25, NAN],
            "b": [1.0, NAN],
            "s": ["x", None],
            "v": ["x", None],
            "c": ["x", None],
            "z": [NAN, NAN],
        }
    )
    kinds = ["integer", "number", "number", "boolean", "text", "text", "text", "number"]
    assert list(table.kinds.values()) == kinds


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        ("a,b\n", "has a header but no rows"),
        ("a,b", "has a header but no rows"),
        ("\n\n", "starts with an empty line"),
        ("a,b,a\n1,2,3\n", "names more than one column 'a': give"),
        ("a,b\n1\n", r"cannot be read as CSV \(.*Expected 2 columns, got 1"),
        ("a,b\n1,2,3\n", "cannot be read as CSV"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "cannot be read as CSV"),
        ("a,b\n1,2\n".encode("utf-16"), "cannot be read as CSV"),
        ("ä,b\n1,2\n".encode("latin-1"), "its header is not in UTF-8"),
        ("a,b\n1,ä\n".encode("latin-1"), "'b' .* bytes that are not UTF-8 text"),
        ("a,b\n1,2020-01-01\n", "'b' .* dates or times .*--drop b"),
        ("a,b\n1,2020-01-01 10:00:00\n", "'b' .* dates or times"),
        ('a,b\n1,"' + "x" * 3_000_000 + '"\n', "cannot be read as CSV"),
    ],
)
def test_csv_that_cannot_be_used(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(TableError, match=reason) as caught:
        read_table(write(tmp_path, content))
    assert "t.csv" in sentence(caught)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"a": [date(2020, 1, 1)]}, "'a' .* dates or times"),
        ({"a": [[1, 2]]}, "'a' .* values of type list"),
        ({"a": [{"b": 1}]}, "'a' .* values of type struct"),
        ({"a": [b"x"]}, "'a' .* bytes"),
        ({"a": pa.array([], pa.int64())}, "no rows"),
        (pa.Table.from_arrays([pa.array([1])] * 2, ["a", "a"]), "more than one column 'a'"),
    ],
)
def test_parquet_that_cannot_be_used(tmp_path: Path, columns: Any, reason: str) -> None:
    with pytest.raises(TableError, match=reason) as caught:
        read_table(write_parquet(tmp_path, columns))
    sentence(caught)


LARGE = 2**53  # up to here float64 holds every whole number


@pytest.mark.parametrize("value", [LARGE + 1, LARGE + 3, -LARGE - 1, 2**62])
def test_whole_numbers_that_float64_would_change(tmp_path: Path, value: int) -> None:
    path = write(tmp_path, f"id,n\n{value},1\n,2\n")
    stored = write_parquet(tmp_path, {"id": [value, None], "n": [1, 2]})
    coded = pa.table({"id": pa.array([value, None]).dictionary_encode(), "n": [1, 2]})
    for read in (
        lambda: read_table(path),
        lambda: read_table(stored),
        lambda: read_table(write_parquet(tmp_path, coded)),
        lambda: Table.from_arrays({"id": np.array([value, 1])}),
    ):
        with pytest.raises(TableError, match="'id' .* whole numbers beyond .*as text") as caught:
            read()
        assert "--drop id" in sentence(caught)
    assert listed(read_table(path, drop=["id"])) == {"n": [1.0, 2.0]}
    assert listed(read_table(path, text=["id"]))["id"] == [str(value), None]


def test_whole_numbers_that_float64_holds(tmp_path: Path) -> None:
    values = [LARGE, -LARGE, None]
    expected = repr([float(LARGE), -float(LARGE), NAN])
    assert repr(listed(read_table(write_parquet(tmp_path, {"n": values})))["n"]) == expected
    arrays = {"n": np.array(values[:2]), "u": np.array([LARGE], np.uint64), "e": np.empty(0, int)}
    assert Table.from_arrays(arrays).kinds == dict.fromkeys(arrays, "integer")
    with pytest.raises(TableError, match="whole numbers beyond"):
        Table.from_arrays({"u": np.array([2**64 - 1], np.uint64)})


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    whole = write(tmp_path, CSV, "cut.csv.gz").read_bytes()
    (tmp_path / "cut.csv.gz").write_bytes(whole[:-9])
    cases = {
        "absent.csv": "does not exist",
        "t.xlsx": "neither a CSV nor a Parquet file",
        ".csv": "is not a regular file",
        "cut.csv.gz": r"cannot be read as CSV \(.*\): repair",
        "no.parquet": r"cannot be read as Parquet \(.*\): repair",
    }
    (tmp_path / ".csv").mkdir()
    write(tmp_path, CSV, "no.parquet")
    for name, reason in cases.items():
        with pytest.raises(TableError, match=reason) as caught:
            read_table(tmp_path / name)
        sentence(caught)


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ModuleNotFoundError, match=r'run pip install "deltarule\[data\]"'):
        read_table(write(tmp_path, CSV))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    with contextlib.suppress(TableError):
        assert read_table(path).rows > 0


# ---- preparing ----------------------------------------------------------------------------------


def people(rows: int = 200, seed: int = 0) -> Table:
    random = np.random.default_rng(seed)
    age = random.normal(40, 10, rows)
    age[::7] = NAN
    city = random.choice(np.array(["Oslo", "Rome", "Bonn", "=Lima"], dtype=object), rows)
    city[::5] = None
    columns = {"city": city, "age": age, "on": random.random(rows) > 0.5, "one": np.ones(rows)}
    return Table.from_arrays(columns)


def test_preparation_is_what_scikit_learn_does() -> None:
    table = people()
    preparation = Preparation.fit(table, list(table.columns))
    numbers = ["age", "on", "one"]
    reference = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), [0, 1, 2]),
        (
            make_pipeline(
                SimpleImputer(missing_values=None, strategy="most_frequent"),
                OneHotEncoder(handle_unknown="ignore"),
            ),
            [3],
        ),
        sparse_threshold=0,
    )

    def columns(t: Table) -> Any:
        return np.column_stack([t.columns[name].astype(object) for name in [*numbers, "city"]])

    reference.fit(columns(table))
    new = people(50, seed=1)
    new.columns["city"][3] = "Unseen"
    for t in (table, new):
        expected = reference.transform(columns(t))
        np.testing.assert_allclose(preparation.transform(t), expected, rtol=1e-12, atol=1e-12)
    assert preparation.columns == (*numbers, "city")
    assert preparation.categories == (("=Lima", "Bonn", "Oslo", "Rome"),)


def test_the_record_gives_the_same_bits() -> None:
    table = people()
    preparation = Preparation.fit(table, ["age", "city"])
    record, arrays = preparation.to_record()
    back = Preparation.from_record(json.loads(json.dumps(record)), arrays)
    assert back.transform(table).tobytes() == preparation.transform(table).tobytes()
    assert back.columns == ("age", "city")


def test_transform_needs_no_order_and_no_further_columns() -> None:
    table = people()
    preparation = Preparation.fit(table, ["age", "city"])
    turned = Table.from_arrays(dict(reversed(table.columns.items())))
    assert preparation.transform(turned).tobytes() == preparation.transform(table).tobytes()


def test_columns_of_one_kind() -> None:
    table = people()
    assert Preparation.fit(table, ["one"]).transform(table).tolist() == [[0.0]] * 200
    assert Preparation.fit(table, ["city"]).transform(table).sum() == 200


def test_rows_without_values() -> None:
    preparation = Preparation.fit(people(), ["age", "city"])
    empty = Table.from_arrays({"age": np.full(2, NAN), "city": np.full(2, NAN)})
    matrix = preparation.transform(empty)
    median = (preparation.medians[0] - preparation.means[0]) / preparation.scales[0]
    assert matrix[:, 0].tolist() == [median] * 2
    assert matrix[:, 1:].sum(axis=1).tolist() == [1.0] * 2


def test_constant() -> None:
    preparation = Preparation.constant(["a", "b"], 255.0)
    table = Table.from_arrays({"a": np.array([0, 51]), "b": np.array([255, 0])})
    assert preparation.transform(table).tolist() == [[0.0, 1.0], [0.2, 0.0]]


def test_what_fit_refuses() -> None:
    ids = np.array([f"id{i}" for i in range(MAX_CATEGORIES + 1)])
    table = Table.from_arrays(
        {
            "id": ids,
            "none": np.full(len(ids), NAN),
            "inf": np.where(ids == "id2", np.inf, 0.0),
            "x": np.arange(len(ids)),
        }
    )
    cases = {
        ("x", "none"): r"column 'none' .* no value .*--drop none",
        ("id",): r"up to 255 .* 'id' \(256\) .*--drop id",
        ("inf",): "'inf' .* infinite number in row 3",
        ("X",): "no column 'X' in the table: did you mean 'x'",
        (): "no column to learn from",
    }
    for names, reason in cases.items():
        with pytest.raises(TableError, match=reason) as caught:
            Preparation.fit(table, names)
        sentence(caught)
    Preparation.fit(table.take(np.arange(1, len(ids))), ["id"])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"age": [1.0]}, "no column 'city' in the table: it has age"),
        ({"Age": [1.0], "City": ["Oslo"]}, "no columns 'age' and 'city'"),
        ({"age": ["old"], "city": ["Oslo"]}, "'age' .* holds text, such as 'old' in row 1"),
        ({"age": [1.0], "city": [2.0]}, "'city' .* holds numbers where .* trained on text"),
        ({"age": [-np.inf], "city": ["Oslo"]}, "'age' .* infinite number in row 1"),
    ],
)
def test_what_transform_refuses(columns: dict[str, list[Any]], reason: str) -> None:
    preparation = Preparation.fit(people(), ["age", "city"])
    table = Table.from_arrays({name: np.array(values) for name, values in columns.items()})
    with pytest.raises(TableError, match=reason) as caught:
        preparation.transform(table)
    sentence(caught)


def test_records_that_do_not_fit() -> None:
    record, arrays = Preparation.fit(people(), ["age", "city"]).to_record()
    wrong: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({**record, "numbers": ["age", "size"]}, arrays),
        ({**record, "numbers": "age"}, arrays),
        ({**record, "texts": [1]}, arrays),
        ({**record, "categories": []}, arrays),
        ({**record, "fills": []}, arrays),
        (record, {**arrays, "means": np.array([NAN])}),
        (record, {**arrays, "scales": np.array([1], dtype=np.int64)}),
    ]
    for broken_record, broken_arrays in wrong:
        with pytest.raises(TableError, match="train the model anew") as caught:
            Preparation.from_record(broken_record, broken_arrays)
        sentence(caught)


# ---- targets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "task", "dtype"),
    [
        (np.array(["a", "b"] * 3), "classification", "U"),
        (np.array([f"t{i}" for i in range(40)]), "classification", "U"),
        (np.array([True, False]), "classification", "b"),
        (np.arange(MAX_INTEGER_CLASSES).repeat(2), "classification", "i"),
        (np.arange(MAX_INTEGER_CLASSES + 1).repeat(9), "regression", "f"),
        (np.array([1, 2, 3, 4, 5]), "regression", "f"),
        (np.array([-1.0, 1.0] * 3), "classification", "f"),
        (np.array([0.5, 1.0] * 3), "regression", "f"),
    ],
)
def test_the_task_follows_from_the_target(values: Any, task: str, dtype: str) -> None:
    target = read_target(Table.from_arrays({"y": values}), "y")
    assert target.task == task
    assert target.values.dtype.kind == dtype
    assert target.values.tolist() == values.tolist()


def test_the_task_can_be_chosen() -> None:
    table = Table.from_arrays(
        {"y": np.array([1, 2, 3] * 9), "on": np.array([True, False, True] * 9)}
    )
    assert read_target(table, "y", "regression").values.dtype == np.float64
    assert read_target(table, "on", "regression").values.tolist() == [1.0, 0.0, 1.0] * 9
    assert read_target(table, "y", "classification").values.dtype == np.int64


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        (np.array(["a", None, "b", None], dtype=object), "auto", "missing in 2 of the 4 rows"),
        (np.array([1.0, NAN]), "auto", "missing in 1 of the 2 rows"),
        (np.array([1.0, np.inf]), "auto", "infinite in row 2"),
        (np.array(["a", "a"]), "auto", "is 'a' in every row"),
        (np.array([2, 2]), "auto", "is 2 in every row"),
        (np.array([0.5, 0.5]), "auto", "is 0.5 in every row"),
        (np.array([0.5, 1.0]), "classification", "fractions such as 0.5"),
        (np.array(["a", "b"]), "regression", "text such as 'a'"),
    ],
)
def test_targets_that_cannot_serve(values: Any, task: Any, reason: str) -> None:
    with pytest.raises(TableError, match=reason) as caught:
        read_target(Table.from_arrays({"y": values}), "y", task)
    assert "'y'" in sentence(caught)


def test_no_such_target() -> None:
    with pytest.raises(TableError, match="no column 'taget' in the table: did you mean 'target'"):
        read_target(Table.from_arrays({"target": np.array([1, 2])}), "taget")


def test_the_shared_tables(shared_data: Path) -> None:
    table = read_table(shared_data / "tabular" / "adult.csv.gz")
    assert table.rows == 48_842
    assert sum(int(table.missing(name).sum()) for name in table.columns) == 6_465
    assert set(read_target(table, "target").values) == {"<=50K", ">50K"}
    features = [name for name in table.columns if name != "target"]
    matrix = Preparation.fit(table, features).transform(table)
    assert matrix.shape == (48_842, 105)
    assert np.isfinite(matrix).all()
