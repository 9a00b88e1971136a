// An activation with one learned parameter a per channel, the last axis (PReLU):
//
//   y = f(x; a_c),   dx = dy * f'(x; a_c),   da_c = sum of dy * df/da over the rows and positions
//
// A channel is brought together before it is computed: R numbers of one parameter at a time.
#include <algorithm>

#include "rows_of_catalogue.hpp"

namespace deltarule::engine::layers {

template <class T>
class ChannelActivation final : public Layer<T> {
public:
    ChannelActivation(const Tools<T>& tools, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns")},
                   r.count("positions") * r.count("columns")),
          row_(find_activation(tools, r.word("name"))),
          positions_(r.count("positions")),
          channels_(r.count("columns")) {
        if (!row_->facts.trainable)
            throw std::invalid_argument("The activation '" + r.word("name") + "' learns nothing.");
        this->add_block("slope", {channels_});
    }

    Index scratch(Index rows, bool training) const override {
        return (training ? 4 : 2) * rows * positions_;
    }
    void forward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        const Index n = p.rows * positions_;
        T *x = p.scratch, *y = x + n;
        for (Index c = 0; c < channels_; ++c) {
            const Arguments<T> a = argument(w, c);
            take(n, c, p.x[0], x);
            row_->template loops<T>().value(n, 1, x, y, a.at);
            for (Index i = 0; i < n; ++i) p.y[i * channels_ + c] = y[i];
        }
    }
    void backward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        const Index n = p.rows * positions_;
        T *x = p.scratch, *y = x + n, *dy = y + n, *dx = dy + n;
        for (Index c = 0; c < channels_; ++c) {
            const Arguments<T> a = argument(w, c);
            take(n, c, p.x[0], x);
            take(n, c, p.y, y);
            take(n, c, p.dy, dy);
            row_->template loops<T>().vjp(n, 1, x, y, dy, dx, a.at);
            for (Index i = 0; i < n; ++i) p.dx[0][i * channels_ + c] = dx[i];
        }
    }

    std::vector<Tile> parts() const override { return {{0, 1, 0, channels_}}; }
    std::vector<Range> ranges(const Tile&) const override {
        return {{this->at(0), channels_, false}};
    }
    Index part_scratch(const Tile&) const override { return 2 * block; }
    void differentiate(const Tools<T>&, const Weights<T>& w, const Pass<T>& p, const Tile&,
                       T* gradient, T* scratch) const override {
        const Index n = p.rows * positions_;
        T *x = scratch, *dy = x + block;
        for (Index c = 0; c < channels_; ++c) {
            const Arguments<T> a = argument(w, c);
            double sum = 0;
            for (Index i = 0; i < n; i += block) {
                const Index some = std::min(block, n - i);
                take(some, c, p.x[0] + i * channels_, x);
                take(some, c, p.dy + i * channels_, dy);
                sum += row_->template loops<T>().parameter_slope[0](some, x, dy, a.at);
            }
            gradient[c] = T(sum);
        }
    }

private:
    static constexpr Index block = 1024;
    void take(Index n, Index c, const T* from, T* to) const {
        for (Index i = 0; i < n; ++i) to[i] = from[i * channels_ + c];
    }
    Arguments<T> argument(const Weights<T>& w, Index c) const {
        return Arguments<T>(w.parameters + this->at(0) + c, 1);
    }
    const kernels::ActivationRow* row_;
    Index positions_, channels_;
};

DELTARULE_LAYER(channel_activation, ChannelActivation)

}  // namespace deltarule::engine::layers
