// Any row of the catalogue as a layer:  y = f(x),  dx = dy * f'(x)  (dx = J^T dy for a row-wise
// one, over the last axis).
#include "rows_of_catalogue.hpp"

namespace deltarule::engine::layers {

template <class T>
class Activation final : public Layer<T> {
public:
    Activation(const Tools<T>& tools, const Record& r)
        : Activation(r, find_activation(tools, r.word("name")),
                     Arguments<T>(r.numbers("parameters"))) {}

    // Where the slope does not read x, y may overwrite it.
    bool overwrites() const override {
        return row_->facts.slope_reads != kernels::Reads::x && width_ == columns_;
    }
    bool rereads_output() const override { return row_->facts.slope_reads == kernels::Reads::y; }

    void forward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        row_->template loops<T>().value(p.rows * positions_, columns_, p.x[0], p.y, a_.at);
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        row_->template loops<T>().vjp(p.rows * positions_, columns_, p.x[0], p.y, p.dy, p.dx[0],
                                      a_.at);
    }

private:
    Activation(const Record& r, const kernels::ActivationRow* row, const Arguments<T>& a)
        : Activation(r, row, a,
                     kernels::width_after(row->facts.width, r.count("columns"), double(a.at[0]))) {}
    Activation(const Record& r, const kernels::ActivationRow* row, const Arguments<T>& a,
               Index width)
        : Layer<T>({r.count("positions") * r.count("columns")}, r.count("positions") * width),
          row_(row),
          a_(a),
          positions_(r.count("positions")),
          columns_(r.count("columns")),
          width_(width) {}

    const kernels::ActivationRow* row_;
    Arguments<T> a_;
    Index positions_, columns_, width_;
};

DELTARULE_LAYER(activation, Activation)

}  // namespace deltarule::engine::layers
