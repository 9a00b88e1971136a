// Mini-batch training of a net on data it refers to and never copies.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "optimizers.hpp"
#include "rows.hpp"
#include "step.hpp"

namespace deltarule::engine {

struct TrainerSettings {
    OptimizerSettings optimizer;
    Index batch_size = 200;
    std::uint64_t seed = 0;
    bool shuffle = true;
    double l2 = 0;  // adds l2 / (2 weight of the batch) * sum of the squared weights to its loss
    int threads = 1;
    double largest_slope = INFINITY;  // every number of a gradient is clipped to it
    double largest_norm = INFINITY;   // the gradient of all parameters is scaled down to it
    Index accumulate = 1;             // batches whose gradients make one step
    double average_decay = 0;         // of an exponential moving average of the weights; 0: none
    Index average_from = -1;          // epoch whose end begins a plain average of epochs; -1: none
    bool drop_last = false;           // a last batch of fewer rows is left out, unless it is all
    VitalsSettings vitals;
};

// What changes from batch to batch of an epoch, one number per batch; empty: it does not.
struct Course {
    std::vector<double> rates;     // the learning rate
    std::vector<double> decays;    // factors of the decoupled decay
    std::vector<double> dropouts;  // factors of the rates of dropout
};

// Where a training is: with the weights and the state of the optimizer, all that a later run needs.
struct Progress {
    std::uint64_t epochs = 0, batches = 0, averaged = 0;
    Index steps = 0;
};

// Bytes that training takes, the weights of the net included and X and the targets not.
template <class T>
Index bytes_of_training(Net<T>& net, Index rows, bool codes, bool weighted,
                        const TrainerSettings& settings);

template <class T>
class Trainer {
public:
    // `data` and `net` must outlive the trainer.  It learns from the rows listed, or from all.
    Trainer(Net<T>& net, const Batch<T>& data, const std::uint32_t* rows, Index count,
            const TrainerSettings& settings);

    // Visits every row once, but those of a last batch that is dropped; the mean over the rows of
    // the losses of their batches, penalties included.  Allocates nothing.
    double epoch(const Course& course = {});

    // Of the last epoch: where the first loss that was not finite came from (Step says how values
    // are counted); -1: all were finite.
    Index culprit() const { return culprit_; }
    // The last value that may have been it instead: these share their memory.
    Index last_culprit() const {
        return culprit_ > Index(net_.nodes().size())
                   ? culprit_
                   : step_.last_in_memory_of(std::max(culprit_, Index{0}));
    }

    // Of the last epoch: a row per node, empty where none is watched; the share of steps whose
    // gradient was scaled down.
    const std::vector<float>& vitals() const { return vitals_of_epoch_; }
    double clipped() const { return clipped_; }

    int threads() const { return settings_.threads; }
    void set_learning_rate(double rate) { optimizer_.set_learning_rate(rate); }
    Index batches() const;  // of an epoch

    // ---- averages of the weights
    bool averages() const { return average_.size() > 0 && progress_.averaged > 0; }
    // Exchanges the trained weights of the net with their averages.
    void exchange_averages();
    // With the averages of epochs in the net: its running statistics from one pass over the rows.
    void renew_statistics();

    // ---- to be continued
    Progress progress() const;
    void set_progress(const Progress& progress);
    Optimizer<T>& optimizer() { return optimizer_; }
    Arena<T>& average() { return average_; }

private:
    struct Share {  // a batch: its first place in the order, its rows and their weight
        Index first, rows;
        double weight;
        std::uint64_t number;  // of all batches since the beginning
        // The gradients that wait for a step, this one included; `steps`: the step follows.
        Index gathered;
        double gathered_weight;
        bool steps;
        double rate, decay, dropout;  // of the course; rate < 0: that of before
        bool watched, step_watched;   // what the batch does, and the step that follows it
    };

    void train_batch(Member& member, const Share& share);
    void propagate(Member& member, const Share& share, const Batch<T>& batch, std::size_t stage);
    void differentiate(std::size_t task, const Batch<T>& batch, const Share& share, double scale,
                       T* scratch, T* before);
    void finish_gradient(const Task& task, std::size_t number, T* g, double weight);
    void take_step(Member& member, const Share& share);
    T* before(const Member& member, const Share& share) {
        return share.step_watched ? before_.at(member.index * vitals_.largest_task()) : nullptr;
    }
    void update(std::size_t task, T* g, T* before);
    void constrain(std::size_t node);
    void complete(const Task& task);
    T* gathered(std::size_t task) { return gradients_.at(gradient_at_[task]); }

    Net<T>& net_;
    TrainerSettings settings_;
    Step<T> step_;
    Vitals<T> vitals_;
    Optimizer<T> optimizer_;
    RowSource<T> rows_;
    Arena<T> scratch_;                         // of every thread
    Arena<T> gradients_, average_;             // empty where nobody needs them
    Arena<T> before_;                          // of every thread: parameters before a step
    std::vector<double> penalties_, squares_;  // per task
    std::vector<Index> gradient_at_;           // per task
    std::vector<std::size_t> limited_;         // nodes whose weights have a largest norm
    Index chunk_ = 0, room_ = 0;               // rows that a thread takes at a time; its scratch
    bool gathers_ = false;                     // gradients are brought together before a step
    std::atomic<Index> next_chunk_{0}, next_task_{0}, next_finish_{0}, next_update_{0};
    double total_ = 0, total_weight_ = 0, decay_ = 1, clipped_ = 0;
    std::vector<float> vitals_of_epoch_;
    Index culprit_ = -1;
    Progress progress_;
};

extern template class Trainer<float>;
extern template class Trainer<double>;

}  // namespace deltarule::engine
