// Nets as Python objects, one class per dtype: shapes are checked here once, so that the engine
// need not; the GIL is released while it works.
#include "net.hpp"

#include <nanobind/stl/pair.h>

#include "engine/layers/all.hpp"
#include "engine/step.hpp"
#include "frozen.hpp"
#include "tape.hpp"

namespace deltarule::bind {

using namespace nb::literals;

// ---- descriptions -------------------------------------------------------------------------------

namespace {

Record::Value read_value(nb::handle value) {
    if (nb::isinstance<nb::bool_>(value)) return Index(nb::cast<bool>(value) ? 1 : 0);
    if (nb::isinstance<nb::int_>(value)) return nb::cast<Index>(value);
    if (nb::isinstance<nb::float_>(value)) return nb::cast<double>(value);
    if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
    if (nb::isinstance<nb::list>(value)) return nb::cast<std::vector<double>>(value);
    const auto program = nb::cast<nb::tuple>(value);
    if (program.size() != 5) refuse("A program has five parts.");
    return read_program(program, nb::cast<int>(program[0]), nb::cast<int>(program[1]));
}

Record read_record(nb::dict fields) {
    Record record;
    for (const auto& [name, value] : fields)
        record.set(nb::cast<std::string>(name), read_value(value));
    return record;
}

Controls read_controls(nb::dict d) {
    Controls c;
    c.trained = nb::cast<bool>(d["trained"]);
    const std::pair<const char*, double*> numbers[] = {
        {"rate", &c.rate},   {"bias_rate", &c.bias_rate},       {"l1", &c.l1},
        {"l2", &c.l2},       {"largest_norm", &c.largest_norm}, {"decay", &c.decay},
        {"scale", &c.scale},
    };
    for (const auto& [name, number] : numbers) *number = nb::cast<double>(d[name]);
    return c;
}

template <class T>
std::unique_ptr<Layer<T>> make_layer(const Tools<T>& tools, const std::string& type,
                                     const Record& record) {
#define DELTARULE_MAKE(name) \
    if (type == #name) return layers::make_##name(tools, record);
    DELTARULE_LAYERS(DELTARULE_MAKE)
#undef DELTARULE_MAKE
    refuse("The engine has no layer of type '" + type + "'.");
}

template <class T>
Loss<T> read_loss(nb::dict d) {
    Loss<T> loss;
    if (d.contains("both")) {
        loss.own_value = read_program(d["value"], 2, 1);
        loss.own_value_and_slope = read_program(d["both"], 2, 2);
        return loss;
    }
    const auto name = nb::cast<std::string>(d["name"]);
    for (const kernels::LossRow& row : active_table().losses)
        if (name == row.facts.name) loss.row = &row;
    if (!loss.row) refuse("The catalogue has no row named '" + name + "'.");
    std::size_t k = 0;
    for (double value : nb::cast<std::vector<double>>(d["parameters"])) {
        if (k == std::size_t(kernels::max_parameters))
            refuse("A catalogue row has at most four parameters.");
        loss.parameters[k++] = static_cast<T>(value);
    }
    for (double level : nb::cast<std::vector<double>>(d["levels"])) {
        if (loss.targets_are_classes() || loss.rowwise() || loss.root_of_mean())
            refuse("Only element-wise losses have levels.");
        loss.levels.push_back(static_cast<T>(level));
    }
    return loss;
}

}  // namespace

template <class T>
Net<T> make_net(nb::list layers, Index inputs, nb::dict loss, Index positions) {
    const Tools<T> tools{&active_table()};
    std::vector<Node<T>> nodes;
    for (nb::handle any : layers) {
        const auto d = nb::cast<nb::dict>(any);
        Node<T> node;
        node.layer = make_layer(tools, nb::cast<std::string>(d["type"]),
                                read_record(nb::cast<nb::dict>(d["fields"])));
        node.from = nb::cast<std::vector<Index>>(d["reads"]);
        node.controls = read_controls(nb::cast<nb::dict>(d["controls"]));
        nodes.push_back(std::move(node));
    }
    if (nodes.empty() || inputs < 1) refuse("A net needs at least one input and one layer.");
    return Net<T>(tools, std::move(nodes), inputs, positions, read_loss<T>(loss));
}

// ---- parameters ---------------------------------------------------------------------------------

namespace {

std::vector<std::size_t> shape_of(const Block& block) {
    return {block.shape.begin(), block.shape.end()};
}

}  // namespace

template <class T>
nb::list arrays_of(const Net<T>& net, const T* parameters) {
    nb::list out;
    for (const Node<T>& node : net.nodes())
        for (const Block& block : node.layer->blocks())
            out.append(new_array<T>(shape_of(block), parameters + block.at));
    return out;
}

namespace {

template <class T>
nb::list describe_blocks(const Net<T>& net) {
    nb::list out;
    for (std::size_t n = 0; n < net.nodes().size(); ++n)
        for (const Block& block : net.nodes()[n].layer->blocks())
            out.append(nb::make_tuple(n, block.name, nb::tuple(nb::cast(shape_of(block))),
                                      block.trained, block.decays));
    return out;
}

std::string in_words(const std::vector<std::size_t>& shape) {
    std::string words = "(";
    for (std::size_t n : shape) words += std::to_string(n) + ", ";
    return words + ")";
}

template <class T>
void set_arrays(Net<T>& net, const std::vector<Array<const T>>& arrays) {
    std::size_t count = 0;
    for (const Node<T>& node : net.nodes()) count += node.layer->blocks().size();
    if (arrays.size() != count)
        refuse("The net has " + std::to_string(count) + " arrays of weights; met " +
               std::to_string(arrays.size()) + ".");
    std::size_t next = 0;
    for (const bool copies : {false, true}) {  // all are checked before one is taken
        next = 0;
        for (const Node<T>& node : net.nodes())
            for (const Block& block : node.layer->blocks()) {
                const Array<const T>& a = arrays[next++];
                std::vector<std::size_t> met;
                for (std::size_t i = 0; i < a.ndim(); ++i) met.push_back(a.shape(i));
                if (met != shape_of(block))
                    refuse("Array " + std::to_string(next - 1) + " of the weights ('" + block.name +
                           "') must have the shape " + in_words(shape_of(block)) + "; met " +
                           in_words(met) + ".");
                if (copies)
                    std::memcpy(net.parameters().at(block.at), a.data(), a.size() * sizeof(T));
            }
    }
}

// ---- passes -------------------------------------------------------------------------------------

template <class T>
nb::list values_of(const Net<T>& net, const Step<T>& step, Index rows) {
    nb::list out;
    for (std::size_t n = 0; n < net.nodes().size(); ++n)
        out.append(
            new_array<T>({std::size_t(rows), std::size_t(net.width(Index(n) + 1))}, step.value(n)));
    return out;
}

Mode pass_mode(bool training, bool keeps_all) {
    Mode mode;
    mode.training = training, mode.keeps_all = keeps_all, mode.momentum = 0;
    return mode;
}

// What every node computes of some rows.
template <class T>
nb::list forward(Net<T>& net, const AnyRows& rows, bool training, std::uint64_t seed,
                 std::uint64_t number) {
    const Features<T> given = features(rows, net);
    const Index n = row_count(rows);
    Step<T> step(net, n, pass_mode(training, true));
    {
        nb::gil_scoped_release nogil;
        Arena<T> x(n * net.inputs()), scratch(step.scratch_of_rows(n));
        given.copy(0, n, x.at(0));
        const Batch<T> batch{n, given, {}, nullptr};
        for (std::size_t stage = 0; stage <= step.turn(); ++stage) {
            step.run_forward(stage, batch, x.at(0), 0, n, {seed, number}, scratch.at(0));
            if (stage < step.turn()) step.settle(stage, batch);
        }
    }
    return values_of(net, step, n);
}

// The loss, its gradient, and where `keeps` what every node computes and its slope.
template <class T>
nb::tuple differentiate(Net<T>& net, const Batch<T>& batch, int threads, bool training, bool keeps,
                        std::uint64_t seed, std::uint64_t number) {
    Arena<T> gradients(net.parameters().size());
    Step<T> step(net, batch.rows, pass_mode(training, keeps));
    double loss = 0;
    checked_threads(threads);
    {
        nb::gil_scoped_release nogil;
        loss = gradient(net, step, batch, {seed, number}, gradients.at(0), threads);
    }
    nb::list values, slopes;
    if (keeps) {
        values = values_of(net, step, batch.rows);
        for (std::size_t n = 0; n < net.nodes().size(); ++n)
            slopes.append(step.slope(n) ? new_array<T>({std::size_t(batch.rows),
                                                        std::size_t(net.width(Index(n) + 1))},
                                                       step.slope(n))
                                        : nb::none());
    }
    return nb::make_tuple(loss, arrays_of(net, gradients.at(0)), values, slopes);
}

template <class T>
nb::object predict(Net<T>& net, const AnyRows& rows, int most) {
    const Features<T> given = features(rows, net);
    const Index n = row_count(rows);
    nb::object out = new_array<T>({std::size_t(n), std::size_t(net.outputs())}, nullptr);
    T* z = nb::cast<nb::ndarray<T>>(out).data();
    checked_threads(most);
    nb::gil_scoped_release nogil;
    net.predict(n, given, z, most);
    return out;
}

template <class T>
void add_net(nb::module_& m, const char* name) {
    using N = Net<T>;
    using X = AnyRows;
    using Values = std::optional<Matrix<T>>;
    using Codes = std::optional<Vector<std::int64_t>>;
    using RowWeights = std::optional<Vector<T>>;
    const auto x = nb::arg("x").noconvert();
    const auto values = nb::arg("values").noconvert().none();
    const auto codes = nb::arg("codes").noconvert().none();
    const auto weights = nb::arg("weights").noconvert().none();
    const auto threads = nb::arg("threads") = 1;

    nb::class_<N>(m, name)
        .def(
            "__init__",
            [](N* self, nb::list layers, Index inputs, nb::dict loss, Index positions) {
                new (self) N(make_net<T>(layers, inputs, loss, positions));
            },
            "layers"_a, "inputs"_a, "loss"_a, "positions"_a = 1)
        .def("blocks", &describe_blocks<T>)
        .def("weights", [](N& net) { return arrays_of(net, net.parameters().at(0)); })
        .def("set_weights", &set_arrays<T>, nb::arg("weights").noconvert())
        .def_prop_ro("work",
                     [](const N& net) {
                         std::vector<double> work;
                         for (const auto& node : net.nodes()) work.push_back(node.layer->work());
                         return work;
                     })
        .def("predict", &predict<T>, x, threads)
        .def("raw", &raw_of<T>, nb::arg("x").none(), threads)
        .def("codes", &codes_of<T>, nb::arg("x").none(), threads)
        .def(
            "loss",
            [](N& net, X rows, Values v, Codes c, RowWeights w, int most) {
                const Data<T> data{rows, v, c, w};
                const Batch<T> batch = data.batch(net);
                checked_threads(most);
                nb::gil_scoped_release nogil;
                return net.mean_loss(batch, most);
            },
            x, values, codes, weights, threads)
        .def("forward", &forward<T>, x, "training"_a = false, "seed"_a = 0, "step"_a = 0)
        .def(
            "gradient",
            [](N& net, X rows, Values v, Codes c, RowWeights w, int most, bool training, bool keeps,
               std::uint64_t seed, std::uint64_t step) {
                const Data<T> data{rows, v, c, w};
                return differentiate(net, data.batch(net), most, training, keeps, seed, step);
            },
            x, values, codes, weights, threads, "training"_a = true, "keep"_a = false, "seed"_a = 0,
            "step"_a = 0);
}

}  // namespace

void add_nets(nb::module_& m) {
    nb::class_<Csr>(m, "Csr").def(nb::init<const Vector<std::int64_t>&, const Vector<std::int32_t>&,
                                           const Numbers<1>&, Index>(),
                                  nb::arg("starts").noconvert(), nb::arg("columns").noconvert(),
                                  nb::arg("values").noconvert(), "width"_a);
    add_net<float>(m, "Net32");
    add_net<double>(m, "Net64");
}

template Net<float> make_net(nb::list, Index, nb::dict, Index);
template Net<double> make_net(nb::list, Index, nb::dict, Index);
template nb::list arrays_of(const Net<float>&, const float*);
template nb::list arrays_of(const Net<double>&, const double*);

}  // namespace deltarule::bind
