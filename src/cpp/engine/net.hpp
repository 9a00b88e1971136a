// A stack of layers and a loss: its parameters, its predictions and its loss on any rows.
//
// How it learns is in step.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>
#include <vector>

#include "features.hpp"
#include "layers/activation.hpp"
#include "layers/custom_activation.hpp"
#include "layers/dense.hpp"
#include "layers/trainable.hpp"
#include "loss.hpp"
#include "threads.hpp"

namespace deltarule::engine {

template <class T>
using Layer = std::variant<Dense<T>, Activation<T>, Trainable<T>, CustomActivation<T>>;

// Rows and what they should give; `weights` may be null (all ones).
template <class T>
struct Batch {
    Index rows;
    Features<T> x;
    kernels::Target<T> target;
    const T* weights;
};

// What the loss of a batch is the mean of.
struct Totals {
    double loss = 0, weight = 0;
};
struct Mean {
    double loss, factor;  // factor: of a row's weight in the slope of the mean
};

template <class T>
class Net {
public:
    Net(Tools<T> tools, std::vector<Layer<T>> layers, Index inputs, Index outputs, Loss<T> loss)
        : tools_(tools),
          layers_(std::move(layers)),
          inputs_(inputs),
          outputs_(outputs),
          loss_(std::move(loss)) {
        Layout<T> parameters, transposes;
        bool first = true;
        for (Layer<T>& any : layers_) {
            std::visit(
                [&](auto& layer) {
                    if constexpr (requires { layer.place(parameters, transposes, first); })
                        layer.place(parameters, transposes, first);
                    widest_ = std::max(widest_, layer.width());
                },
                any);
            first = false;
        }
        parameters_ = Arena<T>(parameters.size());
        transposed_size_ = transposes.size();
        for (const Layer<T>& any : layers_)
            if (const auto* learning = std::get_if<Trainable<T>>(&any))
                learning->initialise(parameters_.at(0));
    }

    const Tools<T>& tools() const { return tools_; }
    const std::vector<Layer<T>>& layers() const { return layers_; }
    const Loss<T>& loss() const { return loss_; }
    Arena<T>& parameters() { return parameters_; }
    // The transposed weights belong to who goes backward; forward needs none.
    Weights<T> weights(T* transposed = nullptr) { return {parameters_.at(0), transposed}; }
    Index transposed_size() const { return transposed_size_; }
    Index inputs() const { return inputs_; }
    Index outputs() const { return outputs_; }

    void initialise(std::uint64_t seed) {
        std::uint64_t index = 0;
        for (const Layer<T>& any : layers_) {
            if (const auto* dense = std::get_if<Dense<T>>(&any))
                dense->initialise(parameters_.at(0), seed, index);
            ++index;
        }
    }

    // Floating-point operations of one row forward, nearly: the threads that pay follow from it.
    double work() const { return 2.0 * double(parameters_.size()); }

    // The raw predictions of any number of rows, into z (rows x outputs).
    void predict(Index rows, const Features<T>& x, T* z, int threads) {
        in_chunks(rows, threads, [&](Index start, Index n, T* scratch) {
            forward(n, x.from(start * inputs_), scratch, z + start * outputs_);
        });
    }

    // The mean loss of any number of rows, each weighted.
    double mean_loss(const Batch<T>& all, int threads) {
        const Index chunks = (all.rows + chunk - 1) / chunk;
        std::vector<Totals> parts(static_cast<std::size_t>(chunks));
        in_chunks(all.rows, threads, [&](Index start, Index n, T* scratch) {
            T *z = scratch, *values = z + n * outputs_;
            forward(n, all.x.from(start * inputs_), values + n * outputs_, z);
            const Batch<T> batch = part(all, start, n);
            loss_.value(tools_, n, outputs_, z, batch.target, values);
            parts[static_cast<std::size_t>(start / chunk)] = totals(batch, values);
        });
        Totals sum;
        for (const Totals& t : parts) sum.loss += t.loss, sum.weight += t.weight;
        return mean(sum).loss;
    }

    // Rows start ... start + rows - 1 of a batch.
    Batch<T> part(const Batch<T>& all, Index start, Index rows) const {
        const kernels::Target<T>& t = all.target;
        return {
            rows,
            all.x.from(start * inputs_),
            {t.values ? t.values + start * outputs_ : nullptr, t.codes ? t.codes + start : nullptr},
            all.weights ? all.weights + start : nullptr};
    }

    // Sums the values of a batch in a fixed order; a row-wise loss has one value per row.  Rows of
    // weight 0 are as good as absent, whatever they hold.
    Totals totals(const Batch<T>& batch, const T* values) const {
        const auto& sum = tools_.vectors().sum;
        const Index per_row = loss_.rowwise() ? 1 : outputs_;
        if (!batch.weights) return {sum(batch.rows * per_row, values), double(batch.rows)};
        Totals result{0, sum(batch.rows, batch.weights)};
        for (Index i = 0; i < batch.rows; ++i)
            if (batch.weights[i] != T(0))
                result.loss += double(batch.weights[i]) * sum(per_row, values + i * per_row);
        return result;
    }

    Mean mean(const Totals& totals) const {
        if (!loss_.root_of_mean()) return {totals.loss / totals.weight, 1 / totals.weight};
        const double count = totals.weight * double(outputs_),
                     root = std::sqrt(totals.loss / count);
        return {root, root > 0 ? 0.5 / (root * count) : 0};
    }

private:
    static constexpr Index chunk = 240;            // rows that go through all layers together
    static constexpr double work_of_thread = 4e6;  // operations that are worth a second thread

    // Calls f(start, rows, scratch) for all rows in chunks of a fixed size.
    template <class F>
    void in_chunks(Index rows, int threads, const F& f) {
        const Index chunks = (rows + chunk - 1) / chunk;
        const double pays = 1 + work() * double(rows) / work_of_thread;
        threads = int(std::min({double(threads), pays, double(chunks)}));
        const Index n = std::min(rows, chunk), room = n * (2 * (widest_ + outputs_) + inputs_) + 64;
        Arena<T> scratch(std::max(threads, 1) * room);
        parallel_for(chunks, threads, [&](std::ptrdiff_t c, int member) {
            f(c * chunk, std::min(chunk, rows - c * chunk), scratch.at(member * room));
        });
    }

    // The raw predictions of a few rows; scratch: rows x (2 widest + inputs).
    void forward(Index rows, const Features<T>& features, T* scratch, T* z) {
        T* buffers[] = {scratch, scratch + rows * widest_};
        const T* x = features.same;
        if (!x) {
            T* rounded = scratch + 2 * rows * widest_;
            features.copy(0, rows * inputs_, rounded);
            x = rounded;
        }
        const Weights<T> w = weights();
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            T* y = l + 1 == layers_.size() ? z : x == buffers[0] ? buffers[1] : buffers[0];
            const Pass<T> pass{rows, x, y, nullptr, nullptr};
            std::visit([&](const auto& layer) { layer.forward(tools_, w, pass); }, layers_[l]);
            x = y;
        }
    }

    Tools<T> tools_;
    std::vector<Layer<T>> layers_;
    Index inputs_, outputs_, widest_ = 0, transposed_size_ = 0;
    Loss<T> loss_;
    Arena<T> parameters_;
};

}  // namespace deltarule::engine
