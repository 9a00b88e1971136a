// One batch through a net and back: the memory for it and its two phases.
//
// The four equations of backpropagation, for layer l with B rows, I inputs, U units, weights
// W (I x U), pre-activations z^l = a^(l-1) W^l + b^l and activations a^l = f(z^l), all B x U:
//
//   1.  delta^L = dL/dz^L                                  loss and link merged: a - y for softmax
//                                                          or sigmoid with cross-entropy   (B x U)
//   2.  delta^l = (delta^(l+1) (W^(l+1))^T) * f'(z^l)                                      (B x U)
//   3.  dL/dW^l = (a^(l-1))^T delta^l                                                      (I x U)
//   4.  dL/db^l = sum over the rows of delta^l                                             (U)
//
// Texts that write a batch as columns have W^T delta in 2 and delta a^T in 3: the same numbers.
//
// Phase one is 1 and 2: every row by itself, so any rows on any thread.  Phase two is 3 and 4:
// every parameter by itself, so any parts of the parameters on any thread.
#pragma once

#include "net.hpp"

namespace deltarule::engine {

template <class T>
class Step {
public:
    Step(Net<T>& net, Index rows) : net_(net), transposed_(net.transposed_size()) {
        const auto& layers = net.layers();
        const auto last = layers.size() - 1;
        Layout<T> layout;
        values_at_ = layout.add(rows, net.outputs());
        outputs_at_.resize(layers.size());
        deltas_at_.resize(layers.size());
        for (std::size_t l = 0; l <= last; ++l) {
            const bool shares = l > 0 && std::holds_alternative<Dense<T>>(layers[l - 1]) &&
                                visit(l, [](const auto& layer) { return layer.overwrites(); });
            outputs_at_[l] = shares ? outputs_at_[l - 1] : layout.add(rows, width(l));
        }
        for (std::size_t l = last + 1; l-- > 0;) {
            const bool shares =
                l < last && visit(l + 1, [](const auto& layer) { return !layer.keeps_delta(); });
            deltas_at_[l] = shares ? deltas_at_[l + 1] : layout.add(rows, width(l));
        }
        memory_ = Arena<T>(layout.size());
        list_tasks();
    }

    // Phase one for rows start ... start + rows - 1 of the batch, whose features are at x: their
    // outputs, the values of their loss and all deltas.  Slopes are multiplied by `factor` and the
    // weight of their row; a row of weight 0 has none.
    void propagate(const Batch<T>& batch, const T* x, Index start, Index rows, double factor) {
        const Batch<T> part = net_.part(batch, start, rows);
        for (std::size_t l = 0; l < net_.layers().size(); ++l)
            visit(l, [&](const auto& layer) {
                layer.forward(net_.tools(), weights(), pass(l, x, start, rows));
            });
        const std::size_t last = net_.layers().size() - 1;
        const Index outputs = net_.outputs();
        const T* z = memory_.at(outputs_at_[last] + start * outputs);
        T* delta = memory_.at(deltas_at_[last] + start * outputs);
        const Index per_row = net_.loss().rowwise() ? 1 : outputs;
        net_.loss().value_and_slope(net_.tools(), rows, outputs, z, part.target,
                                    memory_.at(values_at_ + start * per_row), delta);
        scale(part, factor, delta);
        for (std::size_t l = last; l > 0; --l)
            visit(l, [&](const auto& layer) {
                layer.backward(net_.tools(), weights(), pass(l, x, start, rows));
            });
    }

    // After phase one: the sum of the values.
    Totals totals(const Batch<T>& batch) const {
        return net_.totals(batch, memory_.at(values_at_));
    }

    // Phase two is so many tasks, the largest first.
    Index tasks() const { return static_cast<Index>(tasks_.size()); }
    Index scratch() const { return scratch_; }  // elements that each thread needs

