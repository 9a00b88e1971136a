"""What was built and what is in use."""

from typing import TypedDict

from deltarule import _core


class BuildInfo(TypedDict):
    """The compiled core: see `build_info`."""

    version: str
    isa: str
    available_isas: list[str]
    compiler: str
    threads: int


def build_info() -> BuildInfo:
    """The version of the compiled core and the instruction set it uses.

    Returns
    -------
    BuildInfo
        ``version``; ``isa``, the instruction set in use (``"baseline"``, ``"avx2"`` or
        ``"avx512"``); ``available_isas``, those this build has and this processor can run;
        ``compiler``; ``threads``, how many may work at most: DELTARULE_NUM_THREADS or
        OMP_NUM_THREADS where set, else the processors of this process.

    Notes
    -----
    The fastest instruction set is picked at import; the environment variable ``DELTARULE_ISA``
    forces one.
    """
    return {**_core.build_info(), "threads": _core.thread_count()}
