"""Model files: nothing is lost, nothing damaged is believed, nothing half-written is left."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fresh import output_of, package_folder
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.neural_network import MLPRegressor as OtherRegressor

import deltarule as dr
from deltarule.estimators import MLPClassifier
from deltarule.files import (
    MAX_HEADER_BYTES,
    ModelFileError,
    load_with_preparation,
    read_model,
    write_model,
)
from deltarule.preparation import Preparation
from deltarule.replacing import replace_file
from deltarule.tables import Table

DTYPES = [np.float32, np.float64, np.int64, np.int32, np.bool_, np.uint8]
ZEROS = "0" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.model"


def small_model(path: Path) -> bytes:
    arrays = {"b": np.array([True]), "w": np.arange(3.0, dtype=np.float32)}
    write_model(path, {"name": "é"}, arrays)
    return path.read_bytes()


def sealed(header: dict[str, Any] | str, data: bytes = b"") -> bytes:
    """A file with a right digest, so that the later checks are reached."""
    if isinstance(header, dict):
        header = json.dumps(header, separators=(",", ":"))
    start = len(header.encode()).to_bytes(8, "little") + header.encode()
    digest = hashlib.sha256(start + data).hexdigest()
    return start.replace(ZEROS.encode(), digest.encode()) + data


def header(**entries: Any) -> dict[str, Any]:
    own = {"format": "deltarule model", "version": "1", "model": "{}", "sha256": ZEROS}
    return {"__metadata__": own, **entries}


def entry(dtype: Any = "F32", shape: Any = (1,), begin: Any = 0, end: Any = 4) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def assert_refused(path: Path, content: bytes, reason: str = "not a whole") -> None:
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=reason) as caught:
        read_model(path)
    assert_sentence(str(caught.value))


def assert_sentence(message: str) -> None:
    assert "\n" not in message
    assert message.endswith(".")
    assert len(message) < 400


def assert_same(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> None:
    assert left.dtype == right.dtype
    assert left.shape == right.shape
    assert left.tobytes() == right.tobytes()


# ---- what goes in comes out ---------------------------------------------------------------------


def test_round_trip(path: Path) -> None:
    metadata: dict[str, Any] = {
        "text": "ß\n\"'",
        "none": None,
        "list": [1, 2.5, -0.0, True],
        "deep": {"a": {}},
    }
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "a": np.arange(6, dtype=np.uint8).reshape(1, 6)[:, ::2],
        "b": np.asfortranarray(np.random.default_rng(0).normal(size=(3, 4))),
        "scalar": np.array(2.5, dtype=np.float32),
        "empty": np.empty((0, 5), dtype=np.int32),
        "big-endian": np.array([1, -2], dtype=">i8"),
        "é\n": np.array([[True, False]]),
        "special": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
    }
    write_model(path, metadata, arrays)
    back, back_arrays = read_model(path)
    assert back == metadata
    assert list(back_arrays) == list(arrays)
    for name, array in arrays.items():
        assert_same(back_arrays[name], np.asarray(array, dtype=array.dtype.newbyteorder("<")))
        assert back_arrays[name].flags.writeable
        assert back_arrays[name].flags.aligned


@given(
    arrays=st.dictionaries(
        st.text(max_size=5).filter(lambda name: name.isprintable()),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
        ),
        max_size=4,
    ),
    metadata=st.dictionaries(
        st.text(max_size=4), st.none() | st.booleans() | st.integers() | st.text(max_size=9)
    ),
)
def test_round_trip_of_anything(arrays: dict[str, Any], metadata: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder) / "m", metadata, arrays)
        back, back_arrays = read_model(Path(folder) / "m")
        assert os.listdir(folder) == ["m"]
    assert back == metadata
    assert list(back_arrays) == list(arrays)
    for name, array in arrays.items():
        assert_same(back_arrays[name], array)


def test_the_same_model_gives_the_same_bytes(path: Path) -> None:
    assert small_model(path) == small_model(path)


def test_numpy_scalars_and_infinity_are_plain_metadata(path: Path) -> None:
    metadata = {"n": np.int64(3), "x": np.float32(0.5), "on": np.True_, "patience": np.inf}
    write_model(path, metadata, {})
    assert read_model(path)[0] == {"n": 3, "x": 0.5, "on": True, "patience": np.inf}


def test_the_layout_is_that_of_safetensors(path: Path) -> None:
    content = small_model(path)
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    described = json.loads(content[8 : 8 + length])
    assert all(isinstance(value, str) for value in described["__metadata__"].values())
    assert described["w"] == {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}
    assert described["b"] == {"dtype": "BOOL", "shape": [1], "data_offsets": [12, 13]}
    assert content[8 + length :] == np.arange(3, dtype="<f4").tobytes() + b"\1"


@pytest.mark.parametrize(
    ("metadata", "arrays", "reason"),
    [
        ({}, {"w": np.array([1j])}, "'w' has dtype complex128"),
        ({}, {"w": np.array(["a"])}, "'w' has dtype str"),
        ({}, {"w": np.array([None])}, "'w' has dtype object"),
        ({}, {"__metadata__": np.zeros(1)}, "choose another name"),
        ({"rng": np.random.default_rng(0)}, {}, "hold a Generator"),
        ({"w": np.zeros(3)}, {}, "pass arrays as arrays"),
        ({"text": "x" * MAX_HEADER_BYTES}, {}, "store long lists as arrays"),
    ],
)
def test_what_cannot_be_stored(
    path: Path, metadata: dict[str, Any], arrays: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ModelFileError, match=reason) as caught:
        write_model(path, metadata, arrays)
    assert_sentence(str(caught.value))
    assert not path.exists()


# ---- damage -------------------------------------------------------------------------------------


def test_every_flipped_bit_is_refused(path: Path) -> None:
    content = small_model(path)
    for position in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        assert_refused(path, bytes(damaged))
    path.write_bytes(content)
    read_model(path)


def test_every_truncation_is_refused(path: Path) -> None:
    content = small_model(path)
    for length in range(len(content)):
        assert_refused(path, content[:length])


@pytest.mark.parametrize("more", [b"\0", b" ", b"x" * 100])
def test_appended_bytes_are_refused(path: Path, more: bytes) -> None:
    assert_refused(path, small_model(path) + more)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "only 0 bytes"),
        (b"a,b\n1,2\n", "only 8 bytes"),
        (b"a,b\n1,2\n3,4\n", "fewer than its beginning announces"),
        (bytes(7) + b"\x7f" + b"{}", "fewer than its beginning announces"),
        (b"\x80\x04\x95" + bytes(200), "fewer than its beginning announces"),
        ((MAX_HEADER_BYTES + 8).to_bytes(8, "little") + bytes(MAX_HEADER_BYTES + 8), "longer than"),
        (sealed("{]"), "cannot be read as JSON"),
        (sealed("[" * 100_000), "cannot be read as JSON"),
        (sealed('{"a":' * 100_000), "cannot be read as JSON"),
        (sealed("1" * 5000), "cannot be read as JSON"),
        ((4).to_bytes(8, "little") + b'"\xff"}', "cannot be read as JSON"),
        (sealed("[]"), "not a JSON object"),
        (sealed({}), "does not say that deltarule wrote it"),
        (sealed({"w": entry()}, bytes(4)), "does not say that deltarule wrote it"),
        (sealed({"__metadata__": "x"}), "does not say that deltarule wrote it"),
        (sealed('{"__metadata__":{"a":"1","a":"2"}}'), "uses a name twice"),
        (sealed('{"w":1,"w":2}'), "uses a name twice"),
        (sealed({"__metadata__": {"format": "deltarule model", "version": "2"}}), "version '2'"),
        (sealed({"__metadata__": {"format": "deltarule model", "version": "1"}}), "lacks an entry"),
    ],
)
def test_what_is_no_model_is_refused(path: Path, content: bytes, reason: str) -> None:
    assert_refused(path, content, reason)


@pytest.mark.parametrize(
    ("described", "size"),
    [
        (header(w=entry()), 3),
        (header(w=entry()), 5),
        (header(w=entry(begin=4, end=8)), 8),  # a hole at the start
        (header(w=entry(), v=entry(begin=8, end=12)), 12),  # a hole in the middle
        (header(w=entry(), v=entry()), 4),  # two arrays in one place
        (header(w=entry(shape=[2])), 4),
        (header(w=entry(shape=[2**62, 2**62], end=2**126)), 4),
        (header(w=entry(shape=[2**63, 0], end=0)), 0),
        (header(w=entry(shape=[1] * 33)), 4),
        (header(w=entry(shape=[-1, -1])), 4),
        (header(w=entry(shape=[True])), 4),
        (header(w=entry(shape=[1.0])), 4),
        (header(w=entry(shape="1")), 4),
        (header(w=entry(begin=-4, end=0)), 4),
        (header(w=entry(begin=4, end=0)), 4),
        (header(w=entry(dtype="F16")), 4),
        (header(w=entry(dtype=["F32"])), 4),
        (header(w={**entry(), "more": 1}), 4),
        (header(w={"dtype": "F32"}), 4),
        (header(w=[]), 4),
        (header(w={**entry(), "data_offsets": [0, 4, 4]}), 4),
    ],
)
def test_layouts_that_make_no_sense_are_refused(
    path: Path, described: dict[str, Any], size: int
) -> None:
    assert_refused(path, sealed(described, bytes(size)))


def test_odd_content_is_refused(path: Path) -> None:
    assert_refused(path, sealed(header(w=entry("BOOL", end=1)), b"\2"), "neither 0 nor 1")
    twice = header() | {"x": '"sha256":"' + ZEROS}
    assert_refused(path, sealed(twice), "makes no sense")
    for model in ("", "[]", "{", '"\\ud800"', "\ud800"):
        own = {**header()["__metadata__"], "model": model}
        assert_refused(path, sealed({"__metadata__": own}), "metadata")
    for digest in ("", "0" * 63, "A" * 64, "\ud800" * 64):
        own = {**header()["__metadata__"], "sha256": digest}
        assert_refused(path, sealed({"__metadata__": own}), "digest")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
counts = st.integers(-1, 9) | st.integers(-(2**70), 2**70) | json_values
odd_entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F64", "I64", "I32", "BOOL", "U8", "F16"]) | json_values,
        "shape": st.lists(counts, max_size=40) | json_values,
        "data_offsets": st.lists(counts, max_size=3) | json_values,
    }
)


@given(
    entries=st.dictionaries(st.text(max_size=4), odd_entries | json_values, max_size=3),
    own=st.dictionaries(
        st.sampled_from(["format", "version", "model", "sha256", "x"]), json_values, max_size=3
    ),
    data=st.binary(max_size=40),
)
def test_fuzzed_headers_are_refused_or_read(
    entries: dict[str, Any], own: dict[str, Any], data: bytes
) -> None:
    described = header(**entries)
    if isinstance(described["__metadata__"], dict):
        described["__metadata__"] = {**header()["__metadata__"], **own}
    read_or_refuse(sealed(described, data))


@given(prefix=st.integers(0, 80), text=st.binary(max_size=80), rest=st.binary(max_size=20))
def test_fuzzed_bytes_are_refused(prefix: int, text: bytes, rest: bytes) -> None:
    read_or_refuse(prefix.to_bytes(8, "little") + text + rest)
    read_or_refuse(len(text).to_bytes(8, "little") + text + rest)


def read_or_refuse(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            _, arrays = read_model(file.name)
        except ModelFileError as error:
            assert_sentence(str(error).replace(repr(file.name), ""))
        else:
            length = int.from_bytes(content[:8], "little")
            assert sum(a.nbytes for a in arrays.values()) == len(content) - 8 - length


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("absent", "does not exist"), (".", "regular"), ("pipe", "regular")):
        with pytest.raises(ModelFileError, match=reason) as caught:
            read_model(tmp_path / name)
        assert_sentence(str(caught.value))
    for name in (".", "pipe", "absent/net.model"):
        with pytest.raises(ModelFileError, match="could not be written") as caught:
            write_model(tmp_path / name, {}, {})
        assert_sentence(str(caught.value))


# ---- whole or not at all ------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["os.fsync", "pathlib.Path.replace", "os.fchmod"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_failed_save_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, what: str, error: BaseException
) -> None:
    before = small_model(path)

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(what, fail)
    expected = ModelFileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_model(path, {}, {"w": np.zeros(1000)})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_full_disk_changes_nothing(path: Path) -> None:
    before = small_model(path)
    said = output_of(
        f"""
