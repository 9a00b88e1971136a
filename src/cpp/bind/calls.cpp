// An object whose call is that of another one: for small arrays, the Python function between an
// activation and its ufunc cost more than the ufunc.
#include "bind.hpp"

namespace deltarule::bind {
namespace {

struct Caller {
    nb::object target;
};

// f(...) = target(...).  The first call asks `_make_target()` for it, a TypeError is handed to
// `_explain_call(error, *args)` for the one to raise.
PyObject* call(PyObject* self, PyObject* args, PyObject* kwargs) {
    auto* caller = nb::inst_ptr<Caller>(self);
    if (!caller->target.is_valid()) {
        PyObject* made = PyObject_CallMethod(self, "_make_target", nullptr);
        if (!made) return nullptr;
        caller->target = nb::steal(made);
    }
    PyObject* result = PyObject_Call(caller->target.ptr(), args, kwargs);
    if (result || !PyErr_ExceptionMatches(PyExc_TypeError)) return result;
    try {
        const nb::python_error error;
        const nb::object explained =
            nb::handle(self).attr("_explain_call")(error.value(), *nb::borrow<nb::tuple>(args));
        PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(explained.ptr())), explained.ptr());
    } catch (nb::python_error& e) {
        e.restore();
    }
    return nullptr;
}

// The garbage collector looks through the target.
int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    if (nb::inst_ready(self)) {
        nb::handle target = nb::inst_ptr<Caller>(self)->target;
        Py_VISIT(target.ptr());
    }
    return 0;
}
int clear(PyObject* self) {
    nb::inst_ptr<Caller>(self)->target.reset();
    return 0;
}

PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(call)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear)},
                       {0, nullptr}};

}  // namespace

void add_calls(nb::module_& m) {
    nb::class_<Caller>(m, "Caller", nb::type_slots(slots)).def(nb::init<>());
}

}  // namespace deltarule::bind
