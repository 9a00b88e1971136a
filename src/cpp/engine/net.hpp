// A stack of layers and a loss: forward and backward over one arena.
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
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>
#include <vector>

#include "layers/activation.hpp"
#include "layers/custom_activation.hpp"
#include "layers/dense.hpp"
#include "layers/trainable.hpp"
#include "loss.hpp"

namespace deltarule::engine {

template <class T>
using Layer = std::variant<Dense<T>, Activation<T>, Trainable<T>, CustomActivation<T>>;

// The rows one pass works on; `weights` may be null (all ones).
template <class T>
struct Batch {
    Index rows;
    const T* x;
    kernels::Target<T> target;
    const T* weights;
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
        Layout<T> layout;
        for (auto& layer : layers_) {
            if (auto* dense = std::get_if<Dense<T>>(&layer)) dense->place(layout);
            if (auto* learning = std::get_if<Trainable<T>>(&layer)) learning->place(layout);
        }
        parameters_ = Arena<T>(layout.size());
        for (const auto& layer : layers_)
            if (const auto* learning = std::get_if<Trainable<T>>(&layer))
                learning->initialise(parameters_.at(0));
    }

    const Tools<T>& tools() const { return tools_; }
    const std::vector<Layer<T>>& layers() const { return layers_; }
    Arena<T>& parameters() { return parameters_; }
    Index inputs() const { return inputs_; }
    Index outputs() const { return outputs_; }
    bool targets_are_classes() const { return loss_.targets_are_classes(); }

    void initialise(std::uint64_t seed) {
        std::uint64_t index = 0;
        for (auto& layer : layers_) {
            if (auto* dense = std::get_if<Dense<T>>(&layer))
                dense->initialise(parameters_.at(0), seed, index);
            ++index;
        }
    }

    // Room for passes of up to `rows` rows; grows, never shrinks.
    void reserve(Index rows, bool backward) {
        if (rows <= reserved_ && (!backward || backward_ready_)) return;
        rows = std::max(rows, reserved_);
        backward = backward || backward_ready_;
        Layout<T> layout;
        Index widest = std::max(inputs_, outputs_);
        outputs_at_.clear();
        bool after_dense = false;  // a Dense layer does not need its output again
        for (const auto& layer : layers_) {
            const Index width = width_of(layer);
            const bool shares = in_place(layer) && after_dense;
            outputs_at_.push_back(shares ? outputs_at_.back() : layout.add(rows, width));
            widest = std::max(widest, width);
            after_dense = std::holds_alternative<Dense<T>>(layer);
        }
        loss_at_ = layout.add(rows, outputs_);
        for (Index& at : delta_at_) at = backward ? layout.add(rows, widest) : 0;
        activations_ = Arena<T>(layout.size());
        reserved_ = rows;
        backward_ready_ = backward;
    }

    // The raw predictions of any number of rows, into z (rows x outputs).
    void predict(Index rows, const T* x, T* z) {
        for (Index start = 0; start < rows; start += chunk) {
            const Index n = std::min(chunk, rows - start);
            reserve(n, false);
            const T* y = forward(n, x + start * inputs_);
            std::copy(y, y + n * outputs_, z + start * outputs_);
        }
    }

    // The mean loss of any number of rows, each weighted.
    double loss(const Batch<T>& all) {
        Totals totals;
        for (Index start = 0; start < all.rows; start += chunk) {
            const Batch<T> batch = part(all, start, std::min(chunk, all.rows - start));
            reserve(batch.rows, false);
            const T* z = forward(batch.rows, batch.x);
            T* values = activations_.at(loss_at_);
            loss_.value(tools_, batch.rows, outputs_, z, batch.target, values);
            add(totals, batch, values);
        }
        return mean(totals).loss;
    }

    // The mean loss of reserved rows and its gradient with respect to every parameter.
    double gradient(const Batch<T>& batch, T* gradients) {
        const T* z = forward(batch.rows, batch.x);
        T *values = activations_.at(loss_at_), *delta = activations_.at(delta_at_[0]);
        loss_.value_and_slope(tools_, batch.rows, outputs_, z, batch.target, values, delta);
        Totals totals;
        add(totals, batch, values);
        const Mean result = mean(totals);
        if (batch.weights)
            for (Index i = 0; i < batch.rows; ++i)
                tools_.vectors().scale(outputs_, delta + i * outputs_,
                                       batch.weights[i] * T(result.factor));
        else
            tools_.vectors().scale(batch.rows * outputs_, delta, T(result.factor));
        backward(batch, delta, gradients);
        return result.loss;
    }

