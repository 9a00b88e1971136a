// Formulas of users as NumPy ufuncs.
#define PY_ARRAY_UNIQUE_SYMBOL deltarule_array_api
#define PY_UFUNC_UNIQUE_SYMBOL deltarule_ufunc_api
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#include "tape.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "parallel_loop.hpp"

namespace deltarule::bind {
namespace {

using namespace kernels;

[[noreturn]] void refuse(const std::string& sentence) { throw nb::value_error(sentence.c_str()); }

std::uint16_t slot(nb::handle number, int first, int count) {
    const auto value = nb::cast<int>(number);
    if (value < first || value >= count)
        refuse("A program refers to slot " + std::to_string(value) + ", which it does not have.");
    return static_cast<std::uint16_t>(value);
}

TapeInstruction read_instruction(nb::handle description, int inputs, int slots) {
    const Tapes& tapes = active_table().tapes;
    const auto parts = nb::cast<nb::tuple>(description);
    const auto name = nb::cast<std::string>(parts[0]);
    TapeInstruction out{};
    while (out.operation < tapes.count && name != tapes.operations[out.operation].name)
        ++out.operation;
    if (out.operation == tapes.count) refuse("The tape has no operation '" + name + "'.");
    const auto in = nb::cast<nb::tuple>(parts[2]);
    if (static_cast<int>(in.size()) != tapes.operations[out.operation].operands)
        refuse("The operation '" + name + "' has another number of operands.");
    out.out = slot(parts[1], inputs, slots);
    for (std::size_t k = 0; k < static_cast<std::size_t>(max_tape_operands); ++k)
        out.in[k] = slot(in[k < in.size() ? k : 0], 0, slots);
    return out;
}

}  // namespace

engine::TapeProgram read_program(nb::handle description, int inputs, int outputs) {
    const auto parts = nb::cast<nb::tuple>(description);
    if (parts.size() != 5) refuse("A program has five parts.");
    engine::TapeProgram p;
    p.inputs = nb::cast<int>(parts[0]), p.outputs = nb::cast<int>(parts[1]);
    p.constants = nb::cast<std::vector<double>>(parts[2]);
    p.registers = nb::cast<int>(parts[3]);
    const int first_constant = p.inputs + p.outputs;
    const int slots = p.tape().slots();
    if (p.inputs != inputs || p.outputs != outputs || p.registers < 0 || slots > max_tape_slots ||
        p.constants.size() > static_cast<std::size_t>(max_tape_slots))
        refuse("The program has inputs, outputs or registers that do not fit its use.");
    for (nb::handle step : nb::cast<nb::list>(parts[4])) {
        const TapeInstruction i = read_instruction(step, p.inputs, slots);
        if (i.out >= first_constant && i.out < slots - p.registers)
            refuse("A program writes to a constant.");
        p.code.push_back(i);
    }
    return p;
}

namespace {

// What NumPy keeps pointers into; lives as long as the ufunc, which holds it as its `obj`.
struct Storage {
    engine::TapeProgram program;
    Tape tape;
    std::string name;
    std::vector<char> types;
    std::array<PyUFuncGenericFunction, 2> loops;
    std::array<void*, 2> data;
};

template <class T>
void loop(char** args, const Index* dims, const Index* steps, void* data) {
    Tape& tape = *static_cast<Tape*>(data);
    in_parts(args, dims[0], steps, Operands{tape.inputs, tape.inputs + tape.outputs},
             [&](char** at, Index n) {
                 active_table().tapes.template loops<T>().strided(at, &n, steps, &tape);
             });
}

nb::object make_ufunc(const std::string& name, nb::handle program, int inputs, int outputs) {
    if (inputs < 1 || inputs > max_tape_inputs || outputs < 1 || outputs > max_tape_outputs)
        refuse("A ufunc of a formula has one to three inputs and outputs.");
    auto s = std::make_unique<Storage>();
    s->program = read_program(program, inputs, outputs);
    s->tape = s->program.tape();
    s->name = name;
    const auto operands = static_cast<std::size_t>(inputs + outputs);
    s->types.assign(operands, NPY_FLOAT);
    s->types.insert(s->types.end(), operands, NPY_DOUBLE);
    s->loops = {reinterpret_cast<PyUFuncGenericFunction>(loop<float>),
                reinterpret_cast<PyUFuncGenericFunction>(loop<double>)};
    s->data.fill(&s->tape);
    PyObject* ufunc =
        PyUFunc_FromFuncAndData(s->loops.data(), s->data.data(), s->types.data(), 2, inputs,
                                outputs, PyUFunc_None, s->name.c_str(), nullptr, 0);
    if (!ufunc) throw nb::python_error();
    nb::capsule owner(s.release(), [](void* p) noexcept { delete static_cast<Storage*>(p); });
    reinterpret_cast<PyUFuncObject*>(ufunc)->obj = owner.release().ptr();
    return nb::steal(ufunc);
}

}  // namespace

void add_tapes(nb::module_& m) {
    m.def("tape_operations", [] {
        nb::dict out;
        const Tapes& tapes = active_table().tapes;
        for (int i = 0; i < tapes.count; ++i)
            out[tapes.operations[i].name] = tapes.operations[i].operands;
        return out;
    });
    m.def("tape_ufunc", &make_ufunc, nb::arg("name"), nb::arg("program"), nb::arg("inputs"),
          nb::arg("outputs"));
}

}  // namespace deltarule::bind
