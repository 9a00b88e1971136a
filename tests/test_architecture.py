"""The map of the house: who may use whom, and how big a room may get."""

import ast
import importlib.util
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tokenize
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from fresh import REPOSITORY, output_of

PACKAGE = REPOSITORY / "src" / "deltarule"
CPP = REPOSITORY / "src" / "cpp"

# What each room of the package imports beside the standard library.  ".x" is deltarule.x, "x?" is
# imported inside functions only, ".public" is every module without an underscore.
CATALOGUE = (
    "._catalogue ._activation_kinds ._activations ._labels ._losses ._statistics ._saturation"
)
OWN = "._custom ._from_formula .formula"
MAY_IMPORT = {
    "_build": "._core",
    "_latex": "",
    "_arithmetic": "",
    "_systems": "",
    "_reduction": "numpy",
    "_catalogue": "numpy ._latex ._systems?",
    "_activation_kinds": "numpy ._core ._arithmetic ._catalogue ._activations?",
    "_stochastic": "numpy ._core ._activation_kinds ._catalogue",
    "_activations": "._core ._activation_kinds ._catalogue ._stochastic ._from_formula?",
    "_labels": "numpy ._catalogue ._reduction",
    "_losses": "numpy ._core ._catalogue ._labels ._reduction ._composite? ._from_formula?",
    "_statistics": "numpy ._activation_kinds ._activations",
    "_saturation": "numpy ._activation_kinds ._statistics",
    "_watching": "._activation_kinds ._saturation .layers .plan",
    "composites": "numpy ._catalogue ._activations ._reduction ._labels scipy?",
    "_composite": "numpy ._catalogue ._reduction .composites",
    "formula": "numpy scipy?",
    "_custom": f"numpy ._core .formula {CATALOGUE}",
    "_from_formula": "._custom .formula",
    "_interrupt": "",
    "initialisers": f"numpy ._core {CATALOGUE}",
    "layers": f"numpy? ._custom ._stochastic .initialisers {CATALOGUE}",
    "plan": f"._custom .initialisers .layers {CATALOGUE}",
    "_engine": "numpy ._core .initialisers .plan",
    "_gradient": "numpy ._engine .plan",
    "_training": "numpy ._core ._engine ._interrupt .plan .vitals",
    "interchange": "numpy",
    "schedules": ".vitals",
    "network": (
        "numpy ._core ._engine ._gradient ._training ._watching .files .layers .plan .schedules "
        f".vitals .progress? {CATALOGUE}"
    ),
    "replacing": "",
    "vitals": "numpy",
    "gradcheck": "numpy",
    "progress": "rich?",
    "tables": "numpy pyarrow?",
    "targets": "numpy .tables",
    "preparation": "numpy sklearn? .tables",
    "datasets": "numpy sklearn? .tables",
    "estimators": (
        "numpy sklearn scipy? narwhals? .examination? ._engine ._gradient ._training ._watching "
        f".initialisers .layers .plan .schedules .vitals .progress? {CATALOGUE}"
    ),
    "files": "numpy .replacing .preparation? .estimators?",
    "language": "",
    "doctor": "numpy .vitals .language",
    "examination": (
        "numpy sklearn? threadpoolctl? torch? .language ._training ._watching .doctor "
        f".estimators? .initialisers .layers .network? .plan .vitals ._systems {CATALOGUE}"
    ),
    "displays": f"numpy matplotlib? cycler? .replacing .vitals .doctor .plan {CATALOGUE}",
    "examples": "numpy sklearn? matplotlib? .public",
    "report": f"numpy matplotlib? .vitals .doctor .displays {CATALOGUE}",
    "cli": "numpy sklearn? rich? .public",
    "lab": "numpy starlette? uvicorn? .public",
}

# C++: the standard headers and the files of other rooms that a room includes, the words its code
# does not contain.
CPP_ROOMS = {
    "kernels": (
        "cstddef cstdint utility",
        "",
        r"throw|try|new|malloc|calloc|Py\w+|PyObject|nanobind|printf",
    ),
    "engine": (
        r"[a-z_]+",
        r"kernels/(table|products|moments|cells|waves|dispatch)\.hpp",
        r"Py[A-Z_]\w*|nanobind|numpy|NPY_\w+|_mm\d*_\w+|__m\d+\w*|avx2|avx512|baseline|DELTARULE_ISA",
    ),
    "bind": (
        r"[a-z_]+ Python.h nanobind/.+ numpy/.+",
        "kernels/table.hpp kernels/dispatch.hpp engine/.+",
        r"_mm\d*_\w+|__m\d+\w*|DELTARULE_ISA",
    ),
}
ALSO_INCLUDES = {
    "engine/arena.hpp": "sys/mman.h",
    "kernels/simd.hpp": "immintrin.h",
    "kernels/dispatch.cpp": "cstring",
    "engine/threads.cpp": "pthread.h sched.h",
}

