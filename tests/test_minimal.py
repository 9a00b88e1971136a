"""What must work before any other test is worth reading; each in a fresh interpreter."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from fresh import REPOSITORY, output_of, run_python

import deltarule

PRINT_ISAS = "import deltarule; print(*deltarule.build_info()['available_isas'])"


def test_import_and_call():
    out = output_of("""
import deltarule as dr
print(dr.activations["relu"]([-1.0, 0.0, 2.0]).tolist())
print(float(dr.losses["squared_error"]([1.0, 3.0], [0.0, 0.0])))
""")
    assert out == "[0.0, 0.0, 2.0]\n5.0\n"


def test_version():
    ask = "import deltarule as dr; print(dr.__version__, dr.build_info()['version'])"
    package, core = output_of(ask).split()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    assert package == core == project


def test_version_of_installed_package():
    try:
        installed = version("deltarule")
    except PackageNotFoundError:
        pytest.skip("deltarule is on the path but not installed: there is no metadata.")
    assert output_of("import deltarule; print(deltarule.__version__)").strip() == installed


def test_build_info():
    ask = "import deltarule; i = deltarule.build_info(); print(i['isa'], i['compiler'])"
    isa, compiler = output_of(ask, DELTARULE_ISA="").split(maxsplit=1)
    available = output_of(PRINT_ISAS).split()
    assert available[0] == "baseline"
    assert isa == available[-1]  # the fastest, unless one is forced
    assert compiler.strip()


def test_unknown_isa():
    done = run_python("import deltarule", DELTARULE_ISA="nonsense")
    assert done.returncode != 0
    last_line = done.stderr.strip().splitlines()[-1]
    assert last_line.startswith("ImportError: ")
    assert "'nonsense'" in last_line
    available = output_of(PRINT_ISAS, DELTARULE_ISA="").split()
    assert ", ".join(available) in last_line


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_forced_isa(isa):
    available = output_of(PRINT_ISAS, DELTARULE_ISA="").split()
    if isa not in available:
        pytest.skip(f"This build and processor have {', '.join(available)}, not {isa}.")
    ask = "import deltarule; print(deltarule.build_info()['isa'])"
    assert output_of(ask, DELTARULE_ISA=isa).strip() == isa


def test_every_lazy_name_is_public_and_typed():
    source = Path(deltarule.__file__).read_text(encoding="utf-8")
    typed = source.partition("if TYPE_CHECKING:")[2].partition("__version__")[0]
    for name in deltarule._LAZY:
        assert name in deltarule.__all__, name
        assert re.search(rf"\b{name}\b", typed), name
        assert getattr(deltarule, name) is not None
