// Nets and trainers as Python objects, one pair per dtype.
//
// Array arguments are strict (no silent copies); shapes are checked here once, so that the engine
// need not; the GIL is released while it works.
#include "frozen.hpp"
#include "tape.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>
#include <string>

#include "engine/trainer.hpp"

namespace deltarule::bind {
namespace {

using namespace engine;
using namespace nb::literals;

template <class T, class... Config>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu, Config...>;
template <class T>
using Matrix = Array<const T, nb::ndim<2>>;
template <class T>
using Vector = Array<const T, nb::ndim<1>>;

[[noreturn]] void refuse(const std::string& sentence) { throw nb::value_error(sentence.c_str()); }

// ---- descriptions -------------------------------------------------------------------------------

template <class Row>
const Row* find_row(const kernels::Catalogue<Row>& rows, const std::string& name) {
    for (const Row& row : rows)
        if (name == row.facts.name) return &row;
    refuse("The catalogue has no row named '" + name + "'.");
}

template <class T>
void read_parameters(nb::handle values, T (&out)[kernels::max_parameters]) {
    int k = 0;
    for (nb::handle value : nb::cast<nb::list>(values)) {
        if (k == kernels::max_parameters) refuse("A catalogue row has at most four parameters.");
        out[k++] = static_cast<T>(nb::cast<double>(value));
    }
}

// ("uniform" or "normal", share of fan_in, share of fan_out)
Initialiser read_initialiser(nb::handle record) {
    const auto t = nb::cast<nb::tuple>(record);
    const bool normal = nb::cast<std::string>(t[0]) == "normal";
    return {nb::cast<double>(t[1]), nb::cast<double>(t[2]),
            normal ? Distribution::normal : Distribution::uniform};
}

// {"value": program, "both": program} for a formula, else {"name": ..., "parameters": ...}
template <class T>
Loss<T> read_loss(nb::dict d) {
    Loss<T> loss;
    if (d.contains("both")) {
        loss.own_value = read_program(d["value"], 2, 1);
        loss.own_value_and_slope = read_program(d["both"], 2, 2);
    } else {
        loss.row = find_row(active_table().losses, nb::cast<std::string>(d["name"]));
        read_parameters(d["parameters"], loss.parameters);
    }
    return loss;
}

template <class T>
Net<T> make_net(nb::list layers, Index inputs, nb::dict loss) {
    const kernels::Table& table = active_table();
    std::vector<Layer<T>> stack;
    Index width = inputs;
    for (nb::handle record : layers) {
        const auto d = nb::cast<nb::dict>(record);
        const auto type = nb::cast<std::string>(d["type"]);
        if (type == "dense") {
            const auto units = nb::cast<Index>(d["units"]);
            if (units < 1 || width < 1) refuse("A dense layer has inputs and units.");
            stack.push_back(Dense<T>{width, units, read_initialiser(d["init"])});
            width = units;
        } else if (type == "activation") {
            const auto name = nb::cast<std::string>(d["name"]);
            const kernels::ActivationRow* row = find_row(table.activations, name);
            if (row->facts.width != kernels::Width::same)
                refuse("The activation '" + name +
                       "' changes the width of its row; it is no layer.");
            if (row->facts.trainable) {
                Trainable<T> layer{row, width};
                read_parameters(d["parameters"], layer.initial);
                layer.count = static_cast<Index>(nb::cast<nb::list>(d["parameters"]).size());
                stack.push_back(layer);
            } else {
                Activation<T> layer{row, width};
                read_parameters(d["parameters"], layer.parameters);
                stack.push_back(layer);
            }
        } else if (type == "custom_activation") {
            stack.push_back(CustomActivation<T>{read_program(d["value"], 1, 1),
                                                read_program(d["pullback"], 3, 1), width});
        } else {
            refuse("The engine has no layer of type '" + type + "'.");
        }
    }
    if (stack.empty()) refuse("A net needs at least one layer.");
    return Net<T>({&table}, std::move(stack), inputs, width, read_loss<T>(loss));
}

// ---- data ---------------------------------------------------------------------------------------

// Features in the dtype of the net, or in float64 for a net of float32.
using AnyMatrix = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu, nb::ndim<2>>;

template <class T>
Features<T> features(const AnyMatrix& x, const Net<T>& net) {
    if (static_cast<Index>(x.shape(1)) != net.inputs())
        refuse("X has " + std::to_string(x.shape(1)) + " columns; the net has " +
               std::to_string(net.inputs()) + " inputs.");
    if (x.dtype() == nb::dtype<T>()) return {static_cast<const T*>(x.data()), nullptr};
    if (x.dtype() == nb::dtype<double>()) return {nullptr, static_cast<const double*>(x.data())};
    throw nb::type_error("X must be of the dtype of the net, or float64.");
}

// A batch and the arrays that keep it alive.
template <class T>
struct Data {
    AnyMatrix x;
    std::optional<Matrix<T>> values;
    std::optional<Vector<std::int64_t>> codes;
    std::optional<Vector<T>> weights;