    // Rows start ... start + rows - 1 of a batch.
    Batch<T> part(const Batch<T>& all, Index start, Index rows) const {
        const kernels::Target<T>& t = all.target;
        return {
            rows,
            all.x + start * inputs_,
            {t.values ? t.values + start * outputs_ : nullptr, t.codes ? t.codes + start : nullptr},
            all.weights ? all.weights + start : nullptr};
    }

private:
    static constexpr Index chunk = 256;  // rows of a pass that only looks

    struct Totals {
        double loss = 0, weight = 0;
    };
    struct Mean {
        double loss, factor;  // factor: of a row's weight in the slope of the mean
    };

    // The raw predictions (rows x outputs) of reserved rows; valid until the next pass.
    const T* forward(Index rows, const T* x) {
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            Pass<T> pass{rows, x, activations_.at(outputs_at_[l]), nullptr, nullptr};
            std::visit([&](const auto& layer) { forward_one(layer, pass); }, layers_[l]);
            x = pass.y;
        }
        return x;
    }

    // Sums values per row in a fixed order; a row-wise loss has one value per row.
    void add(Totals& totals, const Batch<T>& batch, const T* values) const {
        const auto& sum = tools_.vectors().sum;
        const Index per_row = loss_.rowwise() ? 1 : outputs_;
        if (!batch.weights) {
            totals.weight += double(batch.rows);
            totals.loss += sum(batch.rows * per_row, values);
            return;
        }
        totals.weight += sum(batch.rows, batch.weights);
        for (Index i = 0; i < batch.rows; ++i)
            totals.loss += double(batch.weights[i]) * sum(per_row, values + i * per_row);
    }

    Mean mean(const Totals& totals) const {
        if (!loss_.root_of_mean()) return {totals.loss / totals.weight, 1 / totals.weight};
        const double count = totals.weight * double(outputs_),
                     root = std::sqrt(totals.loss / count);
        return {root, root > 0 ? 0.5 / (root * count) : 0};
    }

    void backward(const Batch<T>& batch, T* delta, T* gradients) {
        T* other = activations_.at(delta_at_[1]);
        for (std::size_t l = layers_.size(); l-- > 0;) {
            const T* x = l ? activations_.at(outputs_at_[l - 1]) : batch.x;
            const bool dense = std::holds_alternative<Dense<T>>(layers_[l]);
            T* dx = dense ? (l ? other : nullptr) : delta;
            const Pass<T> pass{batch.rows, x, activations_.at(outputs_at_[l]), delta, dx};
            std::visit([&](const auto& layer) { backward_one(layer, gradients, pass); },
                       layers_[l]);
            if (dense) std::swap(delta, other);
        }
    }

    static Index width_of(const Layer<T>& layer) {
        if (const auto* dense = std::get_if<Dense<T>>(&layer)) return dense->units;
        if (const auto* learning = std::get_if<Trainable<T>>(&layer)) return learning->width;
        if (const auto* own = std::get_if<CustomActivation<T>>(&layer)) return own->width;
        return std::get<Activation<T>>(layer).width;
    }
    // Whether a layer's output may overwrite its input.
    static bool in_place(const Layer<T>& layer) {
        if (const auto* own = std::get_if<CustomActivation<T>>(&layer)) return own->in_place();
        const auto* activation = std::get_if<Activation<T>>(&layer);
        return activation && activation->in_place();
    }
    void forward_one(const Dense<T>& layer, const Pass<T>& pass) const {
        layer.forward(tools_, parameters_.at(0), pass);
    }
    void forward_one(const Activation<T>& layer, const Pass<T>& pass) const {
        layer.forward(tools_, pass);
    }
    void forward_one(const CustomActivation<T>& layer, const Pass<T>& pass) const {
        layer.forward(tools_, pass);
    }
    void forward_one(const Trainable<T>& layer, const Pass<T>& pass) const {
        layer.forward(tools_, parameters_.at(0), pass);
    }
    void backward_one(const Trainable<T>& layer, T* gradients, const Pass<T>& pass) const {
        layer.backward(tools_, parameters_.at(0), gradients, pass);
    }
    void backward_one(const Dense<T>& layer, T* gradients, const Pass<T>& pass) const {
        layer.backward(tools_, parameters_.at(0), gradients, pass);
    }
    void backward_one(const Activation<T>& layer, T*, const Pass<T>& pass) const {
        layer.backward(tools_, pass);
    }
    void backward_one(const CustomActivation<T>& layer, T*, const Pass<T>& pass) const {
        layer.backward(tools_, pass);
    }

    Tools<T> tools_;
    std::vector<Layer<T>> layers_;
    Index inputs_, outputs_;
    Loss<T> loss_;
    Arena<T> parameters_, activations_;
    std::vector<Index> outputs_at_;  // one per layer, into activations_
    Index loss_at_ = 0, delta_at_[2] = {}, reserved_ = 0;
    bool backward_ready_ = false;
};

}  // namespace deltarule::engine
