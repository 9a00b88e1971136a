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
// Phase one is 1 and 2: every row by itself, so any rows on any thread.  It has one stage, and two
// more for every layer that needs the whole batch: what comes before it, forward and backward.
// Phase two is 3 and 4: every parameter by itself, so any parts of the parameters on any thread.
#pragma once

#include <array>

#include "vitals.hpp"

namespace deltarule::engine {

struct Mode {
    bool training = true;
    bool keeps_all = false;      // no value and no slope is overwritten by another
    double momentum = -1;        // of running statistics; 0: they stay, negative: what layers say
    bool only_measures = false;  // no memory is taken: only `bytes` is asked for
};

template <class T>
class Step {
public:
    Step(Net<T>& net, Index rows, Mode mode = {}) : net_(net), mode_(mode), rows_(rows) {
        const std::size_t count = net.nodes().size();
        Layout<T> layout;
        values_at_ = layout.add(rows, net.losses_of_row());
        memory_of_.resize(count + 1);
        for (std::size_t n = 0; n < count; ++n) place_forward(n, layout);
        for (std::size_t n = count; n-- > 0;) place_backward(n, layout);
        for (Index width : edge_widths_) edges_at_.push_back(layout.add(rows, width));
        size_ = layout.size();
        if (!mode.only_measures) {
            memory_ = Arena<T>(size_);
            transposed_ = Arena<T>(net.transposed_size());
        }
        list_stages();
        list_tasks();
    }

    // ---- phase one
    // For every stage: `propagate` for all rows, then once `settle`.
    std::size_t stages() const { return stages_.size(); }
    std::size_t turn() const { return turn_; }  // the stage that reaches the loss
    // Rows come in multiples of this.
    Index rows_together() const { return rows_together_; }
    // Numbers of scratch that a thread needs for so many rows.
    Index scratch_of_rows(Index rows) const {
        Index most = 0;
        for (const Node<T>& node : net_.nodes())
            most = std::max(most, node.layer->scratch(rows, true));
        return most;
    }
    Index bytes() const { return (size_ + net_.transposed_size()) * Index(sizeof(T)); }

    // A stage for rows start ... start + rows - 1 of the batch, whose features are at x.  Slopes
    // are multiplied by `factor` and the weight of their row; a row of weight 0 has none.
    void propagate(std::size_t stage, const Batch<T>& batch, const T* x, Index start, Index rows,
                   double factor, Draw draw, T* scratch, Witness<T> watch = {}) {
        run_forward(stage, batch, x, start, rows, draw, scratch, watch);
        if (stage >= turn_)
            run_backward(stage, batch, x, start, rows, factor, draw, scratch, watch);
    }
    void run_forward(std::size_t stage, const Batch<T>& batch, const T* x, Index start, Index rows,
                     Draw draw, T* scratch, Witness<T> watch = {}) {
        const Stage& s = stages_[stage];
        for (std::size_t n = s.forward_from; n < s.forward_to; ++n) {
            if (watch.vitals)
                watch.vitals->see_input(n, rows, at(net_.nodes()[n].from[0], x, start),
                                        watch.member);
            call(n, batch, x, start, rows, draw, scratch, &Layer<T>::forward);
            if (watch.vitals)
                watch.vitals->see_value(n, start, rows, batch.rows, at(Index(n) + 1, x, start));
        }
        if (stage < turn_)
            call(s.forward_to, batch, x, start, rows, draw, scratch, &Layer<T>::collect);
    }
    void settle(std::size_t stage, const Batch<T>& batch) { settle(stage, batch, mode_.momentum); }
    void settle(std::size_t stage, const Batch<T>& batch, double momentum) {
        const Stage& s = stages_[stage];
        const Whole whole{batch.rows, momentum};
        if (stage < turn_) {
            const Layer<T>& layer = *net_.nodes()[s.forward_to].layer;
            layer.settle(net_.tools(), weights(), memory_.at(memory_of_[s.forward_to + 1].shared),
                         whole);
        } else if (s.collects_back) {
            const std::size_t n = s.backward_to - 1;
            net_.nodes()[n].layer->settle_back(net_.tools(), weights(),
                                               memory_.at(memory_of_[n + 1].shared), whole);
        }
    }
    // Whether anything is left to do between this stage and the next.
    bool meets(std::size_t stage) const { return stage < turn_ || stages_[stage].collects_back; }