MAX_FILE, MAX_FUNCTION = 400, 40
# "path" or "path:function" -> why it is longer.
LONGER = {
    f"src/deltarule/estimators/{name}.py:__init__": (
        "scikit-learn's convention: every parameter is named once and stored once, a line each"
    )
    for name in (
        *("_classifier", "_regressor", "_layered"),
        *("_tabular_classifier", "_tabular_regressor"),
    )
} | {
    "src/deltarule/network/_network.py:fit": (
        "every parameter of a training is named once, and once for the engine"
    )
}


def python_modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path, tree: ast.AST):
    """(module, imported inside a function) of every import that happens at run time."""
    package = ["deltarule", *path.relative_to(PACKAGE).parent.parts]

    def names(node: ast.stmt):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parts, *filter(None, [node.module])])
            from_root = base == "deltarule"
            yield from (f"{base}.{a.name}" for a in node.names) if from_root else [base]

    def walk(node: ast.AST, lazy: bool):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            yield from ((name, lazy) for name in names(child))
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from walk(child, lazy or is_function)

    return [
        (name, lazy)
        for name, lazy in walk(tree, lazy=False)
        if name.partition(".")[0] not in sys.stdlib_module_names
    ]


def may_import(room: str, name: str, lazy: bool) -> bool:
    first, *rest = name.split(".")
    if first != "deltarule":
        wanted = first
    elif rest and rest[0] == room:
        return True
    else:
        wanted = f".{rest[0]}" if rest else ".public"
    allowed = MAY_IMPORT[room].split()
    public = first == "deltarule" and not any(part.startswith("_") for part in rest)
    return (
        wanted in allowed or (lazy and f"{wanted}?" in allowed) or (public and ".public" in allowed)
    )


def test_every_room_is_on_the_map():
    rooms = {room_of(path) for path, _ in python_modules()} - {"__init__", "__main__"}
    missing = rooms - MAY_IMPORT.keys()
    assert not missing, f"Say in MAY_IMPORT what these may import: {', '.join(sorted(missing))}."


def test_python_imports_run_downhill():
    uphill = [
        f"{path.relative_to(PACKAGE)} imports {name}; it may use: {MAY_IMPORT[room_of(path)]}"
        for path, tree in python_modules()
        if room_of(path) in MAY_IMPORT
        for name, lazy in imports(path, tree)
        if not may_import(room_of(path), name, lazy)
    ]
    assert not uphill, "\n".join(uphill)


def test_optional_packages_are_imported_where_they_are_used():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    required = {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}
    required |= {"deltarule", "sklearn"}
    eager = [
        f"{path.relative_to(PACKAGE)} imports {name}, an optional package, outside a function."
        for path, tree in python_modules()
        for name, lazy in imports(path, tree)
        if not lazy and name.partition(".")[0] not in required
    ]
    assert not eager, "\n".join(eager)


def test_import_is_light():
    ask = "import sys, deltarule; print(*{m.partition('.')[0] for m in sys.modules})"
    loaded = set(output_of(ask).split())
    assert "numpy" in loaded
    assert not loaded & {"scipy", "sklearn", "rich", "pandas", "pyarrow", "matplotlib", "joblib"}


def test_networks_need_numpy_alone():
    """A network is trained without SciPy and scikit-learn, whose import takes a second."""
    ask = """
import sys, numpy, deltarule
network = deltarule.Network([deltarule.layers.Dense(2)], "squared_error")
network.fit(numpy.ones((4, 3)), numpy.ones((4, 2)), epochs=2)
deltarule.activations.gelu(1.0), deltarule.losses.huber([1.0], [0.0])
print(*{m.partition('.')[0] for m in sys.modules})
"""
    assert not set(output_of(ask).split()) & {"scipy", "sklearn", "rich", "pandas"}


# ---- C++ ----------------------------------------------------------------------------------------


def cpp_files(pattern: str = "*.[ch]pp"):
    return [path for room in CPP_ROOMS for path in sorted((CPP / room).rglob(pattern))]


