// Dropout: in training every number is set to 0 with the probability `rate`, the others are divided
// by 1 - rate (Srivastava et al. 2014).  AlphaDropout (Klambauer et al. 2017) sets numbers to the
// lower limit of selu instead and rescales, so that mean 0 and variance 1 are kept:
//
//   y = m x + n,   dx = m dy:   plain  m = 0 or 1 / (1 - rate), n = 0
//                               alpha  m = 0 or a,              n = b, or b + a limit where m = 0
//
// What is dropped follows from (seed, step, place in the batch), not from who computes it.
#include <algorithm>
#include <cmath>

#include "../random.hpp"
#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Dropout final : public Layer<T> {
public:
    Dropout(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("columns")}, r.count("columns")),
          rate_(r.number("rate")),
          stream_(static_cast<std::uint64_t>(r.integer("stream"))),
          alpha_(r.flag("alpha")) {
        if (!(rate_ >= 0 && rate_ < 1))
            throw std::invalid_argument("The rate of a dropout must be in [0, 1).");
    }

    bool overwrites() const override { return true; }
    bool rereads_output() const override { return false; }
    std::vector<Index> kept(bool training) const override {
        return training ? std::vector<Index>{this->outputs()} : std::vector<Index>{};
    }

    void forward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        const Index n = p.rows * this->outputs();
        if (!p.training) {
            if (p.y != p.x[0]) std::copy(p.x[0], p.x[0] + n, p.y);
            return;
        }
        const auto stream =
            static_cast<std::uint64_t>(Stream::dropout) | stream_ << 40 | p.draw.step;
        const double rate = rate_ * p.draw.dropout;
        constexpr double limit = -1.7580993408473766;  // of selu, - scale alpha
        const double a = 1 / std::sqrt((1 - rate) * (1 + rate * limit * limit));
        tools.vectors().draw_kept(n, p.draw.seed, stream,
                                  static_cast<std::uint64_t>(p.start * this->outputs()), rate,
                                  T(alpha_ ? a : 1 / (1 - rate)), p.kept[0]);
        tools.vectors().multiply(n, p.x[0], p.kept[0], p.y);
        if (!alpha_) return;
        const T shift = T(-a * rate * limit), dropped = shift + T(a * limit);
        for (Index i = 0; i < n; ++i) p.y[i] += p.kept[0][i] == T(0) ? dropped : shift;
    }
    void backward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        const Index n = p.rows * this->outputs();
        if (p.training) return tools.vectors().multiply(n, p.dy, p.kept[0], p.dx[0]);
        if (p.dx[0] != p.dy) std::copy(p.dy, p.dy + n, p.dx[0]);
    }

private:
    double rate_;
    std::uint64_t stream_;
    bool alpha_;
};

DELTARULE_LAYER(dropout, Dropout)

}  // namespace deltarule::engine::layers
