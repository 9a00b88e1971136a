// Layers that feed each other, and a loss: parameters, predictions, the loss on any rows.
//
// Values are numbered: 0 is X, i + 1 is what node i computes, and a node reads values before it.
// How a net learns is in step.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "features.hpp"
#include "layer.hpp"
#include "loss.hpp"
#include "threads.hpp"

namespace deltarule::engine {

// How the parameters of a layer are trained; penalties and the limit are for weights, not for
// biases.
struct Controls {
    bool trained = true;
    double rate = 1;                 // factor of the learning rate
    double l1 = 0, l2 = 0;           // added to the loss: l1 sum |w| + l2 / 2 sum w^2
    double decay = 0;                // w shrinks by the learning rate times this (decoupled)
    double bias_rate = 1;            // factor of the learning rate of what does not decay
    double scale = 1;                // w is this times the weights that the optimizer steps along
    double largest_norm = INFINITY;  // of the weights of a unit
};

template <class T>
struct Node {
    std::unique_ptr<Layer<T>> layer;
    std::vector<Index> from;  // values
    Controls controls{};
    // Set by the net:
    bool learns = false;      // it has parameters that are trained
    std::vector<bool> pulls;  // per input: whether anybody wants its slope
    bool pulled = false;      // whether its backward is called
};

inline constexpr std::size_t most_inputs = 8, most_kept = 8;

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
    // The loss is that of `positions` equal parts of the last value of a row, and their mean.
    Net(Tools<T> tools, std::vector<Node<T>> nodes, Index inputs, Index positions, Loss<T> loss)
        : tools_(tools),
          nodes_(std::move(nodes)),
          inputs_(inputs),
          positions_(positions),
          loss_(std::move(loss)) {
        Layout<T> parameters, transposes;
        std::vector<bool> reached{false};
        for (std::size_t n = 0; n < nodes_.size(); ++n) connect(n, reached);
        if (positions < 1 || outputs() % positions != 0)
            throw std::invalid_argument("The outputs of a net are equal parts of its last value.");
        for (Node<T>& node : nodes_) {
            for (Block& block : node.layer->blocks()) block.at = parameters.add(block.size());
            node.layer->place(transposes, std::ranges::count(node.pulls, true) > 0);
            work_ += node.layer->work();
        }
        parameters_ = Arena<T>(parameters.size());
        transposed_size_ = transposes.size();
        assign_slots();
    }

    const Tools<T>& tools() const { return tools_; }
    const std::vector<Node<T>>& nodes() const { return nodes_; }
    const Loss<T>& loss() const { return loss_; }
    Arena<T>& parameters() { return parameters_; }
    // The transposed weights belong to who goes backward; forward needs none.
    Weights<T> weights(T* transposed = nullptr) { return {parameters_.at(0), transposed}; }
    Index transposed_size() const { return transposed_size_; }
    Index inputs() const { return inputs_; }
    Index outputs() const { return nodes_.back().layer->outputs(); }
    Index positions() const { return positions_; }
    Index width(Index value) const {
        return value == 0 ? inputs_ : nodes_[std::size_t(value - 1)].layer->outputs();
    }
    Index consumers(Index value) const { return consumers_[std::size_t(value)]; }
    // Values of the loss of a row.
    Index losses_of_row() const { return loss_.rowwise() ? positions_ : outputs(); }

    // Floating-point operations of one row forward, nearly: the threads that pay follow from it.
    double work() const { return work_; }

    // The raw predictions of any number of rows, into z (rows x outputs).
    void predict(Index rows, const Features<T>& x, T* z, int threads) {
        in_chunks(rows, threads, [&](Index start, Index n, T* scratch) {
            forward(n, x.from(start), scratch, z + start * outputs());
        });
    }

