"""A program of its own: python benchmarks/mnist_program.py PEER FOLDER BATCH EPOCHS THREADS.

Loads the arrays of FOLDER, trains 784-100-10 with the peer and prints the accuracy on the test
rows.  Only the library of the peer is imported.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
from apart import load
from jobs import Job, predict
from training import PEERS


def main() -> None:
    warnings.simplefilter("ignore")
    name, folder, batch, epochs, threads = sys.argv[1:]
    X, y, X_test, y_test = (
        np.load(Path(folder, f"{n}.npy")) for n in ("X", "y", "X_test", "y_test")
    )
    job = Job(X, y, (100,), int(batch), int(threads))
    layers = load(PEERS[name])(job)(int(epochs))
    print(np.mean(predict(layers, X_test).argmax(1) == y_test))


if __name__ == "__main__":
    main()