import resource, signal
import numpy as np
from deltarule.files import ModelFileError, write_model
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    write_model({str(path)!r}, {{}}, {{"w": np.zeros(100_000)}})
except ModelFileError as error:
    print(error)
"""
    )
    assert "could not be written (File too large)" in said
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that this process may not write to, also where it runs as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small_model(folder / "net.model")
        root = os.geteuid() == 0
        folder.chmod(0o555)
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_read_only_folder_changes_nothing(read_only_folder: Path) -> None:
    path = read_only_folder / "net.model"
    before = path.read_bytes()
    with pytest.raises(ModelFileError, match=r"Permission denied.*unchanged"):
        write_model(path, {}, {})
    assert path.read_bytes() == before
    assert os.listdir(read_only_folder) == ["net.model"]


OVERWRITE = """
import sys
import numpy as np
from deltarule.files import write_model
for generation in range(1_000_000):
    write_model(sys.argv[1], {"generation": generation}, {"w": np.full(100_000, generation)})
    if generation == 0:
        print("begun", flush=True)
"""


def test_killed_while_overwriting(path: Path) -> None:
    write_model(path, {"generation": -1}, {"w": np.full(100_000, -1)})
    waits = random.Random(0)
    environment = {**os.environ, "PYTHONPATH": str(package_folder().parent)}
    for _ in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", OVERWRITE, str(path)], stdout=subprocess.PIPE, env=environment
        )
        with writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(waits.uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
        metadata, arrays = read_model(path)
        assert (arrays["w"] == metadata["generation"]).all()
        assert len(os.listdir(path.parent)) <= 2
    small_model(path)
    assert os.listdir(path.parent) == [path.name]


def test_the_temporary_file_of_a_living_writer_stays(path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"outer "
        replace_file(path, [b"inner"])
        assert path.read_bytes() == b"inner"
        yield b"part"

    replace_file(path, parts())
    assert path.read_bytes() == b"outer part"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("cls", "parameters"),
    [
        (MLPClassifier, {"class_weight": {0: 1.0, 1: 2.0}}),
        (MLPClassifier, {"learning_rate": dr.schedules.WarmUp(dr.schedules.Cosine(0.1, 5), 2)}),
        (dr.TabularClassifier, {"categorical_features": np.array([True, False])}),
        (dr.TabularClassifier, {"class_weight": {0: 1.0, 1: 2.0}, "hidden_layer_sizes": (4,)}),
    ],
    ids=str,
)
def test_parameters_of_any_kind_come_back(cls, parameters, tmp_path: Path) -> None:
    X, y = np.random.default_rng(0).integers(0, 9, (60, 2)), np.arange(60) % 2
    model = cls(**parameters, max_iter=2, random_state=0).fit(X, y)
    dr.save(model, tmp_path / "m")
    back = dr.load(tmp_path / "m")
    np.testing.assert_array_equal(back.predict_proba(X), model.predict_proba(X))
    for name, value in model.get_params().items():
        again = back.get_params()[name]
        assert np.array_equal(again, value) if isinstance(value, np.ndarray) else again == value


def test_mode_and_links_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real.model", tmp_path / "link.model"
    small_model(real)
    assert stat.S_IMODE(real.stat().st_mode) == 0o666 & ~current_umask()
    real.chmod(0o640)
    link.symlink_to(real)
    write_model(link, {"new": True}, {})
    assert link.is_symlink()
    assert read_model(real)[0] == {"new": True}
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---- estimators ---------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "y",
    [
        X[:, 0] > 0,
        np.where(X[:, 0] > 0, "=yes", "no"),
        np.digitize(X[:, 0], [-0.5, 0.5]) - 1,
        X[:, 0] * 2.5,
    ],
    ids=["truth values", "text", "negative integers", "numbers"],
)
def test_estimators_come_back_to_the_bit(path: Path, y: Any) -> None:
    kind = dr.MLPRegressor if y.dtype.kind == "f" else dr.MLPClassifier
    settings: dict[str, Any] = {
        "max_iter": 3,
        "random_state": 0,
        "tol": 0,
        "n_iter_no_change": np.inf,
    }
    estimator = kind(hidden_layer_sizes=(5,), **settings)
    with pytest.warns(UserWarning, match="Maximum iterations|converge"):
        estimator.fit(X, y)
    dr.save(estimator, path)
    back = dr.load(path)
    assert type(back) is kind
    assert_same(back.predict(X), estimator.predict(X))
    assert settings.items() <= back.get_params().items()
    assert_same(back.history_.loss, estimator.history_.loss)
    assert load_with_preparation(path)[1] is None


def test_a_preparation_travels_with_its_estimator(path: Path) -> None:
    table = Table.from_arrays({"a": X[:, 0], "b": np.where(X[:, 1] > 0, "x", "y")})
    preparation = Preparation.fit(table, ["a", "b"])
    matrix = preparation.transform(table)
    estimator = dr.MLPRegressor(max_iter=1000, random_state=0).fit(matrix, X[:, 2])
    dr.save(estimator, path, preparation=preparation)
    back, back_preparation = load_with_preparation(path)
    assert back_preparation is not None
    assert_same(back_preparation.transform(table), matrix)
    assert_same(back.predict(matrix), estimator.predict(matrix))
    assert_same(dr.load(path).predict(matrix), estimator.predict(matrix))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"estimator": "os.system"},
        {"estimator": ["MLPClassifier"]},
        {"estimator": "MLPClassifier"},
        {"estimator": "MLPRegressor", "parameters": {"nonsense": 1}},
        {"estimator": "MLPRegressor", "preparation": {"numbers": 1}},
    ],
)
def test_records_that_give_no_estimator(path: Path, metadata: dict[str, Any]) -> None:
    write_model(path, metadata, {})
    with pytest.raises(ModelFileError, match="the version") as caught:
        dr.load(path)
    assert_sentence(str(caught.value))


class MyClassifier(MLPClassifier):  # type: ignore[misc]
    """A user's own."""


OTHERS = [
    MyClassifier(tol=1.0, random_state=0),
    type("MLPClassifier", (MyClassifier,), {})(tol=1.0, random_state=0),
    OtherRegressor(tol=1.0, random_state=0),
    dr.MLPRegressor,
    None,
]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other).__name__)
def test_what_could_not_be_rebuilt_is_not_saved(path: Path, other: Any) -> None:
    before = small_model(path)
    if hasattr(other, "fit") and not isinstance(other, type):
        other.fit(X, np.arange(60) % 2)
    with pytest.raises(ModelFileError, match=type(other).__name__) as caught:
        dr.save(other, path)
    assert_sentence(str(caught.value))
    assert "TabularClassifier and TabularRegressor" in str(caught.value)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_too_little_memory_to_rebuild(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError("std::bad_alloc")

    dr.save(dr.MLPRegressor(tol=1.0, random_state=0).fit(X, X[:, 0]), path)
    monkeypatch.setattr(dr.MLPRegressor, "from_record", fail)
    with pytest.raises(ModelFileError, match="not enough memory") as caught:
        dr.load(path)
    assert_sentence(str(caught.value))