    // The mean loss of any number of rows, each weighted.
    double mean_loss(const Batch<T>& all, int threads) {
        const Index most = rows_of_chunk(all.rows), chunks = (all.rows + most - 1) / most;
        std::vector<Totals> parts(static_cast<std::size_t>(chunks));
        in_chunks(all.rows, threads, [&](Index start, Index n, T* scratch) {
            T *z = scratch, *values = z + n * outputs();
            forward(n, all.x.from(start), values + n * outputs(), z);
            const Batch<T> batch = part(all, start, n);
            loss_.value(tools_, n * positions_, outputs() / positions_, z, batch.target, values);
            parts[static_cast<std::size_t>(start / most)] = totals(batch, values);
        });
        Totals sum;
        for (const Totals& t : parts) sum.loss += t.loss, sum.weight += t.weight;
        return mean(sum).loss;
    }

    // Rows start ... start + rows - 1 of a batch.
    Batch<T> part(const Batch<T>& all, Index start, Index rows) const {
        const kernels::Target<T>& t = all.target;
        return {rows,
                all.x.from(start),
                {t.values ? t.values + start * outputs() : nullptr,
                 t.codes ? t.codes + start * positions_ : nullptr},
                all.weights ? all.weights + start : nullptr};
    }

    // Sums the values of a batch in a fixed order.  Rows of weight 0 are as good as absent,
    // whatever they hold.
    Totals totals(const Batch<T>& batch, const T* values) const {
        const auto& sum = tools_.vectors().sum;
        const Index per_row = losses_of_row();
        if (!batch.weights) return {sum(batch.rows * per_row, values), double(batch.rows)};
        Totals result{0, sum(batch.rows, batch.weights)};
        for (Index i = 0; i < batch.rows; ++i)
            if (batch.weights[i] != T(0))
                result.loss += double(batch.weights[i]) * sum(per_row, values + i * per_row);
        return result;
    }

    Mean mean(const Totals& totals) const {
        const double weight = totals.weight * double(positions_);
        if (!loss_.root_of_mean()) return {totals.loss / weight, 1 / weight};
        const double count = totals.weight * double(outputs()),
                     root = std::sqrt(totals.loss / count);
        return {root, root > 0 ? 0.5 / (root * count) : 0};
    }

private:
    static constexpr double work_of_thread = 4e6;  // operations that are worth a second thread

    // Checks what node n reads and finds out which slopes it has to give.
    void connect(std::size_t n, std::vector<bool>& reached) {
        Node<T>& node = nodes_[n];
        const std::vector<Index>& widths = node.layer->inputs();
        if (node.from.size() != widths.size() || widths.size() > most_inputs ||
            node.layer->kept(true).size() > most_kept)
            throw std::invalid_argument("A layer reads another number of values than it is given.");
        consumers_.resize(n + 2);
        for (std::size_t k = 0; k < widths.size(); ++k) {
            const Index v = node.from[k];
            if (v < 0 || v > Index(n) || width(v) != widths[k])
                throw std::invalid_argument("A layer reads a value of another width.");
            ++consumers_[std::size_t(v)];
            node.pulls.push_back(reached[std::size_t(v)]);
            node.pulled = node.pulled || node.pulls.back();
        }
        for (const Block& block : node.layer->blocks())
            node.learns = node.learns || (block.trained && node.controls.trained);
        reached.push_back(node.learns || node.pulled);
        node.pulled = node.pulled || (node.learns && node.layer->needs_pull());
    }

