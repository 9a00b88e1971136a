#define PY_ARRAY_UNIQUE_SYMBOL deltarule_array_api
#define NO_IMPORT_ARRAY
#include "frozen.hpp"

#include <numpy/arrayobject.h>

#include <string>

namespace deltarule::bind {
namespace {

using engine::Index;
using engine::Net;

template <class T>
constexpr int type_number = sizeof(T) == 4 ? NPY_FLOAT32 : NPY_FLOAT64;

PyArrayObject* as_array(const nb::object& o) { return reinterpret_cast<PyArrayObject*>(o.ptr()); }

nb::object steal_array(PyObject* array) {
    if (!array) throw nb::python_error();
    return nb::steal(array);
}

std::string shape_in_words(const nb::object& a) {
    const int dimensions = PyArray_NDIM(as_array(a));
    std::string words = std::to_string(dimensions) + " dimension" + (dimensions == 1 ? "" : "s");
    if (dimensions == 2)
        words += " with " + std::to_string(PyArray_DIM(as_array(a), 1)) + " columns";
    return words;
}

// x itself if it is as the net needs it, else a copy that is.
template <class T>
nb::object rows_of(const Net<T>& net, nb::handle x) {
    nb::object rows = nb::borrow(x);
    if (!PyArray_Check(x.ptr())) rows = steal_array(PyArray_FROM_O(x.ptr()));
    const int type = PyArray_TYPE(as_array(rows));
    if (type != type_number<T> || !PyArray_IS_C_CONTIGUOUS(as_array(rows)) ||
        !PyArray_ISBEHAVED_RO(as_array(rows))) {
        if (!PyTypeNum_ISINTEGER(type) && !PyTypeNum_ISFLOAT(type) && !PyTypeNum_ISBOOL(type))
            throw nb::type_error("X must be a dense array of real numbers.");
        rows = steal_array(PyArray_FROMANY(rows.ptr(), type_number<T>, 0, 0,
                                           NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST));
    }
    if (PyArray_NDIM(as_array(rows)) != 2 || PyArray_DIM(as_array(rows), 1) != net.inputs())
        throw nb::value_error(("X must have rows of " + std::to_string(net.inputs()) +
                               " numbers, the features that the network was fitted on; met an "
                               "array of " +
                               shape_in_words(rows) + ".")
                                  .c_str());
    return rows;
}

template <class T>
void predict(Net<T>& net, const nb::object& rows, T* z, int threads) {
    constexpr double little = 1e5;  // below, releasing the interpreter costs more than it gives
    const Index n = PyArray_DIM(as_array(rows), 0);
    const engine::Features<T> x{.width = net.inputs(),
                                .same = static_cast<const T*>(PyArray_DATA(as_array(rows)))};
    if (double(n) * net.work() <= little) return net.predict(n, x, z, 1);
    nb::gil_scoped_release nogil;
    net.predict(n, x, z, threads);
}

template <class T>
Index position_of_largest(const T* z, Index n) {  // the first NaN if there is one, as in NumPy
    Index best = 0;
    for (Index i = 1; i < n; ++i)
        if (z[i] > z[best] || (z[i] != z[i] && z[best] == z[best])) best = i;
    return best;
}

}  // namespace

template <class T>
nb::object raw_of(Net<T>& net, nb::handle x, int threads) {
    const nb::object rows = rows_of(net, x);
    npy_intp shape[] = {PyArray_DIM(as_array(rows), 0), net.outputs()};
    nb::object z = steal_array(PyArray_SimpleNew(2, shape, type_number<T>));
    predict(net, rows, static_cast<T*>(PyArray_DATA(as_array(z))), threads);
    return z;
}

template <class T>
nb::object codes_of(Net<T>& net, nb::handle x, int threads) {
    const nb::object rows = rows_of(net, x);
    const Index outputs = net.outputs();
    npy_intp n = PyArray_DIM(as_array(rows), 0);
    nb::object codes = steal_array(PyArray_SimpleNew(1, &n, NPY_INT64));
    engine::Arena<T> z(n * outputs);
    predict(net, rows, z.at(0), threads);
    auto* code = static_cast<std::int64_t*>(PyArray_DATA(as_array(codes)));
    for (Index i = 0; i < n; ++i)
        code[i] = outputs == 1 ? *z.at(i) > 0 : position_of_largest(z.at(i * outputs), outputs);
    return codes;
}

template nb::object raw_of<float>(Net<float>&, nb::handle, int);
template nb::object raw_of<double>(Net<double>&, nb::handle, int);
template nb::object codes_of<float>(Net<float>&, nb::handle, int);
template nb::object codes_of<double>(Net<double>&, nb::handle, int);

}  // namespace deltarule::bind
