// What layers do while they learn: numbers of every node and epoch, gathered from some batches.
//
// Rows come in any shares on any thread, so what is summed is summed over blocks of rows that do
// not depend on the shares, and the blocks in their order: the same bits for any number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "net.hpp"

namespace deltarule::engine {

// Some parameters and who computes their gradient.
struct Task {
    std::size_t node;
    Tile part;
    std::vector<Range> ranges;
    Index count = 0;  // of parameters
};

// Between which inputs an activation is not saturated, and between which it is alive.
struct Responsive {
    double unsaturated_from = 0, unsaturated_to = 0, alive_from = 0, alive_to = 0;
    Index units = 0;  // the last axis of its input; 0: it is not asked
};

struct VitalsSettings {
    Index every =
        0;  // one batch in so many is watched, and one of each of the first epochs; 0: none
    std::vector<Responsive> nodes;
};

// In the order of NUMBERS in vitals.py.
struct NodeVitals {
    double value_mean, value_std, value_largest, not_finite, delta_mean, delta_rms, delta_zeros,
        saturated, dead, dying, weight_rms, gradient_rms, update_rms, signal;
};

template <class T>
class Vitals {
public:
    static constexpr Index block = 8;    // rows whose numbers are summed together
    static constexpr Index summed = 64;  // rows of a batch whose numbers are summed
    static constexpr std::uint64_t first_epochs = 8;
    static constexpr std::size_t numbers = sizeof(NodeVitals) / sizeof(double), quantiles = 17;

    Vitals(Net<T>& net, const std::vector<Task>& tasks, int threads, const VitalsSettings& settings)
        : net_(net), tasks_(tasks), every_(settings.every) {
        if (!every_) return;
        nodes_.resize(net.nodes().size());
        for (std::size_t n = 0; n < nodes_.size(); ++n) {
            Watched& w = nodes_[n];
            if (n < settings.nodes.size()) w.responsive = settings.nodes[n];
            w.counts.resize(std::size_t(threads * 2 * w.responsive.units));
            for (const Block& b : net.nodes()[n].layer->blocks())
                w.has_weights = w.has_weights || (b.decays && b.trained);
        }
        of_tasks_.resize(tasks.size());
        for (const Task& task : tasks) largest_task_ = std::max(largest_task_, task.count);
    }

    Index largest_task() const { return every_ ? largest_task_ : 0; }
    // Batches and epochs counted from the beginning of the training.
    bool watches(std::uint64_t batch, bool begins_epoch, std::uint64_t epoch) const {
        return every_ &&
               (batch % std::uint64_t(every_) == 0 || (begins_epoch && epoch < first_epochs));
    }

    void begin_epoch() {
        for (Watched& w : nodes_) {
            w.value = {}, w.slope = {}, w.rows = w.summed_rows = 0, w.sampled = false;
            std::ranges::fill(w.counts, 0);
        }
        for (OfTask& t : of_tasks_)
            t.gradient = t.weight = t.update = 0, t.gradients = t.updates = 0;
    }

    // ---- rows of a watched batch, on any thread

    void see_input(std::size_t node, Index rows, const T* x, int member) {
        Watched& w = nodes_[node];
        const Responsive& r = w.responsive;
        if (!r.units) return;
        const Index lines = rows * (net_.width(net_.nodes()[node].from[0]) / r.units);
        std::uint32_t* counts = w.counts.data() + member * 2 * r.units;
        const auto& add = net_.tools().moments().count_within;
        add(lines, r.units, x, T(r.unsaturated_from), T(r.unsaturated_to), counts);
        add(lines, r.units, x, T(r.alive_from), T(r.alive_to), counts + r.units);
    }
    void see_value(std::size_t node, Index start, Index rows, Index batch, const T* y) {
        Watched& w = nodes_[node];
        const Index width = net_.width(Index(node) + 1);
        summarise(start, rows, width, y, w.values);
        if (w.sampled) return;
        for (std::size_t i = 0; i < w.sample.size(); ++i) {
            const Index row = Index(i) * batch / Index(w.sample.size());
            const Index column = Index(i * 65537 % std::size_t(width));
            if (row >= start && row < start + rows)
                w.sample[i] = float(y[(row - start) * width + column]);
        }
    }
    void see_slope(std::size_t node, Index start, Index rows, const T* dy) {
        summarise(start, rows, net_.width(Index(node) + 1), dy, nodes_[node].slopes);
    }

