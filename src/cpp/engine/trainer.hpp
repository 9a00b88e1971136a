// Mini-batch training of a net on data it refers to and never copies.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "optimizers.hpp"
#include "step.hpp"

namespace deltarule::engine {

struct TrainerSettings {
    OptimizerSettings optimizer;
    Index batch_size = 200;
    std::uint64_t seed = 0;
    bool shuffle = true;
    double l2 = 0;  // adds l2 / (2 weight of the batch) * sum of the squared weights to its loss
    int threads = 1;
};

template <class T>
class Trainer {
public:
    // `data` and `net` must outlive the trainer.  It learns from the rows listed, or from all.
    Trainer(Net<T>& net, const Batch<T>& data, const std::uint32_t* rows, Index count,
            const TrainerSettings& settings);

    // Visits every row once; the mean over the rows of the losses of their batches, penalty
    // included.  Allocates nothing.
    double epoch();

    int threads() const { return settings_.threads; }

private:
    void order_rows();
    void train_batch(Member& member, Index first, Index rows, double weight);
    void gather(Index first, Index start, Index rows);
    void prefetch(Index row) const;
    void update(Index task, Index rows, double weight, double scale, T* scratch);
    double weight_of(Index first, Index rows) const;

    Net<T>& net_;
    Batch<T> data_, batch_;
    TrainerSettings settings_;
    Step<T> step_;
    Optimizer<T> optimizer_;
    Arena<T> x_, targets_, weights_, scratch_;  // a batch, gathered; a task's gradient per thread
    Arena<std::int64_t> codes_;
    Arena<std::uint32_t> rows_;      // what is learned from; empty: every row
    Arena<std::uint32_t> order_;     // of this epoch
    std::vector<double> penalties_;  // per task
    Index chunk_ = 0;                // rows that a thread takes at a time
    std::atomic<Index> next_chunk_{0}, next_task_{0};
    double total_ = 0, total_weight_ = 0;
    std::uint64_t epochs_ = 0;
};

extern template class Trainer<float>;
extern template class Trainer<double>;

}  // namespace deltarule::engine
