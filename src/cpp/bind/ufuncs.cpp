// Every function of the catalogue as NumPy ufuncs, made from the table.
#define PY_ARRAY_UNIQUE_SYMBOL deltarule_array_api
#define PY_UFUNC_UNIQUE_SYMBOL deltarule_ufunc_api
#include "bind.hpp"

#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace deltarule::bind {
namespace {

using namespace kernels;

// What NumPy keeps pointers into for as long as the ufunc lives, which is as long as the process.
struct Storage {
    std::string name;
    std::string signature;
    std::vector<char> types;
    std::array<PyUFuncGenericFunction, 2> loops;
    std::array<void*, 2> data;
    int parameters;
};

std::vector<std::unique_ptr<Storage>>& storages() {
    static auto* all = new std::vector<std::unique_ptr<Storage>>;  // never destroyed: see above
    return *all;
}

// '.' stands for the dtype of the loop, 'q' for class codes.
nb::object make_ufunc(std::string name, const std::string& operands, const std::string& signature,
                      StridedLoop float32, StridedLoop float64, int parameters) {
    storages().push_back(std::make_unique<Storage>());
    Storage& s = *storages().back();
    s.name = std::move(name);
    s.signature = signature;
    s.parameters = parameters;
    s.loops = {reinterpret_cast<PyUFuncGenericFunction>(float32),
               reinterpret_cast<PyUFuncGenericFunction>(float64)};
    s.data = {&s.parameters, &s.parameters};
    for (int dtype : {NPY_FLOAT, NPY_DOUBLE})
        for (char c : operands) s.types.push_back(static_cast<char>(c == 'q' ? NPY_INT64 : dtype));
    const int inputs = static_cast<int>(operands.size()) - 1;
    PyObject* ufunc = PyUFunc_FromFuncAndDataAndSignature(
        s.loops.data(), s.data.data(), s.types.data(), 2, inputs, 1, PyUFunc_None, s.name.c_str(),
        nullptr, 0, signature.empty() ? nullptr : s.signature.c_str());
    if (!ufunc) throw nb::python_error();
    return nb::steal(ufunc);
}

template <class Facts>
int parameter_count(const Facts& f) {
    int n = 0;
    while (n < max_parameters && f.parameters[n].name) ++n;
    return n;
}

std::string repeat(const std::string& s, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += s;
    return out;
}

nb::dict activation_ufuncs() {
    nb::dict out;
    for (const ActivationRow& row : active_table().activations) {
        const auto& s32 = row.strided32;
        const auto& s64 = row.strided64;
        const std::string name = row.facts.name;
        const int p = parameter_count(row.facts);
        const std::string dots(static_cast<std::size_t>(p), '.');
        const bool rows = row.kind == Kind::rowwise;
        const std::string scalars = repeat(",()", p);
        nb::dict d;
        d["value"] = make_ufunc(name, "." + dots + ".", rows ? "(n)" + scalars + "->(n)" : "",
                                s32.value, s64.value, p);
        d["vjp"] = make_ufunc(name + "_vjp", ".." + dots + ".",
                              rows ? "(n),(n)" + scalars + "->(n)" : "", s32.vjp, s64.vjp, p);
        if (s32.slope)
            d["derivative"] =
                make_ufunc(name + "_derivative", "." + dots + ".", "", s32.slope, s64.slope, p);
        out[row.facts.name] = d;
    }
    return out;
}

nb::dict loss_ufuncs() {
    nb::dict out;
    for (const LossRow& row : active_table().losses) {
        const auto& s32 = row.strided32;
        const auto& s64 = row.strided64;
        const std::string name = row.facts.name;
        const int p = parameter_count(row.facts);
        const std::string dots(static_cast<std::size_t>(p), '.'), scalars = repeat(",()", p);
        const bool rows = row.kind == Kind::rowwise;
        nb::dict d;
        d["value"] = make_ufunc(name, ".." + dots + ".", rows ? "(n),(n)" + scalars + "->()" : "",
                                s32.value, s64.value, p);
        d["gradient"] =
            make_ufunc(name + "_gradient", ".." + dots + ".",
                       rows ? "(n),(n)" + scalars + "->(n)" : "", s32.slope, s64.slope, p);
        if (s32.code_value) {
            d["code_value"] =
                make_ufunc(name + "_of_codes", ".q" + dots + ".", "(n),()" + scalars + "->()",
                           s32.code_value, s64.code_value, p);
            d["code_gradient"] =
                make_ufunc(name + "_gradient_of_codes", ".q" + dots + ".",
                           "(n),()" + scalars + "->(n)", s32.code_slope, s64.code_slope, p);
        }
        out[row.facts.name] = d;
    }
    return out;
}

void import_numpy() {
    if (PyArray_ImportNumPyAPI() < 0 || PyUFunc_ImportUFuncAPI() < 0) throw nb::python_error();
}

}  // namespace

void add_ufuncs(nb::module_& m) {
    import_numpy();
    m.attr("activation_ufuncs") = activation_ufuncs();
    m.attr("loss_ufuncs") = loss_ufuncs();
}

}  // namespace deltarule::bind