    // ---- a batch, by one thread

    void end_batch(Index rows) {
        const auto used = std::size_t((std::min(rows, summed) + block - 1) / block);
        for (Watched& w : nodes_) {
            for (std::size_t b = 0; b < used; ++b)
                w.value.add(w.values[b]), w.slope.add(w.slopes[b]);
            w.rows += rows, w.summed_rows += std::min(rows, summed);
            w.sampled = true;
        }
    }

    // ---- a task, by the thread that does it

    // The gradient of a watched batch, and the parameters before a step and after it.
    void see_gradient(std::size_t number, const T* g) {
        add_direction(number, g);
        in_weights(number, [&](const Range& r, Index at, OfTask& t) {
            t.gradient += net_.tools().moments().likeness(r.count, g + at).squares;
            t.gradients += r.count;
        });
    }
    void copy_parameters(std::size_t number, T* before) {
        in_weights(number, [&](const Range& r, Index at, OfTask&) {
            std::copy_n(net_.parameters().at(r.at), r.count, before + at);
        });
    }
    void see_step(std::size_t number, T* before) {
        in_weights(number, [&](const Range& r, Index at, OfTask& t) {
            const T* w = net_.parameters().at(r.at);
            t.weight += net_.tools().moments().likeness(r.count, w).squares;
            for (Index i = 0; i < r.count; ++i) before[at + i] -= w[i];
            t.update += net_.tools().moments().likeness(r.count, before + at).squares;
            t.updates += r.count;
        });
    }

    // ---- an epoch

    // The numbers of every node and behind them the quantiles of its sample, row by row.
    // Where no batch was watched they stay.
    void end_epoch(std::vector<float>& out) {
        if (nodes_.empty() || !nodes_[0].sampled) return;
        out.clear();
        for (std::size_t n = 0; n < nodes_.size(); ++n) {
            const NodeVitals v = vitals_of(n);
            const auto* p = reinterpret_cast<const double*>(&v);
            out.insert(out.end(), p, p + numbers);
            auto& sample = nodes_[n].sample;
            std::ranges::sort(sample, [](float a, float b) { return a < b || (b != b && a == a); });
            for (std::size_t q = 0; q < quantiles; ++q) out.push_back(sample[2 * q]);
        }
    }

private:
    struct Sums {
        double sum = 0, squares = 0, largest = 0;
        Index zeros = 0, not_finite = 0;
        void add(const kernels::Likeness& l) {
            sum += l.sum, squares += l.squares, largest = std::max(largest, l.largest);
            zeros += l.zeros, not_finite += l.not_finite;
        }
    };
    struct Watched {
        Responsive responsive;
        std::array<kernels::Likeness, summed / block> values, slopes;
        std::vector<std::uint32_t>
            counts;  // per thread and unit: unsaturated inputs, then alive ones
        Sums value, slope;
        Index rows = 0, summed_rows = 0;
        bool has_weights = false, sampled = false;
        std::array<float, 2 * quantiles - 1> sample;
    };
    struct OfTask {
        // Sums over the watched batches, older ones weighing less, of some gradients and their
        // squares, of the weights of the batches and of their squares.
        std::array<double, 64> direction{};
        double squares = 0, batches = 0, batches_squared = 0;
        double gradient = 0, weight = 0, update = 0;  // sums of squares
        Index gradients = 0, updates = 0;             // numbers in them
    };

