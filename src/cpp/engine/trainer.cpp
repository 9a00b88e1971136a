#include "trainer.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace deltarule::engine {

template <class T>
Trainer<T>::Trainer(Net<T>& net, const Batch<T>& data, const std::uint32_t* rows, Index count,
                    const TrainerSettings& settings)
    : net_(net),
      data_(data),
      settings_(settings),
      optimizer_(settings.optimizer, net.parameters().size()),
      gradients_(net.parameters().size()),
      rows_(rows, rows + count) {
    if (data.rows > Index{UINT32_MAX}) throw std::length_error("More than 2^32 - 1 rows.");
    order_.resize(static_cast<std::size_t>(count ? count : data.rows));
    for (std::size_t i = 0; i < order_.size(); ++i)
        order_[i] = count ? rows_[i] : static_cast<std::uint32_t>(i);
    const Index batch = settings_.batch_size =
        std::min(settings.batch_size, static_cast<Index>(order_.size()));
    net_.reserve(batch, true);
    x_ = Arena<T>(batch * net.inputs());
    if (data.target.codes)
        codes_.resize(static_cast<std::size_t>(batch));
    else
        targets_ = Arena<T>(batch * net.outputs());
    if (data.weights) weights_ = Arena<T>(batch);
}

// The rows order_[start ...] side by side; all of them in order already are.
template <class T>
Batch<T> Trainer<T>::gather(Index start, Index rows) {
    const Index inputs = net_.inputs(), outputs = net_.outputs();
    if (!settings_.shuffle && rows_.empty()) return net_.part(data_, start, rows);
    const auto copy = [](T* to, const T* from, Index n) {
        std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
    };
    for (Index i = 0; i < rows; ++i) {
        const Index row = order_[static_cast<std::size_t>(start + i)];
        copy(x_.at(i * inputs), data_.x + row * inputs, inputs);
        if (data_.target.codes)
            codes_[static_cast<std::size_t>(i)] = data_.target.codes[row];
        else
            copy(targets_.at(i * outputs), data_.target.values + row * outputs, outputs);
        if (data_.weights) *weights_.at(i) = data_.weights[row];
    }
    return {rows,
            x_.at(0),
            {data_.target.codes ? nullptr : targets_.at(0),
             data_.target.codes ? codes_.data() : nullptr},
            data_.weights ? weights_.at(0) : nullptr};
}

// The L2 penalty of a batch and its gradient; biases are not penalised.
template <class T>
double Trainer<T>::penalty(double weight) {
    if (settings_.l2 == 0) return 0;
    const double factor = settings_.l2 / weight;
    double squares = 0;
    for (const auto& layer : net_.layers())
        if (const auto* dense = std::get_if<Dense<T>>(&layer))
            squares += net_.tools().vectors().add_decay(
                dense->inputs * dense->units, gradients_.at(dense->weights),
                net_.parameters().at(dense->weights), static_cast<T>(factor));
    return factor / 2 * squares;
}

template <class T>
double Trainer<T>::epoch() {
    const auto count = static_cast<Index>(order_.size());
    if (settings_.shuffle) {
        permute(order_.data(), static_cast<std::uint32_t>(count), settings_.seed, epochs_);
        if (!rows_.empty())
            for (std::uint32_t& row : order_) row = rows_[row];
    }
    ++epochs_;
    double total = 0, total_weight = 0;
    for (Index start = 0; start < count; start += settings_.batch_size) {
        const Batch<T> batch = gather(start, std::min(settings_.batch_size, count - start));
        double weight = double(batch.rows);
        if (batch.weights) weight = net_.tools().vectors().sum(batch.rows, batch.weights);
        if (weight == 0) continue;  // rows of weight 0 are as good as absent
        const double loss = net_.gradient(batch, gradients_.at(0)) + penalty(weight);
        optimizer_.step(net_.tools().vectors(), gradients_.size(), net_.parameters().at(0),
                        gradients_.at(0));
        total += weight * loss;
        total_weight += weight;
    }
    return total / total_weight;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace deltarule::engine
