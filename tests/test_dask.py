"""Arrays of other libraries pass through the ufunc protocol."""

from __future__ import annotations

import numpy as np
import pytest

import deltarule as dr

X = np.random.default_rng(0).normal(size=(60, 8))


def test_dask_arrays_stay_lazy():
    da = pytest.importorskip("dask.array", reason="Dask is not installed.")
    lazy = da.from_array(X, chunks=(20, 8))
    for name in ("gelu", "leaky_relu", "silu"):
        f = dr.activations[name]
        for call in (f, f.derivative, f.second_derivative):
            result = call(lazy)
            assert isinstance(result, da.Array)
            np.testing.assert_array_equal(result.compute(scheduler="threads"), call(X))
        product = f.vjp(lazy, lazy)
        np.testing.assert_array_equal(product.compute(scheduler="threads"), f.vjp(X, X))
        slopes = f.ufunc(lazy, *([0.5] * len(f.parameters)))
        assert isinstance(slopes, da.Array)
    for name in ("softmax", "log_softmax"):
        f = dr.activations[name]
        result = f(lazy)
        assert isinstance(result, da.Array)
        np.testing.assert_array_equal(result.compute(scheduler="threads"), f(X))


def test_xarray_keeps_its_labels():
    xr = pytest.importorskip("xarray", reason="xarray is not installed.")
    labelled = xr.DataArray(X, dims=("row", "unit"), coords={"row": np.arange(60)})
    result = dr.activations.tanh(labelled)
    assert result.dims == ("row", "unit")
    np.testing.assert_array_equal(result.values, dr.activations.tanh(X))