    // After phase one: the sum of the values.
    Totals totals(const Batch<T>& batch) const {
        return net_.totals(batch, memory_.at(values_at_));
    }
    // The first value with a number that is not finite: 0 is X, i + 1 that of node i, and behind
    // the last one stands the loss.
    Index first_not_finite(Index rows, const T* x) const {
        const auto count = Index(net_.nodes().size());
        for (Index v = 0; v <= count; ++v) {
            const T* p = v ? memory_.at(memory_of_[std::size_t(v)].value) : x;
            if (!std::all_of(p, p + rows * net_.width(v), [](T n) { return std::isfinite(n); }))
                return v;
        }
        return count + 1;
    }
    // The last value in the memory of this one: those between have overwritten it.
    Index last_in_memory_of(Index v) const {
        const auto count = Index(net_.nodes().size());
        Index last = v;
        for (Index w = v + 1; v > 0 && w <= count; ++w)
            if (memory_of_[std::size_t(w)].value == memory_of_[std::size_t(v)].value) last = w;
        return last;
    }
    // What a node computed, and its slope (null if nobody needed it), of all rows.
    const T* value(std::size_t node) const { return memory_.at(memory_of_[node + 1].value); }
    const T* slope(std::size_t node) const {
        const Index at = memory_of_[node + 1].slope;
        return at < 0 ? nullptr : memory_.at(at);
    }

    // All slopes times a factor that only the whole batch told.
    void scale_slopes(double factor) {
        std::vector<Index> done;
        for (std::size_t v = 1; v < memory_of_.size(); ++v) {
            const Index at = memory_of_[v].slope;
            if (at < 0 || std::ranges::count(done, at) > 0) continue;
            net_.tools().vectors().scale(rows_ * net_.width(Index(v)), memory_.at(at), T(factor));
            done.push_back(at);
        }
    }

    // ---- phase two: so many tasks, the largest first
    const std::vector<Task>& tasks() const { return tasks_; }
    // Numbers that a thread needs: the gradient of a task, and behind it the scratch of its layer.
    Index scratch() const { return scratch_; }

    void differentiate(const Task& task, const Batch<T>& batch, const T* x, Draw draw,
                       T* gradient) {
        const Prepared p(*this, task.node, batch, x, 0, batch.rows, draw, nullptr);
        net_.nodes()[task.node].layer->differentiate(net_.tools(), weights(), p.pass, task.part,
                                                     gradient, gradient + padded(task.count));
    }
    // What follows from the new parameters of a task.
    void finish(const Task& task) {
        net_.nodes()[task.node].layer->finish(net_.tools(), weights(), task.part);
    }

private:
    // Offsets of what belongs to a value; -1: there is none.
    struct Memory {
        Index value = -1, slope = -1, shared = -1;
        std::vector<Index> kept, kept_widths;
        // Of the node that computes it: where the slopes of its inputs go, and which are then added
        // to the slope of the value (several nodes read it).
        std::vector<Index> edges;  // -1: nowhere; else the number of an edge buffer, or `direct`
    };
    static constexpr Index direct = -2;

    struct Stage {
        std::size_t forward_from, forward_to;    // nodes; then forward_to is shown the batch, or
        std::size_t backward_from, backward_to;  // from the loss or the node before, down
        bool collects_back;                      // then the node before backward_to is shown it
    };

    static Index padded(Index n) { return (n + 15) / 16 * 16; }

    void place_forward(std::size_t n, Layout<T>& layout) {
        const Node<T>& node = net_.nodes()[n];
        const Index v = node.from[0];
        const bool shares = !mode_.keeps_all && v > 0 && node.layer->overwrites() &&
                            net_.consumers(v) == 1 && net_.width(v) == node.layer->outputs() &&
                            !net_.nodes()[std::size_t(v - 1)].layer->rereads_output();
        Memory& m = memory_of_[n + 1];
        m.value =
            shares ? memory_of_[std::size_t(v)].value : layout.add(rows_, node.layer->outputs());
        m.kept_widths = node.layer->kept(mode_.training);
        for (Index width : m.kept_widths) m.kept.push_back(layout.add(rows_, width));
        if (mode_.training) rows_together_ = std::max(rows_together_, node.layer->rows_together());
        if (mode_.training && node.layer->needs_batch())
            m.shared = layout.add(node.layer->shared(rows_));
    }
    void place_backward(std::size_t n, Layout<T>& layout) {
        const Node<T>& node = net_.nodes()[n];
        Memory& m = memory_of_[n + 1];
        if (n + 1 == net_.nodes().size()) m.slope = layout.add(rows_, node.layer->outputs());
        std::size_t extra = 0;
        for (std::size_t k = 0; k < node.from.size(); ++k) {
            const Index v = node.from[k];
            m.edges.push_back(-1);
            if (!node.pulls[k]) continue;
            Memory& input = memory_of_[std::size_t(v)];
            if (input.slope >= 0) {  // a later node has put its share there
                m.edges[k] = Index(extra);
                if (extra == edge_widths_.size()) edge_widths_.push_back(0);
                edge_widths_[extra] = std::max(edge_widths_[extra], net_.width(v));
                ++extra;
                continue;
            }
            const bool shares = !mode_.keeps_all && k == 0 && !node.layer->keeps_delta() &&
                                net_.consumers(v) == 1 && net_.width(v) == node.layer->outputs();
            input.slope = shares ? m.slope : layout.add(rows_, net_.width(v));
            m.edges[k] = direct;
        }
    }