    Batch<T> batch(const Net<T>& net) const {
        const auto rows = static_cast<Index>(x.shape(0)), outputs = net.outputs();
        const Features<T> given = features(x, net);
        if (rows == 0) refuse("X has no rows.");
        if (values.has_value() == codes.has_value())
            refuse("Targets are needed once: as values or as class codes.");
        if (codes && !net.loss().targets_are_classes())
            refuse("This loss needs target values, not codes.");
        if (values && (static_cast<Index>(values->shape(0)) != rows ||
                       static_cast<Index>(values->shape(1)) != outputs))
            refuse("The targets must be rows x outputs of the net.");
        if (codes) check_codes(rows, outputs);
        if (weights && static_cast<Index>(weights->shape(0)) != rows)
            refuse("There must be one weight per row.");
        return {rows,
                given,
                {values ? values->data() : nullptr, codes ? codes->data() : nullptr},
                weights ? weights->data() : nullptr};
    }

private:
    void check_codes(Index rows, Index outputs) const {
        if (static_cast<Index>(codes->shape(0)) != rows) refuse("There must be one code per row.");
        for (Index i = 0; i < rows; ++i)
            if (codes->data()[i] < 0 || codes->data()[i] >= outputs)
                refuse("Class code " + std::to_string(codes->data()[i]) + " is outside 0 ... " +
                       std::to_string(outputs - 1) + ".");
    }
};

template <class T>
nb::object new_array(std::vector<std::size_t> shape, const T* from) {
    std::size_t size = 1;
    for (std::size_t n : shape) size *= n;
    T* data = new T[size];
    nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
    if (from) std::memcpy(data, from, size * sizeof(T));
    return nb::cast(nb::ndarray<nb::numpy, T>(data, shape.size(), shape.data(), owner));
}

// [(W, b), ...] of a block laid out like the parameters.
template <class T>
nb::list arrays(const Net<T>& net, const T* block) {
    nb::list out;
    for (const auto& layer : net.layers())
        if (const auto* dense = std::get_if<Dense<T>>(&layer)) {
            const auto i = static_cast<std::size_t>(dense->inputs);
            const auto u = static_cast<std::size_t>(dense->units);
            out.append(nb::make_tuple(new_array<T>({i, u}, block + dense->weights),
                                      new_array<T>({u}, block + dense->bias)));
        }
    return out;
}

// The parameters of the activations that learn, of a block laid out like those of the net.
template <class T>
nb::list learned(const Net<T>& net, const T* block) {
    nb::list out;
    for (const auto& layer : net.layers())
        if (const auto* learning = std::get_if<Trainable<T>>(&layer))
            out.append(new_array<T>({static_cast<std::size_t>(learning->count)},
                                    block + learning->parameters));
    return out;
}

template <class T>
void set_arrays(Net<T>& net, const std::vector<std::pair<Matrix<T>, Vector<T>>>& weights) {
    std::size_t next = 0;
    for (const auto& layer : net.layers()) {
        const auto* dense = std::get_if<Dense<T>>(&layer);
        if (!dense) continue;
        const auto inputs = static_cast<std::size_t>(dense->inputs);
        const auto units = static_cast<std::size_t>(dense->units);
        if (next == weights.size()) refuse("There are fewer weights than dense layers.");
        const auto& [w, b] = weights[next++];
        if (w.shape(0) != inputs || w.shape(1) != units || b.shape(0) != units)
            refuse("Weights " + std::to_string(next - 1) + " must have the shapes (" +
                   std::to_string(inputs) + ", " + std::to_string(units) + ") and (" +
                   std::to_string(units) + ",).");
        std::memcpy(net.parameters().at(dense->weights), w.data(), inputs * units * sizeof(T));
        std::memcpy(net.parameters().at(dense->bias), b.data(), units * sizeof(T));
    }
    if (next != weights.size()) refuse("There are more weights than dense layers.");
}

// ---- Python classes -----------------------------------------------------------------------------

using Rows = std::optional<Vector<std::uint32_t>>;

template <class T>
struct PyTrainer {
    PyTrainer(Net<T>& net, Data<T> d, const Rows& rows, const TrainerSettings& settings)
        : data(std::move(d)),
          trainer(net, data.batch(net), rows ? checked(*rows) : nullptr,
                  rows ? static_cast<Index>(rows->shape(0)) : 0, settings) {}
    const std::uint32_t* checked(const Vector<std::uint32_t>& rows) const {
        if (rows.shape(0) == 0) refuse("There are no rows to learn from.");
        for (std::size_t i = 0; i < rows.shape(0); ++i)
            if (rows.data()[i] >= data.x.shape(0)) refuse("A row to learn from is not in X.");
        return rows.data();
    }
    Data<T> data;
    Trainer<T> trainer;
};

int checked_threads(int threads) {
    if (threads < 1) refuse("There must be at least one thread.");
    return threads;
}

TrainerSettings read_settings(nb::dict d) {
    TrainerSettings s;
    s.batch_size = nb::cast<Index>(d["batch_size"]);
    if (s.batch_size < 1) refuse("A batch has at least one row.");
    s.seed = nb::cast<std::uint64_t>(d["seed"]);
    s.shuffle = nb::cast<bool>(d["shuffle"]);
    s.l2 = nb::cast<double>(d["l2"]);
    s.threads = checked_threads(nb::cast<int>(d["threads"]));
    OptimizerSettings& o = s.optimizer;
    const auto rule = nb::cast<std::string>(d["solver"]);
    if (rule != "sgd" && rule != "adam") refuse("The engine has no solver '" + rule + "'.");
    o.rule = rule == "sgd" ? Rule::sgd : Rule::adam;
    o.learning_rate = nb::cast<double>(d["learning_rate"]);
    o.momentum = nb::cast<double>(d["momentum"]);
    o.nesterov = nb::cast<bool>(d["nesterov"]);
    o.beta_1 = nb::cast<double>(d["beta_1"]);
    o.beta_2 = nb::cast<double>(d["beta_2"]);
    o.epsilon = nb::cast<double>(d["epsilon"]);
    return s;
}

template <class T>
nb::tuple loss_and_gradient(Net<T>& net, const Batch<T>& batch, int threads) {
    Arena<T> gradients(net.parameters().size());
    double loss = 0;
    {
        nb::gil_scoped_release nogil;
        loss = gradient(net, batch, gradients.at(0), checked_threads(threads));
    }
    return nb::make_tuple(loss, arrays(net, gradients.at(0)), learned(net, gradients.at(0)));
}

template <class T>
void add_classes(nb::module_& m, const char* net_name, const char* trainer_name) {
    using N = Net<T>;
    using X = AnyMatrix;
    using Values = std::optional<Matrix<T>>;
    using Codes = std::optional<Vector<std::int64_t>>;
    using Weights = std::optional<Vector<T>>;
    const auto x = nb::arg("x").noconvert();
    const auto values = nb::arg("values").noconvert().none();
    const auto codes = nb::arg("codes").noconvert().none();
    const auto weights = nb::arg("weights").noconvert().none();
    const auto threads = nb::arg("threads") = 1;

    nb::class_<N>(m, net_name)
        .def("__init__", [](N* self, nb::list layers, Index inputs,
                            nb::dict loss) { new (self) N(make_net<T>(layers, inputs, loss)); })
        .def("initialise", &N::initialise, "seed"_a)
        .def("weights", [](N& net) { return arrays(net, net.parameters().at(0)); })
        .def("learned", [](N& net) { return learned(net, net.parameters().at(0)); })
        .def("set_weights", &set_arrays<T>, nb::arg("weights").noconvert())
        .def(
            "predict",
            [](N& net, X rows, int most) {
                const Features<T> given = features(rows, net);
                const std::size_t n = rows.shape(0), k = static_cast<std::size_t>(net.outputs());
                nb::object out = new_array<T>({n, k}, nullptr);
                T* z = nb::cast<nb::ndarray<T>>(out).data();
                {
                    nb::gil_scoped_release nogil;
                    net.predict(static_cast<Index>(n), given, z, checked_threads(most));
                }
                return out;
            },
            x, threads)
        .def("raw", &raw_of<T>, nb::arg("x").none(), threads)
        .def("codes", &codes_of<T>, nb::arg("x").none(), threads)
        .def(
            "loss",
            [](N& net, X rows, Values v, Codes c, Weights w, int most) {
                const Data<T> data{rows, v, c, w};
                const Batch<T> batch = data.batch(net);
                nb::gil_scoped_release nogil;
                return net.mean_loss(batch, checked_threads(most));
            },
            x, values, codes, weights, threads)
        .def(
            "gradient",
            [](N& net, X rows, Values v, Codes c, Weights w, int most) {
                const Data<T> data{rows, v, c, w};
                return loss_and_gradient(net, data.batch(net), most);
            },
            x, values, codes, weights, threads);

    nb::class_<PyTrainer<T>>(m, trainer_name)
        .def(
            "__init__",
            [](PyTrainer<T>* self, N& net, X all, Values v, Codes c, Weights w, nb::dict settings,
               Rows rows) {
                new (self) PyTrainer<T>(net, {all, v, c, w}, rows, read_settings(settings));
            },
            nb::arg("net"), x, values, codes, weights, nb::arg("settings"),
            nb::arg("rows").noconvert() = nb::none(), nb::keep_alive<1, 2>())
        .def("epoch",
             [](PyTrainer<T>& self) {
                 nb::gil_scoped_release nogil;
                 return self.trainer.epoch();
             })
        .def_prop_ro("threads", [](PyTrainer<T>& self) { return self.trainer.threads(); });
}

// The engine's backward pass through one activation, for the test that what a slope is said not to
// read is not read.
template <class T>
nb::object activation_vjp(const std::string& name, Matrix<T> x, Matrix<T> y, Matrix<T> g,
                          nb::list parameters) {
    const kernels::Table& table = active_table();
    const auto* row = find_row(table.activations, name);
    if (x.size() != g.size() || y.size() != g.size()) refuse("x, y and g must have one shape.");
    T a[kernels::max_parameters] = {};
    read_parameters(parameters, a);
    nb::object out = new_array<T>({g.shape(0), g.shape(1)}, nullptr);
    row->template loops<T>().vjp(static_cast<Index>(g.shape(0)), static_cast<Index>(g.shape(1)),
                                 x.data(), y.data(), g.data(), nb::cast<nb::ndarray<T>>(out).data(),
                                 a);
    return out;
}

}  // namespace

void add_training(nb::module_& m) {
    const auto x = nb::arg("x").noconvert(), y = nb::arg("y").noconvert();
    const auto g = nb::arg("g").noconvert();
    m.def("activation_vjp", &activation_vjp<float>, "name"_a, x, y, g, "parameters"_a);
    m.def("activation_vjp", &activation_vjp<double>, "name"_a, x, y, g, "parameters"_a);
    m.def(
        "philox",
        [](std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
            const auto bits = philox(seed, stream, index);
            return nb::make_tuple(bits[0], bits[1]);
        },
        "seed"_a, "stream"_a, "index"_a);
    m.def("thread_count", &thread_count);
    add_classes<float>(m, "Net32", "Trainer32");
    add_classes<double>(m, "Net64", "Trainer64");
}

}  // namespace deltarule::bind
