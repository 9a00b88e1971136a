// Batch normalisation (Ioffe and Szegedy 2015) of every channel, the last axis.  N: rows of the
// batch times positions; p_i: the weight of row i over the sum of all, 1/N where there are none.
//
//   training    mu = sum p_i x_i,  v = sum p_i (x_i - mu)^2,  k = 1 / sqrt(v + epsilon)
//               y = gamma (x - mu) k + beta
//               dbeta = sum dy = s,  dgamma = sum dy (x - mu) k = t
//               dx = gamma k (dy - p (s + (x - mu) k t))
//   else        the same with the running mean and variance for mu and v, dx = gamma k dy
//
// After a step  running = (1 - momentum) running + momentum (mu, v N / (N - 1)).
//
// Sums over the batch are made of sums over blocks of rows, one after another, so that they do not
// depend on who computed which.
#include <algorithm>
#include <bit>
#include <cmath>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class BatchNorm final : public Layer<T> {
public:
    BatchNorm(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns")},
                   r.count("positions") * r.count("columns")),
          positions_(r.count("positions")),
          channels_(r.count("columns")),
          momentum_(r.number("momentum")),
          epsilon_(r.number("epsilon")),
          frozen_(r.flag("frozen")) {
        this->add_block("gamma", {channels_});
        this->add_block("beta", {channels_});
        this->add_block("running_mean", {channels_}, false, false);
        this->add_block("running_variance", {channels_}, false, false);
    }

    bool needs_batch() const override { return !frozen_; }
    bool rereads_output() const override { return false; }
    // A power of two, so that the largest of several layers is a multiple of all.
    Index rows_together() const override {
        return Index(std::bit_floor(std::size_t(std::max(Index{1}, 64 / positions_))));
    }
    Index shared(Index rows) const override {
        return summary + 5 * channels_ + blocks(rows) * (2 * channels_ + 1);
    }
    Index scratch(Index rows, bool) const override { return channels_ + rows * positions_; }
    double work() const override { return 6.0 * double(this->outputs()); }

    // ---- forward
    void collect(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        const Shared s(*this, p.shared);
        for_blocks(p, [&](Index b, Index first, Index rows, const T* w) {
            s.weight(b) = T(tools.moments().columns(rows * positions_, channels_,
                                                    p.x[0] + first * this->outputs(), w, s.means(b),
                                                    s.squares(b)));
        });
    }
    void settle(const Tools<T>& tools, const Weights<T>& w, T* memory,
                const Whole& whole) const override {
        const Shared s(*this, memory);
        T *mean = s.mean, *squares = s.factor;
        std::fill(mean, mean + channels_, T(0));
        std::fill(squares, squares + channels_, T(0));
        double weight = 0;
        for (Index b = 0; b < blocks(whole.rows); ++b) {
            tools.moments().merge(channels_, weight, mean, squares, double(s.weight(b)), s.means(b),
                                  s.squares(b));
            weight += double(s.weight(b));
        }
        s.memory[0] = T(1 / weight);
        const double momentum = whole.momentum < 0 ? momentum_ : whole.momentum;
        const T* gamma = w.parameters + this->at(0);
        for (Index c = 0; c < channels_; ++c) {
            const double variance = double(squares[c]) / weight;
            if (momentum != 0) remember(w, c, momentum, double(mean[c]), variance, weight);
            s.inverse[c] = T(1 / std::sqrt(variance + epsilon_));
            s.factor[c] = gamma[c] * s.inverse[c];
        }
    }
    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const T* beta = w.parameters + this->at(1);
        const Index n = p.rows * positions_;
        if (needs_batch() && p.training) {
            const Shared s(*this, p.shared);
            return tools.moments().standardise(n, channels_, p.x[0], s.mean, s.factor, beta, p.y);
        }
        T* factor = p.scratch;
        for (Index c = 0; c < channels_; ++c)
            factor[c] = w.parameters[this->at(0) + c] * inverse_of_running(w, c);
        tools.moments().standardise(n, channels_, p.x[0], w.parameters + this->at(2), factor, beta,
                                    p.y);
    }

    // ---- backward
    void collect_back(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        const Shared s(*this, p.shared);
        for_blocks(p, [&](Index b, Index first, Index rows, const T*) {
            std::fill(s.means(b), s.means(b) + 2 * channels_, T(0));
            const Index at = first * this->outputs();
            tools.moments().project(rows * positions_, channels_, p.x[0] + at, p.dy + at, s.mean,
                                    s.inverse, s.means(b), s.squares(b));
        });
    }
    void settle_back(const Tools<T>& tools, const Weights<T>&, T* memory,
                     const Whole& whole) const override {
        const Shared s(*this, memory);
        std::fill(s.sums, s.sums + 2 * channels_, T(0));
        for (Index b = 0; b < blocks(whole.rows); ++b)
            tools.vectors().add(2 * channels_, s.sums, s.means(b));
    }
    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const Index n = p.rows * positions_;
        if (needs_batch() && p.training) {
            const Shared s(*this, p.shared);
            return tools.moments().pull_back(n, channels_, p.x[0], p.dy, s.mean, s.inverse,
                                             s.factor, s.sums, s.sums + channels_,
                                             position_weights(p), s.memory[0], p.dx[0]);
        }
        for (Index c = 0; c < channels_; ++c)
            p.scratch[c] = w.parameters[this->at(0) + c] * inverse_of_running(w, c);
        for (Index i = 0; i < n; ++i)
            tools.vectors().multiply(channels_, p.dy + i * channels_, p.scratch,
                                     p.dx[0] + i * channels_);
    }

    // ---- gradient: one part
    std::vector<Tile> parts() const override { return {{0, 1, 0, channels_}}; }
    std::vector<Range> ranges(const Tile&) const override {
        return {{this->at(0), channels_, false}, {this->at(1), channels_, false}};
    }
    Index part_scratch(const Tile&) const override { return channels_; }
    void differentiate(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p, const Tile&,
                       T* gradient, T* scratch) const override {
        T *dgamma = gradient, *dbeta = gradient + channels_;
        if (needs_batch() && p.training) {
            const Shared s(*this, p.shared);
            std::copy(s.sums + channels_, s.sums + 2 * channels_, dgamma);
            std::copy(s.sums, s.sums + channels_, dbeta);
            return;
        }
        std::fill(gradient, gradient + 2 * channels_, T(0));
        for (Index c = 0; c < channels_; ++c) scratch[c] = inverse_of_running(w, c);
        tools.moments().project(p.rows * positions_, channels_, p.x[0], p.dy,
                                w.parameters + this->at(2), scratch, dbeta, dgamma);
    }

