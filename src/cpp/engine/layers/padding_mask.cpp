// Which time steps exist: 0 where all features of a step are the padding value, else 1.
#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class PaddingMask final : public Layer<T> {
public:
    PaddingMask(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns")}, r.count("positions")),
          columns_(r.count("columns")),
          padding_(T(r.number("padding"))) {}

    bool rereads_output() const override { return false; }

    void forward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        const T* x = p.x[0];
        for (Index i = 0; i < p.rows * this->outputs(); ++i, x += columns_)
            p.y[i] = std::all_of(
                         x, x + columns_,
                         [this](T v) { return v == padding_ || (v != v && padding_ != padding_); })
                         ? T(0)
                         : T(1);
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        if (p.dx[0]) std::fill_n(p.dx[0], p.rows * this->inputs()[0], T(0));
    }

private:
    Index columns_;
    T padding_;
};

DELTARULE_LAYER(padding_mask, PaddingMask)

}  // namespace deltarule::engine::layers
