// Trainers as Python objects, one class per dtype.
#include <nanobind/stl/map.h>
#include <nanobind/stl/tuple.h>

#include "arrays.hpp"
#include "engine/layers/rows_of_catalogue.hpp"
#include "engine/random.hpp"
#include "engine/trainer.hpp"

namespace deltarule::bind {
namespace {

using namespace nb::literals;

// For every node four numbers and a count, as VitalsSettings has them.
VitalsSettings read_vitals(nb::object every, nb::object nodes) {
    VitalsSettings s;
    s.every = nb::cast<Index>(every);
    if (s.every < 0) refuse("Of so many batches one is watched: a number >= 0.");
    for (nb::handle h : nodes) {
        const auto [a, b, c, d, units] =
            nb::cast<std::tuple<double, double, double, double, Index>>(h);
        s.nodes.push_back({a, b, c, d, units});
    }
    return s;
}

TrainerSettings read_settings(nb::dict d) {
    TrainerSettings s;
    s.batch_size = nb::cast<Index>(d["batch_size"]);
    if (s.batch_size < 1) refuse("A batch has at least one row.");
    s.seed = nb::cast<std::uint64_t>(d["seed"]);
    s.shuffle = nb::cast<bool>(d["shuffle"]);
    s.l2 = nb::cast<double>(d["l2"]);
    s.threads = checked_threads(nb::cast<int>(d["threads"]));
    s.largest_slope = nb::cast<double>(d["grad_clip_value"]);
    s.largest_norm = nb::cast<double>(d["grad_clip_norm"]);
    s.accumulate = nb::cast<Index>(d["accumulate"]);
    if (s.accumulate < 1) refuse("A step is made of at least one batch.");
    s.average_decay = nb::cast<double>(d["average_decay"]);
    s.average_from = nb::cast<Index>(d["average_from"]);
    s.drop_last = nb::cast<bool>(d["drop_last"]);
    s.vitals = read_vitals(d["vitals_every"], d["responsive"]);
    OptimizerSettings& o = s.optimizer;
    o.rule = &rule_of(nb::cast<std::string>(d["solver"]));
    o.learning_rate = nb::cast<double>(d["learning_rate"]);
    o.momentum = nb::cast<double>(d["momentum"]);
    o.nesterov = nb::cast<bool>(d["nesterov"]);
    o.beta_1 = nb::cast<double>(d["beta_1"]);
    o.beta_2 = nb::cast<double>(d["beta_2"]);
    o.epsilon = nb::cast<double>(d["epsilon"]);
    o.rho = nb::cast<double>(d["rho"]);
    return s;
}

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
            if (Index(rows.data()[i]) >= row_count(data.x))
                refuse("A row to learn from is not in X.");
        return rows.data();
    }
    Data<T> data;
    Trainer<T> trainer;
};

// ---- to be continued ----------------------------------------------------------------------------

template <class T>
nb::object copy_of(Arena<T>& numbers) {
    return new_array<T>({static_cast<std::size_t>(numbers.size())}, numbers.at(0));
}

template <class T>
nb::dict state_of(PyTrainer<T>& self) {
    const Progress p = self.trainer.progress();
    nb::dict d;
    d["first"] = copy_of(self.trainer.optimizer().first());
    d["second"] = copy_of(self.trainer.optimizer().second());
    d["average"] = copy_of(self.trainer.average());
    d["epochs"] = p.epochs, d["batches"] = p.batches, d["averaged"] = p.averaged;
    d["steps"] = p.steps;
    return d;
}

template <class T>
void set_state(PyTrainer<T>& self, nb::dict d) {
    Trainer<T>& t = self.trainer;
    const std::pair<const char*, Arena<T>*> arrays[] = {{"first", &t.optimizer().first()},
                                                        {"second", &t.optimizer().second()},
                                                        {"average", &t.average()}};
    for (const bool copies : {false, true})
        for (const auto& [name, arena] : arrays) {
            const auto given = nb::cast<Vector<T>>(d[name], false);
            if (static_cast<Index>(given.size()) != arena->size())
                refuse(std::string("The state '") + name + "' belongs to another network.");
            if (copies && given.size())
                std::memcpy(arena->at(0), given.data(), given.size() * sizeof(T));
        }
    Progress p;
    p.epochs = nb::cast<std::uint64_t>(d["epochs"]);
    p.batches = nb::cast<std::uint64_t>(d["batches"]);
    p.averaged = nb::cast<std::uint64_t>(d["averaged"]);
    p.steps = nb::cast<Index>(d["steps"]);
    t.set_progress(p);
}

