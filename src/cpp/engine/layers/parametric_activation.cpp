// An activation that every column, the last axis, has a share of (Holzmueller et al. 2024):
//
//   y = x + a (f(x) - x),   dx = dy (1 + a (f'(x) - 1)),   da = sum of dy (f(x) - x) over the rows
//
// f(x) is kept.
#include "column_sums.hpp"
#include "rows_of_catalogue.hpp"

namespace deltarule::engine::layers {

template <class T>
class ParametricActivation final : public Layer<T> {
public:
    ParametricActivation(const Tools<T>& tools, const Record& r)
        : Layer<T>({r.count("positions") * r.count("columns")},
                   r.count("positions") * r.count("columns")),
          row_(find_activation(tools, r.word("name"))),
          a_(r.numbers("parameters")),
          positions_(r.count("positions")),
          columns_(r.count("columns")) {
        if (row_->kind != kernels::Kind::elementwise)
            throw std::invalid_argument("The activation '" + r.word("name") + "' is row-wise.");
        this->add_block("blend", {columns_}, true);
    }

    bool rereads_output() const override { return false; }
    std::vector<Index> kept(bool) const override { return {this->outputs()}; }
    double work() const override { return 5.0 * double(this->outputs()); }

    void forward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        const Index n = p.rows * positions_;
        row_->template loops<T>().value(n, columns_, p.x[0], p.kept[0], a_.at);
        blend(w, n, p.x[0], p.kept[0], p.y);
    }
    void backward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        const Index n = p.rows * positions_;
        T* const dx = p.dx[0];
        row_->template loops<T>().vjp(n, columns_, p.x[0], p.kept[0], p.dy, dx, a_.at);
        blend(w, n, p.dy, dx, dx);
    }

    std::vector<Tile> parts() const override { return parts_of_columns(columns_); }
    std::vector<Range> ranges(const Tile& t) const override {
        return {{this->at(0) + t.column, t.columns, true}};
    }
    Index part_scratch(const Tile& t) const override { return t.columns; }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& t,
                       T* gradient, T* scratch) const override {
        const T *x = p.x[0], *f = p.kept[0], *dy = p.dy;
        sum_over_rows(tools, p.rows * positions_, columns_, t, gradient, scratch,
                      [x, f, dy](Index i) { return dy[i] * (f[i] - x[i]); });
    }

private:
    // to = u + a (v - u); `to` may be v.
    void blend(const Weights<T>& w, Index rows, const T* u, const T* v, T* to) const {
        const T* const a = w.parameters + this->at(0);
        for (Index i = 0; i < rows; ++i, u += columns_, v += columns_, to += columns_)
            for (Index c = 0; c < columns_; ++c) to[c] = u[c] + a[c] * (v[c] - u[c]);
    }
    const kernels::ActivationRow* row_;
    Arguments<T> a_;
    Index positions_, columns_;
};

DELTARULE_LAYER(parametric_activation, ParametricActivation)

}  // namespace deltarule::engine::layers
