#include "trainer.hpp"

#include <algorithm>

#include "shares.hpp"

namespace deltarule::engine {
namespace {

bool needs_gradients(const TrainerSettings& s) {
    return s.accumulate > 1 || std::isfinite(s.largest_norm);
}
bool needs_averages(const TrainerSettings& s) { return s.average_decay > 0 || s.average_from >= 0; }

}  // namespace

template <class T>
Trainer<T>::Trainer(Net<T>& net, const Batch<T>& data, const std::uint32_t* rows, Index count,
                    const TrainerSettings& settings)
    : net_(net),
      settings_(with_limits(settings, net, count ? count : data.rows)),
      step_(net, settings_.batch_size),
      vitals_(net, step_.tasks(), settings_.threads, settings_.vitals),
      optimizer_(settings.optimizer, net.parameters().size()),
      rows_(net, data, rows, count, settings_.batch_size),
      penalties_(step_.tasks().size()),
      squares_(step_.tasks().size()) {
    chunk_ = rows_of_chunk(net, settings_.batch_size, settings_.threads, step_.rows_together());
    room_ = room_of(step_, chunk_);
    scratch_ = Arena<T>(settings_.threads * room_);
    gathers_ = needs_gradients(settings_);
    Layout<T> gradients;
    for (const Task& task : step_.tasks()) gradient_at_.push_back(gradients.add(task.count));
    if (gathers_) gradients_ = Arena<T>(gradients.size());
    before_ = Arena<T>(settings_.threads * vitals_.largest_task());
    if (needs_averages(settings_)) average_ = Arena<T>(net.parameters().size());
    for (std::size_t n = 0; n < net.nodes().size(); ++n)
        if (net.nodes()[n].learns && std::isfinite(net.nodes()[n].controls.largest_norm))
            limited_.push_back(n);
}

template <class T>
Index bytes_of_training(Net<T>& net, Index rows, bool codes, bool weighted,
                        const TrainerSettings& settings) {
    const TrainerSettings s = with_limits(settings, net, rows);
    Mode mode;
    mode.only_measures = true;
    const Step<T> step(net, s.batch_size, mode);
    const Index chunk = rows_of_chunk(net, s.batch_size, s.threads, step.rows_together());
    const Index states = s.optimizer.rule->states;
    const Index gradients = needs_gradients(s) ? 1 : 0, averages = needs_averages(s) ? 1 : 0;
    const Index numbers =
        s.batch_size * (net.inputs() + (codes ? 0 : net.outputs()) + (weighted ? 1 : 0)) +
        s.threads * room_of(step, chunk) +
        net.parameters().size() * (1 + states + gradients + averages) +
        s.threads * Vitals<T>(net, step.tasks(), s.threads, s.vitals).largest_task();
    return step.bytes() + numbers * Index(sizeof(T)) +
           (codes ? s.batch_size * net.positions() * Index(sizeof(std::int64_t)) : 0) +
           rows * Index(sizeof(std::uint32_t));
}
template Index bytes_of_training(Net<float>&, Index, bool, bool, const TrainerSettings&);
template Index bytes_of_training(Net<double>&, Index, bool, bool, const TrainerSettings&);

// ---- phase one ---------------------------------------------------------------------------------

template <class T>
void Trainer<T>::propagate(Member& member, const Share& share, const Batch<T>& batch,
                           std::size_t stage) {
    const bool root = net_.loss().root_of_mean();
    const double factor = root ? 1 : 1 / (share.weight * double(net_.positions()));
    const Draw draw{settings_.seed, share.number, share.dropout};
    T* scratch = scratch_.at(member.index * room_);
    for (Index c = next_chunk_++; c * chunk_ < share.rows; c = next_chunk_++) {
        const Index start = c * chunk_, n = std::min(chunk_, share.rows - start);
        if (stage == 0) rows_.gather(share.first, start, n);
        step_.propagate(stage, batch, rows_.features(), start, n, factor, draw, scratch,
                        {share.watched ? &vitals_ : nullptr, member.index});
    }
    member.wait_for_all();
}

// ---- phase two ---------------------------------------------------------------------------------

// Penalties and limits of the gradient of a task.
template <class T>
void Trainer<T>::finish_gradient(const Task& task, std::size_t number, T* g, double weight) {
    const auto& loops = net_.tools().vectors();
    const Controls& c = net_.nodes()[task.node].controls;
    const double l2 = c.l2 + settings_.l2 / weight;
    double penalty = 0;
    const T* parameters = net_.parameters().at(0);
    for (const Range& r : task.ranges) {
        if (r.decays && l2 != 0)
            penalty += l2 / 2 * loops.add_decay(r.count, g, parameters + r.at, T(l2));
        if (r.decays && c.l1 != 0)
            penalty += c.l1 * loops.add_signs(r.count, g, parameters + r.at, T(c.l1));
        if (std::isfinite(settings_.largest_slope))
            loops.clamp(r.count, g, T(settings_.largest_slope));
        g += r.count;
    }
    penalties_[number] = penalty;
}

template <class T>
void Trainer<T>::update(std::size_t number, T* g, T* before) {
    const auto& loops = net_.tools().vectors();
    const Task& task = step_.tasks()[number];
    const Controls& c = net_.nodes()[task.node].controls;
    if (before) vitals_.copy_parameters(number, before);
    for (const Range& r : task.ranges) {
        T* w = net_.parameters().at(r.at);
        if (r.decays && c.decay != 0)
            loops.scale(r.count, w, T(1 - optimizer_.learning_rate() * c.rate * c.decay * decay_));
        const double rate = r.decays ? c.rate : c.rate * c.bias_rate;
        optimizer_.update(loops, r.at, r.count, rate, r.decays ? c.scale : 1, w, g);
        g += r.count;
    }
    if (before) vitals_.see_step(number, before);
    if (!std::isfinite(c.largest_norm)) complete(task);
}

// What follows from new weights.
template <class T>
void Trainer<T>::complete(const Task& task) {
    if (settings_.average_decay > 0) {
        // The first step begins the average; it is not biased towards the initial weights.
        const double n = double(progress_.averaged) + 1;
        const double share = std::max(1 - settings_.average_decay, 1 / n);
        for (const Range& r : task.ranges)
            net_.tools().vectors().approach(r.count, average_.at(r.at), net_.parameters().at(r.at),
                                            T(share));
    }
    step_.finish(task);
}

// No unit has weights of a larger norm than its layer allows.
template <class T>
void Trainer<T>::constrain(std::size_t number) {
    const Node<T>& node = net_.nodes()[number];
    const auto& loops = net_.tools().vectors();
    T* sums = scratch_.at(0);
    for (const Block& block : node.layer->blocks()) {
        if (!block.decays) continue;
        const Index units = block.shape.back(), rows = block.size() / units;
        for (Index from = 0; from < units; from += room_) {
            const Index n = std::min(room_, units - from);
            std::fill_n(sums, n, T(0));
            T* w = net_.parameters().at(block.at + from);
            for (Index i = 0; i < rows; ++i) loops.add_squares(n, sums, w + i * units);
            for (Index j = 0; j < n; ++j) {
                const double norm = std::sqrt(double(sums[j]));
                sums[j] =
                    norm > node.controls.largest_norm ? T(node.controls.largest_norm / norm) : T(1);
            }
            for (Index i = 0; i < rows; ++i) loops.multiply(n, w + i * units, sums, w + i * units);
        }
    }
    for (const Task& task : step_.tasks())
        if (task.node == number) complete(task);
}

template <class T>
void Trainer<T>::differentiate(std::size_t number, const Batch<T>& batch, const Share& share,
                               double scale, T* scratch, T* before) {
    const Task& task = step_.tasks()[number];
    const auto& loops = net_.tools().vectors();
    step_.differentiate(task, batch, rows_.features(),
                        {settings_.seed, share.number, share.dropout}, scratch);
    if (scale != 1) loops.scale(task.count, scratch, T(scale));
    if (share.watched) vitals_.see_gradient(number, scratch);
    if (!gathers_) {
        finish_gradient(task, number, scratch, share.weight);
        return update(number, scratch, before);
    }
    if (settings_.accumulate > 1) loops.scale(task.count, scratch, T(share.weight));
    if (share.gathered == 1)
        std::copy_n(scratch, task.count, gathered(number));
    else
        loops.add(task.count, gathered(number), scratch);
}

// The step that gathered gradients give.
template <class T>
void Trainer<T>::take_step(Member& member, const Share& share) {
    const double weight = share.gathered_weight;
    const auto& loops = net_.tools().vectors();
    const auto count = static_cast<Index>(step_.tasks().size());
    for (Index i = next_finish_++; i < count; i = next_finish_++) {
        const Task& task = step_.tasks()[std::size_t(i)];
        T* g = gathered(std::size_t(i));
        if (settings_.accumulate > 1) loops.scale(task.count, g, T(1 / weight));
        finish_gradient(task, std::size_t(i), g, weight);
        squares_[std::size_t(i)] = loops.sum_of_squares(task.count, g);
    }
    member.wait_for_all();
    double sum = 0;
    for (double s : squares_) sum += s;
    const double norm = std::sqrt(sum);
    if (member.index == 0 && norm > settings_.largest_norm) ++clipped_;
    for (Index i = next_update_++; i < count; i = next_update_++) {
        const Task& task = step_.tasks()[std::size_t(i)];
        T* g = gathered(std::size_t(i));
        if (norm > settings_.largest_norm)
            loops.scale(task.count, g, T(settings_.largest_norm / norm));
        update(std::size_t(i), g, before(member, share));
    }
    member.wait_for_all();
}

template <class T>
void Trainer<T>::train_batch(Member& member, const Share& share) {
    const bool root = net_.loss().root_of_mean(), leads = member.index == 0;
    const Batch<T> batch = rows_.batch(share.rows);
    if (leads) {
        for (auto* counter : {&next_task_, &next_finish_, &next_update_})
            counter->store(0, std::memory_order_relaxed);
        if (share.rate >= 0) optimizer_.set_learning_rate(share.rate);
        decay_ = share.decay;
        if (share.steps) optimizer_.advance();
    }
    for (std::size_t stage = 0; stage < step_.stages(); ++stage) {
        propagate(member, share, batch, stage);
        if (!step_.meets(stage)) continue;
        if (leads) {
            step_.settle(stage, batch);
            next_chunk_.store(0, std::memory_order_relaxed);
        }
        member.wait_for_all();
    }
    Mean mean{0, 1};
    if (leads || root) mean = net_.mean(step_.totals(batch));
    if (leads) next_chunk_.store(0, std::memory_order_relaxed);
    if (leads && culprit_ < 0 && !std::isfinite(mean.loss))
        culprit_ = step_.first_not_finite(share.rows, rows_.features());
    T* scratch = scratch_.at(member.index * room_);
    const auto count = static_cast<Index>(step_.tasks().size());
    for (Index i = next_task_++; i < count; i = next_task_++)
        differentiate(std::size_t(i), batch, share, root ? mean.factor : 1, scratch,
                      before(member, share));
    member.wait_for_all();
    if (gathers_ && share.steps) take_step(member, share);
    if (leads) {
        if (share.watched) vitals_.end_batch(share.rows);
        if (share.steps && !limited_.empty())
            for (std::size_t node : limited_) constrain(node);
        if (share.steps && settings_.average_decay > 0) ++progress_.averaged;
        total_ += share.weight * mean.loss;
        if (share.steps)
            for (double penalty : penalties_) total_ += share.gathered_weight * penalty;
        total_weight_ += share.weight;
    }
    if (!limited_.empty()) member.wait_for_all();
}

// ---- epochs ------------------------------------------------------------------------------------

template <class T>
Index Trainer<T>::batches() const {
    const Index size = settings_.batch_size, whole = rows_.size() / size;
    return settings_.drop_last && whole ? whole : (rows_.size() + size - 1) / size;
}

template <class T>
double Trainer<T>::epoch(const Course& course) {
    if (settings_.shuffle) rows_.shuffle(settings_.seed, progress_.epochs);
    ++progress_.epochs;
    for (const Task& task : step_.tasks()) step_.finish(task);  // of weights set since
    total_ = total_weight_ = clipped_ = 0;
    culprit_ = -1;
    vitals_.begin_epoch();
    next_chunk_ = 0;
    const Index size = settings_.batch_size, count = std::min(rows_.size(), batches() * size),
                end = std::min(count, rows_.end());
    std::uint64_t batches = 0;
    Index steps = 0;
    together(settings_.threads, [&](Member& member) {
        Share share{0, 0, 0, progress_.batches, 0, 0, false, -1, 1, 1, false, false};
        Index taken = 0;
        const auto now = [&](const std::vector<double>& numbers, double otherwise) {
            return numbers.empty() ? otherwise : numbers[std::size_t(share.first / size)];
        };
        for (Index first = 0; first < end; first += size) {
            share.first = first, share.rows = std::min(size, count - first);
            share.weight = rows_.weight_of(first, share.rows);
            if (share.weight == 0) continue;  // rows of weight 0 are as good as absent
            share.rate = now(course.rates, -1), share.decay = now(course.decays, 1);
            share.dropout = now(course.dropouts, 1);
            ++share.gathered, share.gathered_weight += share.weight;
            share.steps = share.gathered == settings_.accumulate || first + size >= end;
            share.watched = vitals_.watches(share.number, first == 0, progress_.epochs - 1);
            share.step_watched = share.step_watched || share.watched;
            train_batch(member, share);
            ++share.number;
            if (!share.steps) continue;
            share.gathered = 0, share.gathered_weight = 0, share.step_watched = false, ++taken;
        }
        if (member.index == 0) batches = share.number, steps = taken;
    });
    progress_.batches = batches;
    clipped_ /= double(std::max(steps, Index{1}));
    vitals_.end_epoch(vitals_of_epoch_);
    if (settings_.average_from >= 0 && Index(progress_.epochs) > settings_.average_from) {
        const double n = double(++progress_.averaged);
        net_.tools().vectors().approach(average_.size(), average_.at(0), net_.parameters().at(0),
                                        T(1 / n));
    }
    // Where only rows that were left out have a weight, nothing was learned and nothing lost.
    return total_weight_ > 0 ? total_ / total_weight_ : 0;
}

// ---- averages ----------------------------------------------------------------------------------

template <class T>
void Trainer<T>::exchange_averages() {
    if (!averages()) return;
    const bool plain = settings_.average_from >= 0;  // an average of all that the net keeps
    for (const Node<T>& node : net_.nodes())
        for (const Block& block : node.layer->blocks())
            if (plain || (node.learns && block.trained))
                std::swap_ranges(average_.at(block.at), average_.at(block.at + block.size()),
                                 net_.parameters().at(block.at));
}

template <class T>
void Trainer<T>::renew_statistics() {
    if (step_.turn() == 0 || settings_.average_from < 0) return;
    const Index count = rows_.size(), size = settings_.batch_size;
    double seen = 0;  // weight of the rows so far
    for (Index first = 0; first < count; first += size) {
        const Index rows = std::min(size, count - first);
        const double weight = rows_.weight_of(first, rows);
        if (weight == 0) continue;
        rows_.gather(first, 0, rows);
        const Batch<T> batch = rows_.batch(rows);
        seen += weight;
        for (std::size_t stage = 0; stage < step_.turn(); ++stage) {
            for (Index start = 0; start < rows; start += chunk_)
                step_.run_forward(stage, batch, rows_.features(), start,
                                  std::min(chunk_, rows - start),
                                  {settings_.seed, progress_.batches}, scratch_.at(0));
            step_.settle(stage, batch, weight / seen);
        }
    }
}

// ---- to be continued ---------------------------------------------------------------------------

template <class T>
Progress Trainer<T>::progress() const {
    Progress p = progress_;
    p.steps = optimizer_.steps();
    return p;
}

template <class T>
void Trainer<T>::set_progress(const Progress& progress) {
    progress_ = progress;
    optimizer_.set_steps(progress.steps);
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace deltarule::engine
