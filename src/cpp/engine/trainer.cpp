#include "trainer.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace deltarule::engine {
namespace {

// The threads that pay for a step of so many floating-point operations.
int useful_threads(int most, double work) {
    constexpr double work_of_thread = 1.5e6;
    return int(std::clamp(work / work_of_thread, 1.0, double(most)));
}

template <class T>
TrainerSettings with_limits(TrainerSettings s, const Net<T>& net, Index rows) {
    s.batch_size = std::min(s.batch_size, rows);
    s.threads = useful_threads(s.threads, 3 * net.work() * double(s.batch_size));
    return s;
}

// Rows that go through all layers together, in equal shares: few enough that what they need stays
// near the core, many enough that weights which do not stay there are read for many rows at once.
template <class T>
Index rows_of_chunk(Net<T>& net, Index batch, int threads) {
    Index numbers = net.inputs();
    for (const auto& any : net.layers())
        numbers += 2 * std::visit([](const auto& layer) { return layer.width(); }, any);
    constexpr Index near = Index(256) << 10, far = Index(512) << 10;
    const bool stays = net.parameters().size() * Index(sizeof(T)) < far;
    Index most = std::max(Index(stays ? 96 : 384), near / (numbers * Index(sizeof(T))));
    if (threads > 1)
        most = std::min(most, stays ? std::max(batch / (4 * threads), Index{48}) : most);
    const Index chunks = std::max((batch + most - 1) / most, std::min(Index(threads), batch));
    return (batch + chunks - 1) / chunks;
}

}  // namespace

template <class T>
Trainer<T>::Trainer(Net<T>& net, const Batch<T>& data, const std::uint32_t* rows, Index count,
                    const TrainerSettings& settings)
    : net_(net),
      data_(data),
      batch_{},
      settings_(with_limits(settings, net, count ? count : data.rows)),
      step_(net, settings_.batch_size),
      optimizer_(settings.optimizer, net.parameters().size()),
      x_(settings_.batch_size * net.inputs()),
      scratch_(settings_.threads * (step_.scratch() + 64)),
      rows_(count),
      order_(count ? count : data.rows),
      penalties_(static_cast<std::size_t>(step_.tasks())) {
    if (data.rows > Index{UINT32_MAX}) throw std::length_error("More than 2^32 - 1 rows.");
    std::copy(rows, rows + count, rows_.at(0));
    for (Index i = 0; i < order_.size(); ++i)
        *order_.at(i) = count ? rows[i] : static_cast<std::uint32_t>(i);
    const Index batch = settings_.batch_size;
    chunk_ = rows_of_chunk(net, batch, settings_.threads);
    batch_.x.same = x_.at(0);
    if (data.target.codes) {
        codes_ = Arena<std::int64_t>(batch);
        batch_.target.codes = codes_.at(0);
    } else {
        targets_ = Arena<T>(batch * net.outputs());
        batch_.target.values = targets_.at(0);
    }
    if (data.weights) {
        weights_ = Arena<T>(batch);
        batch_.weights = weights_.at(0);
    }
}

// Asks for what `gather` will read of a row.
template <class T>
void Trainer<T>::prefetch(Index row) const {
    data_.x.prefetch(row * net_.inputs(), net_.inputs());
    if (data_.target.codes)
        __builtin_prefetch(data_.target.codes + row);
    else
        __builtin_prefetch(data_.target.values + row * net_.outputs());
    if (data_.weights) __builtin_prefetch(data_.weights + row);
}