    void list_stages() {
        const std::vector<Node<T>>& nodes = net_.nodes();
        std::vector<std::size_t> whole;  // the nodes that need the batch
        for (std::size_t n = 0; n < nodes.size(); ++n)
            if (mode_.training && nodes[n].layer->needs_batch()) whole.push_back(n);
        std::size_t next = 0;
        for (std::size_t n : whole) {
            stages_.push_back({next, n, 0, 0, false});
            next = n;
        }
        turn_ = stages_.size();
        stages_.push_back({next, nodes.size(), nodes.size(), 0, false});
        for (std::size_t i = whole.size(); i-- > 0;) {
            const std::size_t n = whole[i];
            if (!nodes[n].learns && !nodes[n].pulled) continue;
            stages_.back().backward_to = n + 1;
            stages_.back().collects_back = true;
            stages_.push_back({0, 0, n + 1, 0, false});
        }
    }
    void list_tasks() {
        for (std::size_t n = 0; n < net_.nodes().size(); ++n) {
            const Node<T>& node = net_.nodes()[n];
            if (!node.learns) continue;
            for (const Tile& part : node.layer->parts()) {
                Task task{n, part, node.layer->ranges(part)};
                for (const Range& r : task.ranges) task.count += r.count;
                scratch_ = std::max(scratch_, padded(task.count) + node.layer->part_scratch(part));
                tasks_.push_back(std::move(task));
            }
        }
        std::stable_sort(tasks_.begin(), tasks_.end(),
                         [](const Task& a, const Task& b) { return a.count > b.count; });
    }

    Weights<T> weights() { return net_.weights(transposed_.at(0)); }

    // A pass with the arrays it points to.
    struct Prepared {
        std::array<const T*, most_inputs> from;
        std::array<T*, most_inputs> slopes;
        std::array<T*, most_kept> kept;
        Pass<T> pass;

        Prepared(Step& step, std::size_t n, const Batch<T>& batch, const T* x, Index start,
                 Index rows, Draw draw, T* scratch) {
            const Node<T>& node = step.net_.nodes()[n];
            const Memory& m = step.memory_of_[n + 1];
            const Index width = node.layer->outputs();
            for (std::size_t k = 0; k < node.from.size(); ++k) {
                const Index v = node.from[k], columns = step.net_.width(v);
                const Memory& input = step.memory_of_[std::size_t(v)];
                from[k] = (v ? step.memory_.at(input.value) : x) + start * columns;
                slopes[k] = nullptr;
                if (m.edges[k] == direct)
                    slopes[k] = step.memory_.at(input.slope) + start * columns;
                if (m.edges[k] >= 0) slopes[k] = step.edge(m.edges[k], start);
            }
            for (std::size_t k = 0; k < m.kept.size(); ++k)
                kept[k] = step.memory_.at(m.kept[k]) + start * m.kept_widths[k];
            pass.rows = rows, pass.start = start;
            pass.x = from.data(), pass.dx = slopes.data(), pass.kept = kept.data();
            pass.y = step.memory_.at(m.value) + start * width;
            pass.dy = m.slope < 0 ? nullptr : step.memory_.at(m.slope) + start * width;
            pass.shared = m.shared < 0 ? nullptr : step.memory_.at(m.shared);
            pass.scratch = scratch;
            pass.row_weights = batch.weights ? batch.weights + start : nullptr;
            pass.training = step.mode_.training;
            pass.draw = draw;
        }
    };
    T* edge(Index number, Index start) {
        const auto i = std::size_t(number);
        return memory_.at(edges_at_[i]) + start * edge_widths_[i];
    }

    using Method = void (Layer<T>::*)(const Tools<T>&, const Weights<T>&, const Pass<T>&) const;
    void call(std::size_t n, const Batch<T>& batch, const T* x, Index start, Index rows, Draw draw,
              T* scratch, Method method) {
        const Prepared p(*this, n, batch, x, start, rows, draw, scratch);
        (*net_.nodes()[n].layer.*method)(net_.tools(), weights(), p.pass);
    }

    // Rows of a value from `start` on.
    const T* at(Index v, const T* x, Index start) const {
        return (v ? memory_.at(memory_of_[std::size_t(v)].value) : x) + start * net_.width(v);
    }