template <class T>
void add_trainer(nb::module_& m, const char* name) {
    using Self = PyTrainer<T>;
    nb::class_<Self>(m, name)
        .def(
            "__init__",
            [](Self* self, Net<T>& net, AnyRows x, std::optional<Matrix<T>> v,
               std::optional<Vector<std::int64_t>> c, std::optional<Vector<T>> w, nb::dict settings,
               Rows rows) { new (self) Self(net, {x, v, c, w}, rows, read_settings(settings)); },
            nb::arg("net"), nb::arg("x").noconvert(), nb::arg("values").noconvert().none(),
            nb::arg("codes").noconvert().none(), nb::arg("weights").noconvert().none(),
            nb::arg("settings"), nb::arg("rows").noconvert() = nb::none(), nb::keep_alive<1, 2>())
        .def(
            "epoch",
            [](Self& self, const std::vector<double>& rates, const std::vector<double>& decays,
               const std::vector<double>& dropouts) {
                for (const auto* numbers : {&rates, &decays, &dropouts})
                    if (!numbers->empty() && Index(numbers->size()) != self.trainer.batches())
                        refuse("A course has one number per batch of the epoch.");
                nb::gil_scoped_release nogil;
                return self.trainer.epoch({rates, decays, dropouts});
            },
            "rates"_a = std::vector<double>(), "decays"_a = std::vector<double>(),
            "dropouts"_a = std::vector<double>())
        .def("renew_statistics",
             [](Self& self) {
                 nb::gil_scoped_release nogil;
                 self.trainer.renew_statistics();
             })
        .def("exchange_averages", [](Self& self) { self.trainer.exchange_averages(); })
        .def("set_learning_rate",
             [](Self& self, double rate) { self.trainer.set_learning_rate(rate); })
        .def("state", &state_of<T>)
        .def("set_state", &set_state<T>)
        .def_prop_ro("culprit",
                     [](Self& self) {
                         return nb::make_tuple(self.trainer.culprit(), self.trainer.last_culprit());
                     })
        .def_prop_ro("vitals",
                     [](Self& self) -> nb::object {
                         const std::vector<float>& v = self.trainer.vitals();
                         if (v.empty()) return nb::none();
                         constexpr std::size_t columns =
                             Vitals<float>::numbers + Vitals<float>::quantiles;
                         return new_array<float>({v.size() / columns, columns}, v.data());
                     })
        .def_prop_ro("clipped", [](Self& self) { return self.trainer.clipped(); })
        .def_prop_ro("learning_rate",
                     [](Self& self) { return self.trainer.optimizer().learning_rate(); })
        .def_prop_ro("batches", [](Self& self) { return self.trainer.batches(); })
        .def_prop_ro("averages", [](Self& self) { return self.trainer.averages(); })
        .def_prop_ro("threads", [](Self& self) { return self.trainer.threads(); });
    m.def(
        "bytes_of_training",
        [](Net<T>& net, Index rows, bool codes, bool weighted, nb::dict settings) {
            return bytes_of_training(net, rows, codes, weighted, read_settings(settings));
        },
        "net"_a, "rows"_a, "codes"_a, "weighted"_a, "settings"_a);
}

// ---- random numbers -----------------------------------------------------------------------------

// Numbers that follow from seed, stream and their place: "uniform" in (-1, 1) or standard "normal".
nb::object draw(const std::string& kind, Index count, std::uint64_t seed, std::uint64_t stream) {
    const std::uint64_t all = static_cast<std::uint64_t>(Stream::initialisation) | stream;
    nb::object out = new_array<double>({static_cast<std::size_t>(count)}, nullptr);
    double* to = nb::cast<nb::ndarray<double>>(out).data();
    std::array<std::uint64_t, 2> bits{};
    for (Index i = 0; i < count; ++i) {
        const auto at = static_cast<std::uint64_t>(i);
        if (kind == "normal") {
            to[i] = normal(philox(seed, all, at));
            continue;
        }
        if (i % 2 == 0) bits = philox(seed, all, at / 2);
        to[i] = 2 * uniform(bits[at % 2]) - 1;
    }
    return out;
}

// The engine's backward pass through one activation, for the test that what a slope is said not to
// read is not read.
template <class T>
nb::object activation_vjp(const std::string& name, Matrix<T> x, Matrix<T> y, Matrix<T> g,
                          const std::vector<double>& parameters) {
    const kernels::ActivationRow* row = layers::find_activation(Tools<T>{&active_table()}, name);
    if (x.size() != g.size() || y.size() != g.size()) refuse("x, y and g must have one shape.");
    const layers::Arguments<T> a(parameters);
    nb::object out = new_array<T>({g.shape(0), g.shape(1)}, nullptr);
    row->template loops<T>().vjp(static_cast<Index>(g.shape(0)), static_cast<Index>(g.shape(1)),
                                 x.data(), y.data(), g.data(), nb::cast<nb::ndarray<T>>(out).data(),
                                 a.at);
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
    m.def("draw", &draw, "kind"_a, "count"_a, "seed"_a, "stream"_a);
    add_trainer<float>(m, "Trainer32");
    add_trainer<double>(m, "Trainer64");
}

}  // namespace deltarule::bind
