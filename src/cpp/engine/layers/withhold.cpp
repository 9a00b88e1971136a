// Its input as it is; rows that are withheld give no slope.  Reads the input and X, whose `column`
// says for every row from whom it is withheld:
//
//   y = x,   dx = dy where X[column] is not `code`, else 0
#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Withhold final : public Layer<T> {
public:
    Withhold(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("columns"), r.count("inputs")}, r.count("columns")),
          inputs_(r.count("inputs")),
          column_(r.integer("column")),
          code_(T(r.integer("code"))) {
        if (column_ < 0 || column_ >= inputs_) throw std::invalid_argument("X has no such column.");
    }

    bool rereads_output() const override { return false; }
    bool keeps_delta() const override { return true; }
    double work() const override { return 0; }

    void forward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        std::copy_n(p.x[0], p.rows * this->outputs(), p.y);
    }
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        const Index n = this->outputs();
        for (Index i = 0; p.dx[0] && i < p.rows; ++i)
            if (p.training && p.x[1][i * inputs_ + column_] == code_)
                std::fill_n(p.dx[0] + i * n, n, T(0));
            else
                std::copy_n(p.dy + i * n, n, p.dx[0] + i * n);
        if (p.dx[1]) std::fill_n(p.dx[1], p.rows * inputs_, T(0));
    }

private:
    Index inputs_, column_;
    T code_;
};

DELTARULE_LAYER(withhold, Withhold)

}  // namespace deltarule::engine::layers
