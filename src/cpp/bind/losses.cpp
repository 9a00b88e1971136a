// A loss over a whole batch and its gradient in one pass.
#include "bind.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/threads.hpp"

namespace deltarule::bind {
namespace {

using namespace kernels;

template <class T>
using Batch = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// A batch is summed in parts of this many numbers, whatever the number of threads.
constexpr Index part_of_a_batch = Index(1) << 15;

bool within(Targets domain, double t) {
    switch (domain) {
        case Targets::real:
            return true;
        case Targets::non_negative:
            return t >= 0;
        case Targets::positive:
            return t > 0;
        case Targets::above_minus_one:
            return t > -1;
        case Targets::unit_interval:
        case Targets::classes:
            return t >= 0 && t <= 1;
        case Targets::signs:
            return t == 1 || t == -1;
    }
    return false;
}

template <class T>
bool all_within(Targets domain, const T* t, Index n) {
    if (domain == Targets::real) return true;
    if (domain == Targets::unit_interval || domain == Targets::classes) {
        // An integer of the width of T: with a bool the compiler goes element by element.
        std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t> outside = 0;
        for (Index i = 0; i < n; ++i) outside |= int(!(t[i] >= T(0))) | int(!(t[i] <= T(1)));
        return outside == 0;
    }
    bool holds = true;
    for (Index i = 0; i < n; ++i) holds &= within(domain, double(t[i]));
    return holds;
}

bool all_codes(const std::int64_t* codes, Index n, Index classes) {
    bool holds = true;
    for (Index i = 0; i < n; ++i) holds &= std::uint64_t(codes[i]) < std::uint64_t(classes);
    return holds;
}

// One loss with its parameters.
class BatchLoss {
public:
    BatchLoss(const std::string& name, const std::vector<double>& parameters) {
        for (const LossRow& row : active_table().losses)
            if (row.facts.name == name) row_ = &row;
        if (!row_ || parameters.size() > max_parameters) throw nb::key_error(name.c_str());
        std::copy(parameters.begin(), parameters.end(), parameters_);
    }

    // The sum over the batch, with `factor` times the gradient in `out`; None where the targets are
    // not in the domain of the loss, the sum is not finite, or this function is not for them.
    template <class T>
    std::optional<double> values(Batch<const T> z, Batch<const T> t, double factor, Batch<T> out) {
        if (row_->kind != Kind::elementwise) return {};
        const Index n = Index(z.size());
        if (Index(t.size()) != n || Index(out.size()) != n ||
            !all_within(row_->facts.targets, t.data(), n))
            return {};
        return run<T>(n, 1, z.data(), {t.data(), nullptr}, factor, out.data());
    }
    template <class T>
    std::optional<double> codes(Batch<const T> z, Batch<const std::int64_t> t, double factor,
                                Batch<T> out) {
        if (row_->kind != Kind::rowwise || z.ndim() == 0) return {};
        const Index cols = Index(z.shape(z.ndim() - 1)), rows = Index(t.size());
        if (cols == 0 || Index(z.size()) != rows * cols || out.size() != z.size() ||
            !all_codes(t.data(), rows, cols))
            return {};
        return run<T>(rows, cols, z.data(), {nullptr, t.data()}, factor, out.data());
    }

private:
    template <class T>
    std::optional<double> run(Index rows, Index cols, const T* z, Target<T> t, double factor,
                              T* out) {
        const nb::gil_scoped_release released;
        const auto loop = row_->template loops<T>().sum_and_slope;
        T a[max_parameters];
        std::copy(parameters_, parameters_ + max_parameters, a);
        const Index part = std::max<Index>(1, part_of_a_batch / cols);
        const Index parts = (rows + part - 1) / part;
        std::vector<double> sums(static_cast<std::size_t>(parts));
        const auto task = [&](Index p) {
            const Index start = p * part, at = start * cols, n = std::min(part, rows - start);
            const Target<T> target = {t.values ? t.values + at : nullptr,
                                      t.codes ? t.codes + start : nullptr};
            sums[static_cast<std::size_t>(p)] =
                loop(n, cols, z + at, target, T(factor), out + at, a);
        };
        if (parts < 4)
            for (Index p = 0; p < parts; ++p) task(p);
        else
            engine::parallel_for(parts, task);
        double total = 0;
        for (double s : sums) total += s;
        // A short sum in T may have overflowed where the whole does not: the long way tells.
        if (!std::isfinite(total)) return {};
        return total;
    }

    const LossRow* row_ = nullptr;
    double parameters_[max_parameters] = {};
};

}  // namespace

void add_losses(nb::module_& m) {
    using namespace nb::literals;
    nb::class_<BatchLoss>(m, "BatchLoss")
        .def(nb::init<const std::string&, const std::vector<double>&>())
        .def("values", &BatchLoss::values<float>, "z"_a.noconvert(), "t"_a.noconvert(), "factor"_a,
             "out"_a.noconvert())
        .def("values", &BatchLoss::values<double>, "z"_a.noconvert(), "t"_a.noconvert(), "factor"_a,
             "out"_a.noconvert())
        .def("codes", &BatchLoss::codes<float>, "z"_a.noconvert(), "t"_a.noconvert(), "factor"_a,
             "out"_a.noconvert())
        .def("codes", &BatchLoss::codes<double>, "z"_a.noconvert(), "t"_a.noconvert(), "factor"_a,
             "out"_a.noconvert());
}

}  // namespace deltarule::bind