private:
    static constexpr Index summary = 16;  // numbers; the first is 1 / weight

    // The memory of the batch: what holds for all of it, then for every block its two tables of
    // channels and its weight.
    struct Shared {
        T *memory, *mean, *inverse, *factor, *sums, *parts;
        Index channels;
        Shared(const BatchNorm& layer, T* m)
            : memory(m),
              mean(m + summary),
              inverse(mean + layer.channels_),
              factor(inverse + layer.channels_),
              sums(factor + layer.channels_),
              parts(sums + 2 * layer.channels_),
              channels(layer.channels_) {}
        T* means(Index block) const { return parts + block * (2 * channels + 1); }
        T* squares(Index block) const { return means(block) + channels; }
        T& weight(Index block) const { return *(means(block) + 2 * channels); }
    };

    Index blocks(Index rows) const { return (rows + rows_together() - 1) / rows_together(); }

    // f(block of the batch, its first row in the pass, rows, weights of their positions)
    template <class F>
    void for_blocks(const Pass<T>& p, const F& f) const {
        const Index size = rows_together();
        const T* weights = position_weights(p);
        for (Index first = 0; first < p.rows; first += size)
            f((p.start + first) / size, first, std::min(size, p.rows - first),
              weights ? weights + first * positions_ : nullptr);
    }
    // The weight of its row for every position; null: all 1.
    const T* position_weights(const Pass<T>& p) const {
        if (!p.row_weights || positions_ == 1) return p.row_weights;
        for (Index i = 0; i < p.rows; ++i)
            std::fill_n(p.scratch + i * positions_, positions_, p.row_weights[i]);
        return p.scratch;
    }
    void remember(const Weights<T>& w, Index c, double momentum, double mean, double variance,
                  double n) const {
        T &m = w.parameters[this->at(2) + c], &v = w.parameters[this->at(3) + c];
        m = T((1 - momentum) * double(m) + momentum * mean);
        if (n < 2) return;  // one number has no variance
        variance *= n / (n - 1);
        v = T((1 - momentum) * double(v) + momentum * variance);
    }
    T inverse_of_running(const Weights<T>& w, Index c) const {
        return T(1 / std::sqrt(double(w.parameters[this->at(3) + c]) + epsilon_));
    }

    Index positions_, channels_;
    double momentum_, epsilon_;
    bool frozen_;
};

DELTARULE_LAYER(batch_norm, BatchNorm)

}  // namespace deltarule::engine::layers