    void run_backward(std::size_t stage, const Batch<T>& batch, const T* x, Index start, Index rows,
                      double factor, Draw draw, T* scratch, Witness<T> watch) {
        const Stage& s = stages_[stage];
        if (stage == turn_) begin_backward(batch, start, rows, factor);
        for (std::size_t n = s.backward_from; n-- > s.backward_to;) {
            const Node<T>& node = net_.nodes()[n];
            if (watch.vitals && (node.learns || node.pulled))
                watch.vitals->see_slope(n, start, rows, slope(n) + start * node.layer->outputs());
            if (!node.pulled) continue;
            call(n, batch, x, start, rows, draw, scratch, &Layer<T>::backward);
            for (std::size_t k = 0; k < node.from.size(); ++k) {
                const Index edge_of = memory_of_[n + 1].edges[k], v = node.from[k];
                if (edge_of < 0) continue;
                const Index width = net_.width(v);
                net_.tools().vectors().add(
                    rows * width, memory_.at(memory_of_[std::size_t(v)].slope) + start * width,
                    edge(edge_of, start));
            }
        }
        if (s.collects_back)
            call(s.backward_to - 1, batch, x, start, rows, draw, scratch, &Layer<T>::collect_back);
    }

    // The values of the loss and the slopes of the last node.
    void begin_backward(const Batch<T>& batch, Index start, Index rows, double factor) {
        const Batch<T> part = net_.part(batch, start, rows);
        const Index outputs = net_.outputs(), positions = net_.positions();
        const Memory& last = memory_of_.back();
        T* slope = memory_.at(last.slope) + start * outputs;
        net_.loss().value_and_slope(net_.tools(), rows * positions, outputs / positions,
                                    memory_.at(last.value) + start * outputs, part.target,
                                    memory_.at(values_at_) + start * net_.losses_of_row(), slope);
        const auto& scale = net_.tools().vectors().scale;
        if (!part.weights) return scale(rows * outputs, slope, T(factor));
        for (Index i = 0; i < rows; ++i, slope += outputs)
            if (part.weights[i] == T(0))
                std::fill(slope, slope + outputs, T(0));
            else
                scale(outputs, slope, T(double(part.weights[i]) * factor));
    }

    Net<T>& net_;
    Mode mode_;
    Index rows_;
    Arena<T> memory_, transposed_;
    std::vector<Memory> memory_of_;  // per value
    std::vector<Index> edge_widths_, edges_at_;
    Index size_ = 0, values_at_ = 0, scratch_ = 0, rows_together_ = 1;
    std::vector<Stage> stages_;
    std::size_t turn_ = 0;
    std::vector<Task> tasks_;
};

// The mean loss of a batch, and its gradient with respect to every parameter; `step` is left with
// the values and the slopes of the nodes.
template <class T>
double gradient(Net<T>& net, Step<T>& step, const Batch<T>& batch, Draw draw, T* gradients,
                int threads) {
    for (const Task& task : step.tasks()) step.finish(task);
    const double weight =
        batch.weights ? net.tools().vectors().sum(batch.rows, batch.weights) : double(batch.rows);
    Arena<T> x(batch.rows * net.inputs());
    for (Index i = 0; i < batch.rows; ++i)
        if (!batch.weights || batch.weights[i] != T(0)) batch.x.copy(i, 1, x.at(i * net.inputs()));
    const bool root = net.loss().root_of_mean();
    const double factor = root ? 1 : 1 / (weight * double(net.positions()));
    Arena<T> pass_scratch(step.scratch_of_rows(batch.rows));
    for (std::size_t stage = 0; stage < step.stages(); ++stage) {
        step.propagate(stage, batch, x.at(0), 0, batch.rows, factor, draw, pass_scratch.at(0));
        step.settle(stage, batch);
    }
    const Mean mean = net.mean(step.totals(batch));
    threads = useful_threads(threads, net.work() * double(batch.rows), 0);
    const Index room = step.scratch() + 64;
    Arena<T> scratch(threads * room);
    const auto count = static_cast<std::ptrdiff_t>(step.tasks().size());
    parallel_for(count, threads, [&](std::ptrdiff_t i, int member) {
        const Task& task = step.tasks()[std::size_t(i)];
        T* g = scratch.at(member * room);
        step.differentiate(task, batch, x.at(0), draw, g);
        if (root) net.tools().vectors().scale(task.count, g, T(mean.factor));
        for (const Range& r : task.ranges)
            std::copy_n(std::exchange(g, g + r.count), r.count, gradients + r.at);
    });
    if (root) step.scale_slopes(mean.factor);
    return mean.loss;
}

}  // namespace deltarule::engine
