from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule._build import BuildInfo

activation_ufuncs: dict[str, dict[str, np.ufunc]]
loss_ufuncs: dict[str, dict[str, np.ufunc]]

def activation_facts() -> list[dict[str, Any]]: ...
def loss_facts() -> list[dict[str, Any]]: ...
def build_info() -> BuildInfo: ...

Weights = list[tuple[NDArray[Any], NDArray[Any]]]

class Net32:
    def __init__(
        self, layers: list[dict[str, Any]], inputs: int, loss: dict[str, Any], gemm: object
    ) -> None: ...
    def initialise(self, seed: int) -> None: ...
    def weights(self) -> Weights: ...
    def set_weights(self, weights: Weights) -> None: ...
    def predict(self, x: NDArray[Any]) -> NDArray[Any]: ...
    def loss(
        self,
        x: NDArray[Any],
        values: NDArray[Any] | None,
        codes: NDArray[Any] | None,
        weights: NDArray[Any] | None,
    ) -> float: ...
    def gradient(
        self,
        x: NDArray[Any],
        values: NDArray[Any] | None,
        codes: NDArray[Any] | None,
        weights: NDArray[Any] | None,
    ) -> tuple[float, Weights]: ...

class Net64(Net32): ...

class Trainer32:
    def __init__(
        self,
        net: Net32,
        x: NDArray[Any],
        values: NDArray[Any] | None,
        codes: NDArray[Any] | None,
        weights: NDArray[Any] | None,
        settings: dict[str, Any],
        rows: NDArray[np.uint32] | None = None,
    ) -> None: ...
    def epoch(self) -> float: ...

class Trainer64(Trainer32): ...

def activation_vjp(
    name: str, x: NDArray[Any], y: NDArray[Any], g: NDArray[Any], parameters: list[float]
) -> NDArray[Any]: ...
def philox(seed: int, stream: int, index: int) -> tuple[int, int]: ...
