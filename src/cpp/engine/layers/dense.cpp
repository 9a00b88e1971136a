// Fully connected layer.  Letters: B rows (of the batch, or its positions), I inputs, U units.
//
//   forward    y (B x U)  = x (B x I) W (I x U) + b
//   backward   dx (B x I) = dy W^T: dot products of long rows; for short ones a product with a
//                           transposed copy of W, which every update renews
//   gradient   dW (I x U) = x^T dy, tile by tile,   db (U) = column sums of dy
#include "weights.hpp"

namespace deltarule::engine::layers {

template <class T>
class Dense final : public Layer<T> {
public:
    Dense(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions") * r.count("inputs")},
                   r.count("positions") * r.count("units")),
          positions_(r.count("positions")),
          weights_(*this, "weight", r.count("inputs"), r.count("units")),
          bias_(r.flag("bias") ? this->add_block("bias", {weights_.columns}) : -1) {}

    void place(Layout<T>& transposes, bool pulls_back) override {
        if (pulls_back) weights_.place(transposes);
    }
    bool rereads_output() const override { return false; }
    Index rows_to_fill() const override { return std::max(Index{1}, 96 / positions_); }
    double work() const override { return 2.0 * double(positions_ * weights_.size()); }

    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        weights_.apply(tools, w, p.rows * positions_, p.x[0], bias(w), p.y);
    }
    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        weights_.apply_transposed(tools, w, p.rows * positions_, p.dy, p.dx[0]);
    }

    std::vector<Tile> parts() const override {
        std::vector<Tile> tiles = weights_.parts();
        if (bias_ >= 0) tiles.push_back({0, 1, 0, weights_.columns, int(bias_)});
        return tiles;
    }
    std::vector<Range> ranges(const Tile& part) const override {
        if (part.block == bias_) return {{this->at(bias_), part.columns, false}};
        return weights_.ranges(part);
    }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& part,
                       T* gradient, T*) const override {
        const Index rows = p.rows * positions_;
        if (part.block == bias_) return sum_rows(*tools.table, rows, part.columns, p.dy, gradient);
        weights_.differentiate(tools, rows, p.x[0], p.dy, part, gradient);
    }
    void finish(const Tools<T>& tools, const Weights<T>& w, const Tile& part) const override {
        if (part.block != bias_) weights_.finish(tools, w, part);
    }

private:
    const T* bias(const Weights<T>& w) const {
        return bias_ < 0 ? nullptr : w.parameters + this->at(bias_);
    }
    Index positions_;
    Matrix<T> weights_;
    Index bias_;
};

DELTARULE_LAYER(dense, Dense)

}  // namespace deltarule::engine::layers
