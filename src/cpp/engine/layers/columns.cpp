// Some columns of the last axis, one beside the other:  y = x[..., first : first + count]
#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Columns final : public Layer<T> {
public:
    Columns(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns")},
                   r.count("positions") * r.count("count")),
          positions_(r.count("positions")),
          columns_(r.count("columns")),
          first_(r.integer("first")),
          count_(r.count("count")) {
        if (first_ < 0 || first_ > columns_ - count_)
            throw std::invalid_argument("Columns lie within the last axis of what they are of.");
    }

    bool rereads_output() const override { return false; }
    bool keeps_delta() const override { return true; }
    double work() const override { return double(this->outputs()); }

    void forward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        for (Index i = 0; i < p.rows * positions_; ++i)
            std::copy_n(p.x[0] + i * columns_ + first_, count_, p.y + i * count_);
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        std::fill_n(p.dx[0], p.rows * positions_ * columns_, T(0));
        for (Index i = 0; i < p.rows * positions_; ++i)
            std::copy_n(p.dy + i * count_, count_, p.dx[0] + i * columns_ + first_);
    }

private:
    Index positions_, columns_, first_, count_;
};

DELTARULE_LAYER(columns, Columns)

}  // namespace deltarule::engine::layers