    void add_direction(std::size_t number, const T* g) {
        constexpr double fade = 7.0 / 8;
        OfTask& t = of_tasks_[number];
        const Index count = tasks_[number].count, segment = std::min(count, Index(16));
        double squares = 0;
        for (Index s = 0; s < 4; ++s) {
            const T* from = g + (count - segment) * (2 * s + 1) / 8;
            for (Index i = 0; i < segment; ++i) {
                double& sum = t.direction[std::size_t(s * 16 + i)];
                sum = fade * sum + double(from[i]);
                squares += double(from[i]) * double(from[i]);
            }
        }
        t.squares = fade * t.squares + squares;
        t.batches = fade * t.batches + 1, t.batches_squared = fade * fade * t.batches_squared + 1;
    }
    void summarise(Index start, Index rows, Index width, const T* x,
                   std::array<kernels::Likeness, summed / block>& into) {
        rows = std::min(rows, summed - start);
        for (Index i = 0; i < rows; i += block)
            into[std::size_t((start + i) / block)] =
                net_.tools().moments().likeness(std::min(block, rows - i) * width, x + i * width);
    }
    template <class F>
    void in_weights(std::size_t number, const F& f) {
        const Task& task = tasks_[number];
        Index at = 0;
        for (const Range& r : task.ranges) {
            if (r.decays || !nodes_[task.node].has_weights) f(r, at, of_tasks_[number]);
            at += r.count;
        }
    }

    NodeVitals vitals_of(std::size_t n) const {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        const Watched& w = nodes_[n];
        const double count = double(w.summed_rows * net_.width(Index(n) + 1));
        NodeVitals v;
        v.value_mean = w.value.sum / count;
        v.value_std =
            std::sqrt(std::max(w.value.squares / count - v.value_mean * v.value_mean, 0.0));
        v.value_largest = w.value.largest;
        v.not_finite = double(w.value.not_finite) / count;
        const bool pulled = net_.nodes()[n].learns || net_.nodes()[n].pulled;
        v.delta_mean = pulled ? w.slope.sum / count : none;
        v.delta_rms = pulled ? std::sqrt(w.slope.squares / count) : none;
        v.delta_zeros = pulled ? double(w.slope.zeros) / count : none;
        v.saturated = v.dead = v.dying = none;
        if (w.responsive.units) judge_units(n, v);
        v.weight_rms = v.gradient_rms = v.update_rms = v.signal = none;
        if (net_.nodes()[n].learns) judge_weights(n, v);
        return v;
    }
    void judge_units(std::size_t n, NodeVitals& v) const {
        const Watched& w = nodes_[n];
        const double units = double(w.responsive.units),
                     each = double(w.rows * net_.width(net_.nodes()[n].from[0])) / units;
        double unsaturated = 0, dead = 0, dying = 0;
        const auto columns = std::size_t(2 * w.responsive.units);
        for (std::size_t j = 0; j < columns; ++j) {
            double count = 0;
            for (std::size_t i = j; i < w.counts.size(); i += columns) count += w.counts[i];
            if (j < columns / 2) {
                unsaturated += count;
                continue;
            }
            dead += count == 0 ? 1 : 0;
            dying += count < 0.05 * each ? 1 : 0;
        }
        v.saturated = 1 - unsaturated / (units * each);
        v.dead = dead / units, v.dying = dying / units;
    }
    void judge_weights(std::size_t n, NodeVitals& v) const {
        OfTask all;
        double mean_squares = 0, squares = 0, lost = 0;
        for (std::size_t t = 0; t < tasks_.size(); ++t) {
            if (tasks_[t].node != n) continue;
            const OfTask& one = of_tasks_[t];
            all.gradient += one.gradient, all.weight += one.weight, all.update += one.update;
            all.gradients += one.gradients, all.updates += one.updates;
            for (double d : one.direction) mean_squares += d / one.batches * (d / one.batches);
            squares += one.squares / one.batches;
            lost = one.batches_squared / (one.batches * one.batches);
        }
        v.gradient_rms = std::sqrt(all.gradient / double(all.gradients));
        v.weight_rms = std::sqrt(all.weight / double(all.updates));
        v.update_rms = std::sqrt(all.update / double(all.updates));
        if (lost > 0.999) return;  // a single batch
        // Unbiased: the mean of few batches is partly their noise.
        const double noise = std::max(squares - mean_squares, 0.0) / (1 - lost);
        v.signal = std::sqrt(std::max(mean_squares - noise * lost, 0.0) / noise);
    }

    Net<T>& net_;
    const std::vector<Task>& tasks_;
    Index every_, largest_task_ = 0;
    std::vector<Watched> nodes_;
    std::vector<OfTask> of_tasks_;
};

// Who is shown what a thread computes; nobody, or the vitals of a watched batch.
template <class T>
struct Witness {
    Vitals<T>* vitals = nullptr;
    int member = 0;
};

}  // namespace deltarule::engine