    // Which values may have the same memory in predictions.
    void assign_slots() {
        const std::size_t count = nodes_.size() + 1;
        std::vector<std::size_t> last(count, 0);
        for (std::size_t n = 0; n < nodes_.size(); ++n)
            for (Index v : nodes_[n].from) last[std::size_t(v)] = n;
        slot_of_.assign(count, 0);
        std::vector<std::size_t> free_after;  // per slot: the node that last reads what it holds
        for (std::size_t n = 0; n + 1 < nodes_.size(); ++n) {
            std::size_t s = 0;
            while (s < free_after.size() && free_after[s] >= n) ++s;
            if (s == free_after.size()) free_after.push_back(0), slot_widths_.push_back(0);
            slot_of_[n + 1] = s;
            free_after[s] = std::max(last[n + 1], n);
            slot_widths_[s] = std::max(slot_widths_[s], width(Index(n) + 1));
        }
        for (const Node<T>& node : nodes_) {
            Index kept = 0;
            for (Index k : node.layer->kept(false)) kept += k;
            widest_kept_ = std::max(widest_kept_, kept);
        }
    }

    Index numbers_of_row() const {
        Index n = inputs_ + 2 * outputs() + widest_kept_;
        for (Index w : slot_widths_) n += w;
        return n;
    }
    // Rows that go through all layers together: a number that depends on nothing but the net.
    Index rows_of_chunk(Index rows) const {
        constexpr Index most = 240, numbers = Index{1} << 21;
        return std::min(rows, std::clamp(numbers / numbers_of_row(), Index{1}, most));
    }
    Index scratch_of_layers(Index rows) const {
        Index most = 0;
        for (const Node<T>& node : nodes_) most = std::max(most, node.layer->scratch(rows, false));
        return most;
    }

    // Calls f(start, rows, scratch) for all rows in chunks of a fixed size.
    template <class F>
    void in_chunks(Index rows, int threads, const F& f) {
        const Index most = rows_of_chunk(rows), chunks = rows ? (rows + most - 1) / most : 0;
        const double pays = 1 + work() * double(rows) / work_of_thread;
        threads = int(std::min({double(threads), pays, double(chunks)}));
        const Index room = most * numbers_of_row() + scratch_of_layers(most) + 64;
        Arena<T> scratch(std::max(threads, 1) * room);
        parallel_for(chunks, threads, [&](std::ptrdiff_t c, int member) {
            f(c * most, std::min(most, rows - c * most), scratch.at(member * room));
        });
    }

    // The raw predictions of a few rows.
    void forward(Index rows, const Features<T>& features, T* scratch, T* z) {
        T* next = scratch;
        const auto take = [&next, rows](Index width) {
            return std::exchange(next, next + rows * width);
        };
        const T* x = features.dense();
        if (!x) {
            T* copied = take(inputs_);
            features.copy(0, rows, copied);
            x = copied;
        }
        T* const slots = next;
        for (Index w : slot_widths_) next += rows * w;
        T* const kept = take(widest_kept_);
        const auto at = [&](Index value) -> T* {
            if (value == Index(nodes_.size())) return z;
            T* p = slots;
            for (std::size_t s = 0; s < slot_of_[std::size_t(value)]; ++s)
                p += rows * slot_widths_[s];
            return p;
        };
        for (std::size_t n = 0; n < nodes_.size(); ++n) {
            const Node<T>& node = nodes_[n];
            const T* from[most_inputs];
            T* left[most_kept];
            for (std::size_t k = 0; k < node.from.size(); ++k)
                from[k] = node.from[k] ? at(node.from[k]) : x;
            std::size_t arrays = 0;
            T* where = kept;
            for (Index k : node.layer->kept(false)) left[arrays++] = where, where += rows * k;
            Pass<T> pass;
            pass.rows = rows, pass.x = from, pass.y = at(Index(n) + 1);
            pass.kept = left, pass.scratch = next;
            node.layer->forward(tools_, weights(), pass);
        }
    }

    Tools<T> tools_;
    std::vector<Node<T>> nodes_;
    Index inputs_, positions_, transposed_size_ = 0;
    Loss<T> loss_;
    std::vector<Index> consumers_;  // per value
    std::vector<std::size_t> slot_of_;
    std::vector<Index> slot_widths_;
    Index widest_kept_ = 0;
    double work_ = 0;
    Arena<T> parameters_;
};

}  // namespace deltarule::engine