    // One task; sink(offset, count, gradient, decays) takes the gradient of some parameters and may
    // change them.
    template <class Sink>
    void differentiate(Index task, Index rows, const T* x, T* scratch, const Sink& sink) {
        const auto& [l, part] = tasks_[static_cast<std::size_t>(task)];
        visit(l, [&](const auto& layer) {
            if constexpr (requires { layer.parts(); })
                layer.differentiate(net_.tools(), weights(), pass(l, x, 0, rows), part, scratch,
                                    sink);
        });
    }
    // What follows from the new parameters of a task.
    void finish(Index task) {
        const auto& [l, part] = tasks_[static_cast<std::size_t>(task)];
        visit(l, [&](const auto& layer) {
            if constexpr (requires { layer.finish(net_.tools(), weights(), part); })
                layer.finish(net_.tools(), weights(), part);
        });
    }

private:
    struct Task {
        std::size_t layer;
        Tile part;
    };

    void list_tasks() {
        for (std::size_t l = 0; l < net_.layers().size(); ++l)
            visit(l, [&](const auto& layer) {
                if constexpr (requires { layer.parts(); })
                    for (const Tile& part : layer.parts()) {
                        tasks_.push_back({l, part});
                        scratch_ = std::max(scratch_, layer.scratch(part));
                    }
            });
        std::stable_sort(tasks_.begin(), tasks_.end(), [](const Task& a, const Task& b) {
            return a.part.rows * a.part.columns > b.part.rows * b.part.columns;
        });
    }

    Weights<T> weights() { return net_.weights(transposed_.at(0)); }

    template <class F>
    auto visit(std::size_t l, const F& f) const {
        return std::visit(f, net_.layers()[l]);
    }
    Index width(std::size_t l) const {
        return visit(l, [](const auto& layer) { return layer.width(); });
    }

    // The share of layer l in some rows.
    Pass<T> pass(std::size_t l, const T* x, Index start, Index rows) {
        const Index columns = width(l), inputs = l ? width(l - 1) : net_.inputs();
        return {rows, l ? memory_.at(outputs_at_[l - 1] + start * inputs) : x + start * inputs,
                memory_.at(outputs_at_[l] + start * columns),
                memory_.at(deltas_at_[l] + start * columns),
                l ? memory_.at(deltas_at_[l - 1] + start * inputs) : nullptr};
    }

    void scale(const Batch<T>& part, double factor, T* delta) const {
        const auto& loop = net_.tools().vectors().scale;
        const Index outputs = net_.outputs();
        if (!part.weights) return loop(part.rows * outputs, delta, T(factor));
        for (Index i = 0; i < part.rows; ++i, delta += outputs)
            if (part.weights[i] == T(0))
                std::fill(delta, delta + outputs, T(0));
            else
                loop(outputs, delta, T(double(part.weights[i]) * factor));
    }

    Net<T>& net_;
    Arena<T> memory_, transposed_;
    std::vector<Index> outputs_at_, deltas_at_;  // one per layer
    Index values_at_ = 0, scratch_ = 0;
    std::vector<Task> tasks_;
};

// The mean loss of a batch and its gradient with respect to every parameter.
template <class T>
double gradient(Net<T>& net, const Batch<T>& batch, T* gradients, int threads) {
    Step<T> step(net, batch.rows);
    for (Index task = 0; task < step.tasks(); ++task) step.finish(task);
    const double weight =
        batch.weights ? net.tools().vectors().sum(batch.rows, batch.weights) : double(batch.rows);
    Arena<T> x(batch.rows * net.inputs());
    for (Index i = 0; i < batch.rows; ++i)
        if (!batch.weights || batch.weights[i] != T(0))
            batch.x.copy(i * net.inputs(), net.inputs(), x.at(i * net.inputs()));
    const bool root = net.loss().root_of_mean();
    step.propagate(batch, x.at(0), 0, batch.rows, root ? 1 : 1 / weight);
    const Mean mean = net.mean(step.totals(batch));
    Arena<T> scratch(threads * step.scratch());
    parallel_for(step.tasks(), threads, [&](std::ptrdiff_t task, int member) {
        step.differentiate(task, batch.rows, x.at(0), scratch.at(member * step.scratch()),
                           [&](Index at, Index n, T* g, bool) {
                               if (root) net.tools().vectors().scale(n, g, T(mean.factor));
                               std::copy(g, g + n, gradients + at);
                           });
    });
    return mean.loss;
}

}  // namespace deltarule::engine
