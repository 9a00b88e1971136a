// A factor w per column, the last axis:
//
//   y = w * x,   dx = w * dy,   dw = sum of dy * x over the rows and positions
#include <algorithm>

#include "all.hpp"
#include "column_sums.hpp"

namespace deltarule::engine::layers {

template <class T>
class Scale final : public Layer<T> {
public:
    Scale(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns")},
                   r.count("positions") * r.count("columns")),
          positions_(r.count("positions")),
          columns_(r.count("columns")) {
        this->add_block("weight", {columns_}, true);
    }

    bool rereads_output() const override { return false; }
    double work() const override { return double(this->outputs()); }

    void forward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        multiply(w, p.rows, p.x[0], p.y);
    }
    void backward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        multiply(w, p.rows, p.dy, p.dx[0]);
    }

    std::vector<Tile> parts() const override { return parts_of_columns(columns_); }
    std::vector<Range> ranges(const Tile& t) const override {
        return {{this->at(0) + t.column, t.columns, true}};
    }
    Index part_scratch(const Tile& t) const override { return t.columns; }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& t,
                       T* gradient, T* scratch) const override {
        const T *x = p.x[0], *dy = p.dy;
        sum_over_rows(tools, p.rows * positions_, columns_, t, gradient, scratch,
                      [x, dy](Index i) { return dy[i] * x[i]; });
    }

private:
    void multiply(const Weights<T>& w, Index rows, const T* x, T* y) const {
        const T* const factor = w.parameters + this->at(0);
        for (Index i = 0; i < rows * positions_; ++i, x += columns_, y += columns_)
            for (Index c = 0; c < columns_; ++c) y[c] = factor[c] * x[c];
    }
    Index positions_, columns_;
};

DELTARULE_LAYER(scale, Scale)

}  // namespace deltarule::engine::layers
