// Mini-batch training of a net on data it refers to and never copies.
#pragma once

#include <cstdint>
#include <vector>

#include "net.hpp"
#include "optimizers.hpp"

namespace deltarule::engine {

struct TrainerSettings {
    OptimizerSettings optimizer;
    Index batch_size = 200;
    std::uint64_t seed = 0;
    bool shuffle = true;
    double l2 = 0;  // adds l2 / (2 weight of the batch) * sum of the squared weights to its loss
};

template <class T>
class Trainer {
public:
    // `data` and `net` must outlive the trainer.  It learns from the rows listed, or from all.
    Trainer(Net<T>& net, const Batch<T>& data, const std::uint32_t* rows, Index count,
            const TrainerSettings& settings);

    // Visits every row once; the mean over the rows of the losses of their batches, penalty
    // included.
    double epoch();

private:
    Batch<T> gather(Index start, Index rows);
    double penalty(double weight);

    Net<T>& net_;
    Batch<T> data_;
    TrainerSettings settings_;
    Optimizer<T> optimizer_;
    Arena<T> gradients_;
    Arena<T> x_, targets_, weights_;  // one batch, gathered
    std::vector<std::int64_t> codes_;
    std::vector<std::uint32_t> rows_;   // what is learned from; empty: every row
    std::vector<std::uint32_t> order_;  // of this epoch
    std::uint64_t epochs_ = 0;
};

extern template class Trainer<float>;
extern template class Trainer<double>;

}  // namespace deltarule::engine