// Rows start ... start + rows - 1 of the batch that begins at order_[first].
template <class T>
void Trainer<T>::gather(Index first, Index start, Index rows) {
    const Index inputs = net_.inputs(), outputs = net_.outputs();
    constexpr Index ahead = 128;  // rows: memory has the time that these take to compute
    for (Index i = start; i < start + rows; ++i) {
        const Index at = first + i, row = *order_.at(at);
        if (at + ahead < order_.size()) prefetch(*order_.at(at + ahead));
        if (data_.weights && data_.weights[row] == T(0))
            std::fill(x_.at(i * inputs), x_.at((i + 1) * inputs), T(0));
        else
            data_.x.copy(row * inputs, inputs, x_.at(i * inputs));
        if (data_.target.codes)
            *codes_.at(i) = data_.target.codes[row];
        else
            std::memcpy(targets_.at(i * outputs), data_.target.values + row * outputs,
                        static_cast<std::size_t>(outputs) * sizeof(T));
        if (data_.weights) *weights_.at(i) = data_.weights[row];
    }
}

template <class T>
double Trainer<T>::weight_of(Index first, Index rows) const {
    if (!data_.weights) return double(rows);
    double sum = 0;
    for (Index i = 0; i < rows; ++i) sum += double(data_.weights[*order_.at(first + i)]);
    return sum;
}

// The gradient of some parameters, their penalty and their step.
template <class T>
void Trainer<T>::update(Index task, Index rows, double weight, double scale, T* scratch) {
    const auto& loops = net_.tools().vectors();
    const double decay = settings_.l2 / weight;
    double squares = 0;
    T* parameters = net_.parameters().at(0);
    step_.differentiate(task, rows, x_.at(0), scratch, [&](Index at, Index n, T* g, bool decays) {
        if (scale != 1) loops.scale(n, g, T(scale));
        if (decays && decay != 0) squares += loops.add_decay(n, g, parameters + at, T(decay));
        optimizer_.update(loops, at, n, parameters + at, g);
    });
    step_.finish(task);
    penalties_[static_cast<std::size_t>(task)] = decay / 2 * squares;
}

template <class T>
void Trainer<T>::train_batch(Member& member, Index first, Index rows, double weight) {
    const bool root = net_.loss().root_of_mean(), leads = member.index == 0;
    Batch<T> batch = batch_;
    batch.rows = rows;
    if (leads) {
        next_task_.store(0, std::memory_order_relaxed);
        optimizer_.advance();
    }
    for (Index c = next_chunk_++; c * chunk_ < rows; c = next_chunk_++) {
        const Index start = c * chunk_, n = std::min(chunk_, rows - start);
        gather(first, start, n);
        step_.propagate(batch, x_.at(0), start, n, root ? 1 : 1 / weight);
    }
    member.wait_for_all();
    Mean mean{0, 1};
    if (leads || root) mean = net_.mean(step_.totals(batch));
    if (leads) next_chunk_.store(0, std::memory_order_relaxed);
    T* scratch = scratch_.at(member.index * (step_.scratch() + 64));
    for (Index task = next_task_++; task < step_.tasks(); task = next_task_++)
        update(task, rows, weight, root ? mean.factor : 1, scratch);
    member.wait_for_all();
    if (!leads) return;
    for (double penalty : penalties_) mean.loss += penalty;
    total_ += weight * mean.loss;
    total_weight_ += weight;
}

template <class T>
void Trainer<T>::order_rows() {
    if (!settings_.shuffle) return;
    permute(order_.at(0), static_cast<std::uint32_t>(order_.size()), settings_.seed, epochs_);
    if (rows_.size())
        for (Index i = 0; i < order_.size(); ++i) *order_.at(i) = *rows_.at(*order_.at(i));
}

template <class T>
double Trainer<T>::epoch() {
    order_rows();
    ++epochs_;
    for (Index task = 0; task < step_.tasks(); ++task) step_.finish(task);  // of weights set since
    total_ = total_weight_ = 0;
    next_chunk_ = 0;
    const Index count = order_.size();
    together(settings_.threads, [&](Member& member) {
        for (Index first = 0; first < count; first += settings_.batch_size) {
            const Index rows = std::min(settings_.batch_size, count - first);
            const double weight = weight_of(first, rows);
            if (weight == 0) continue;  // rows of weight 0 are as good as absent
            train_batch(member, first, rows, weight);
        }
    });
    return total_ / total_weight_;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace deltarule::engine
