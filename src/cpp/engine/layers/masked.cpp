// Steps that exist as they are, the others as zeros:  y = x or 0,  dx = dy or 0.
#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Masked final : public Layer<T> {
public:
    Masked(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns"), r.count("positions")},
                   r.count("positions") * r.count("columns")),
          columns_(r.count("columns")) {}

    bool rereads_output() const override { return false; }

    void forward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        choose(p, p.x[0], p.y);
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        if (p.dx[0]) choose(p, p.dy, p.dx[0]);
        if (p.dx[1]) std::fill_n(p.dx[1], p.rows * this->inputs()[1], T(0));
    }

private:
    void choose(const Pass<T>& p, const T* from, T* to) const {
        for (Index i = 0; i < p.rows * this->inputs()[1]; ++i, from += columns_, to += columns_)
            if (p.x[1][i] == T(0))
                std::fill_n(to, columns_, T(0));
            else if (to != from)
                std::copy_n(from, columns_, to);
    }
    Index columns_;
};

DELTARULE_LAYER(masked, Masked)

}  // namespace deltarule::engine::layers
