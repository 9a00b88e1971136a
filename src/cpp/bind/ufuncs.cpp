// Every function of the catalogue as NumPy ufuncs, made from the table.
#define PY_ARRAY_UNIQUE_SYMBOL deltarule_array_api
#define PY_UFUNC_UNIQUE_SYMBOL deltarule_ufunc_api
#include "bind.hpp"
#include "parallel_loop.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace deltarule::bind {
namespace {

using namespace kernels;

// What a loop is given as its data.  The parameters come first: the loops of the kernels read them
// through the same pointer.
struct LoopData {
    Bound parameters;
    StridedLoop loop;
    int inputs, operands;
    int core;  // lengths of core axes: 0 for an element-wise function
};

// The loop of every ufunc: the kernel's, on several threads where that pays.
void shared_loop(char** args, const Index* dims, const Index* steps, void* data) {
    const LoopData& d = *static_cast<const LoopData*>(data);
    const Index width = d.core > 0 ? std::max<Index>(dims[1], 1) : 1;
    in_parts(args, dims[0], steps, Operands{d.inputs, d.operands, d.core > 0, width},
             [&](char** at, Index n) {
                 Index size[3] = {n};
                 for (int k = 1; k <= d.core; ++k) size[k] = dims[k];
                 d.loop(at, size, steps, data);
             });
}

// What NumPy keeps pointers into; lives as long as the ufunc, which holds it as its `obj`.
struct Storage {
    std::string name;
    std::string signature;
    std::vector<char> types;
    std::array<PyUFuncGenericFunction, 2> loops;
    std::array<LoopData, 2> loop_data;
    std::array<void*, 2> data;
};

// A ufunc to be: '.' stands for the dtype of the loop, 'q' for class codes, '>' for "gives".
struct Wanted {
    std::string name;
    std::string operands;   // such as "..>." without the parameters
    std::string signature;  // the same as core axes, for functions of rows
    StridedLoop float32, float64;
};

nb::object make_ufunc(Wanted wanted, const Bound& parameters) {
    auto s = std::make_unique<Storage>();
    s->name = std::move(wanted.name);
    const std::size_t arrow = wanted.operands.find('>');
    const std::size_t extra = static_cast<std::size_t>(parameters.operands);
    const std::string inputs = wanted.operands.substr(0, arrow) + std::string(extra, '.');
    const std::string outputs = wanted.operands.substr(arrow + 1);
    const int n = static_cast<int>(inputs.size());
    const int operands = n + static_cast<int>(outputs.size());
    const bool rows = !wanted.signature.empty();
    const bool two_lengths = wanted.signature.find("(m)") != std::string::npos;
    const int core = rows ? 1 + two_lengths : 0;
    s->loops.fill(reinterpret_cast<PyUFuncGenericFunction>(shared_loop));
    s->loop_data = {LoopData{parameters, wanted.float32, n, operands, core},
                    LoopData{parameters, wanted.float64, n, operands, core}};
    s->data = {&s->loop_data[0], &s->loop_data[1]};
    for (int dtype : {NPY_FLOAT, NPY_DOUBLE})
        for (char c : inputs + outputs)
            s->types.push_back(static_cast<char>(c == 'q' ? NPY_INT64 : dtype));
    if (rows) {
        const std::size_t gives = wanted.signature.find("->");
        s->signature = wanted.signature.substr(0, gives);
        for (std::size_t i = 0; i < extra; ++i) s->signature += ",()";
        s->signature += wanted.signature.substr(gives);
    }
    PyObject* ufunc = PyUFunc_FromFuncAndDataAndSignature(
        s->loops.data(), s->data.data(), s->types.data(), 2, n, operands - n, PyUFunc_None,
        s->name.c_str(), nullptr, 0, s->signature.empty() ? nullptr : s->signature.c_str());
    if (!ufunc) throw nb::python_error();
    nb::capsule owner(s.release(), [](void* p) noexcept { delete static_cast<Storage*>(p); });
    reinterpret_cast<PyUFuncObject*>(ufunc)->obj = owner.release().ptr();
    return nb::steal(ufunc);
}

template <class Facts>
int parameter_count(const Facts& f) {
    int n = 0;
    while (n < max_parameters && f.parameters[n].name) ++n;
    return n;
}

// The parameters as operands of the ufunc, or fixed in it where values are given.
template <class Facts>
Bound bound(const Facts& f, const std::optional<std::vector<double>>& values) {
    Bound b;
    if (!values) {
        b.operands = parameter_count(f);
    } else {
        if (int(values->size()) != parameter_count(f))
            throw nb::value_error("one value per parameter is needed");
        std::copy(values->begin(), values->end(), b.fixed);
    }
    return b;
}

const char* width_signature(Width width, bool vjp) {
    switch (width) {
        case Width::same:
            return vjp ? "(n),(n)->(n)" : "(n)->(n)";
        case Width::one:
            return vjp ? "(n),()->(n)" : "(n)->()";
        default:
            return vjp ? "(n),(m)->(n)" : "(n)->(m)";
    }
}

using Values = std::optional<std::vector<double>>;

nb::dict ufuncs_of(const ActivationRow& row, const Values& values) {
    const StridedActivation &s32 = row.strided32, &s64 = row.strided64;
    const bool rows = row.kind == Kind::rowwise;
    const Bound b = bound(row.facts, values);
    const std::string name = row.facts.name;
    nb::dict d;
    const auto add = [&](const char* key, const std::string& operands, StridedLoop f32,
                         StridedLoop f64, bool vjp) {
        const char* signature = rows ? width_signature(row.facts.width, vjp) : "";
        const std::string full = *key == 'v' && !vjp ? name : name + "_" + key;
        if (f32) d[key] = make_ufunc({full, operands, signature, f32, f64}, b);
    };
    add("value", ".>.", s32.value, s64.value, false);
    add("vjp", "..>.", s32.vjp, s64.vjp, true);
    add("derivative", ".>.", s32.slope, s64.slope, false);
    add("second_derivative", ".>.", s32.curve, s64.curve, false);
    for (int k = 0; k < max_parameters; ++k)
        add(("derivative_" + std::to_string(k)).c_str(), ".>.", s32.parameter_slope[k],
            s64.parameter_slope[k], false);
    return d;
}

nb::dict ufuncs_of(const LossRow& row, const Values& values) {
    const StridedLoss &s32 = row.strided32, &s64 = row.strided64;
    const bool rows = row.kind == Kind::rowwise;
    const Bound b = bound(row.facts, values);
    const std::string name = row.facts.name;
    nb::dict d;
    const auto add = [&](const char* key, const char* operands, const char* signature,
                         StridedLoop f32, StridedLoop f64) {
        const std::string full = std::string(key) == "value" ? name : name + "_" + key;
        if (f32) d[key] = make_ufunc({full, operands, rows ? signature : "", f32, f64}, b);
    };
    add("value", "..>.", "(n),(n)->()", s32.value, s64.value);
    add("gradient", "..>.", "(n),(n)->(n)", s32.slope, s64.slope);
    add("value_and_gradient", "..>..", "(n),(n)->(),(n)", s32.both, s64.both);
    add("second_derivative", "..>.", "", s32.curve, s64.curve);
    add("target_gradient", "..>.", "", s32.target_slope, s64.target_slope);
    add("code_value", ".q>.", "(n),()->()", s32.code_value, s64.code_value);
    add("code_gradient", ".q>.", "(n),()->(n)", s32.code_slope, s64.code_slope);
    add("code_value_and_gradient", ".q>..", "(n),()->(),(n)", s32.code_both, s64.code_both);
    return d;
}

template <class Rows>
nb::dict ufuncs_by_name(const Rows& rows, const std::string& name, const Values& values) {
    for (const auto& row : rows)
        if (row.facts.name == name) return ufuncs_of(row, values);
    throw nb::key_error(name.c_str());
}

void import_numpy() {
    if (PyArray_ImportNumPyAPI() < 0 || PyUFunc_ImportUFuncAPI() < 0) throw nb::python_error();
}

}  // namespace

void add_ufuncs(nb::module_& m) {
    import_numpy();
    m.def("activation_ufuncs", [](const std::string& name, const Values& values) {
        return ufuncs_by_name(active_table().activations, name, values);
    });
    m.def("loss_ufuncs", [](const std::string& name, const Values& values) {
        return ufuncs_by_name(active_table().losses, name, values);
    });
}

}  // namespace deltarule::bind