def may_include(here: Path, bracket: str, name: str) -> bool:
    system, other_rooms, _ = CPP_ROOMS[here.parts[0]]
    if bracket == "<":
        allowed = system.split() + ALSO_INCLUDES.get(here.as_posix(), "").split()
        return any(re.fullmatch(pattern, name) for pattern in allowed)
    beside = Path(os.path.normpath(here.parent / name))
    target = beside if (CPP / beside).exists() else Path(name)
    return target.parts[0] == here.parts[0] or any(
        re.fullmatch(pattern, target.as_posix()) for pattern in other_rooms.split()
    )


def test_cpp_includes_run_downhill():
    include = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
    wrong = [
        f"{path.relative_to(CPP)} includes {name}"
        for path in cpp_files()
        for bracket, name in include.findall(path.read_text(encoding="utf-8"))
        if not may_include(path.relative_to(CPP), bracket, name)
    ]
    assert not wrong, "\n".join(wrong)


def code_only(text: str) -> str:
    """C++ without comments, strings and include lines."""
    return re.sub(r'//.*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|^\s*#\s*include.*$', " ", text, flags=re.M)


def test_cpp_rooms_keep_to_their_words():
    wrong = [
        f"{path.relative_to(CPP)} contains {word!r}"
        for path in cpp_files()
        for word in re.findall(
            rf"\b(?:{CPP_ROOMS[path.relative_to(CPP).parts[0]][2]})\b",
            code_only(path.read_text(encoding="utf-8")),
        )
    ]
    assert not wrong, "\n".join(wrong)


def instruction_sets() -> dict[str, list[str]]:
    """The compiler flags of each, as CMakeLists.txt states them."""
    text = (REPOSITORY / "CMakeLists.txt").read_text()
    found = re.findall(r"^\s*add_kernels\((\w+)([^)]*)\)", text, re.MULTILINE)
    flags = {name: options.split() for name, options in found}
    return flags if platform.machine() in ("x86_64", "AMD64") else {"baseline": flags["baseline"]}


@pytest.mark.slow
def test_every_header_compiles_alone():
    compiler = os.environ.get("CXX") or shutil.which("c++")
    if compiler is None:
        pytest.skip("There is no C++ compiler on the path.")
    headers = [(path, flags) for path in cpp_files("*.hpp") for flags in jobs(path)]

    def errors(job):
        path, flags = job
        command = [compiler, "-std=gnu++20", "-fsyntax-only", f"-I{CPP}", *flags, "-x", "c++", "-"]
        text = f'#include "{path.relative_to(CPP).as_posix()}"\n'
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        return (
            f"{path.relative_to(CPP)} {' '.join(flags)}\n{done.stderr}" if done.returncode else ""
        )

    with ThreadPoolExecutor(2) as pool:
        failed = [text for text in pool.map(errors, headers) if text]
    assert not failed, "\n".join(failed)


def jobs(path: Path) -> list[list[str]]:
    """The sets of flags a header is compiled with."""
    room = path.relative_to(CPP).parts[0]
    if room == "kernels":
        return list(instruction_sets().values())
    if room == "engine":
        return [[]]
    nanobind = importlib.util.find_spec("nanobind")
    if nanobind is None:  # a tool of the build only; the build itself compiles these
        return []
    folders = [Path(nanobind.origin).parent / "include", sysconfig.get_path("include")]
    return [[f"-I{folder}" for folder in [*folders, np.get_include()]]]


# ---- sizes --------------------------------------------------------------------------------------


def code_lines(source: str, node: ast.AST) -> int:
    """Lines of a function that hold code: no comments, blank lines or docstrings."""
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    docstrings = {
        line
        for part in ast.walk(node)
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
        for line in range(part.lineno, part.end_lineno + 1)
    }
    lines = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in nothing
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len([n for n in lines - docstrings if node.lineno <= n <= node.end_lineno])


def sizes():
    """(name, lines, limit) of every file and Python function."""
    for path in sorted([*PACKAGE.rglob("*.py"), *cpp_files()]):
        name, source = path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8")
        yield name, source.count("\n"), MAX_FILE
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.name}", code_lines(source, node), MAX_FUNCTION


def test_sizes():
    too_long = {name: n for name, n, limit in sizes() if n > limit}
    excused = LONGER.keys() & too_long.keys()
    assert too_long.keys() == excused, "Too long, and no reason in LONGER."
    assert LONGER.keys() == excused, "In LONGER, but no longer too long."
