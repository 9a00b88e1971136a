// A table of N vectors of D numbers:  y = the vectors of the codes x, one per position.
//
//   dW[k] = sum of dy over the positions whose code is k
//
// A code that is no integer of 0 ... N - 1 gives NaN: who has the data checks it.
#include <algorithm>
#include <limits>

#include "weights.hpp"

namespace deltarule::engine::layers {

template <class T>
class Embedding final : public Layer<T> {
public:
    Embedding(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("positions")}, r.count("positions") * r.count("units")),
          positions_(r.count("positions")),
          table_(*this, "weight", r.count("codes"), r.count("units")) {}

    bool rereads_output() const override { return false; }
    double work() const override { return double(this->outputs()); }

    void forward(const Tools<T>&, const Weights<T>& w, const Pass<T>& p) const override {
        const Index d = table_.columns;
        for (Index i = 0; i < p.rows * positions_; ++i) {
            const Index code = code_of(p.x[0][i]);
            if (code < 0)
                std::fill_n(p.y + i * d, d, std::numeric_limits<T>::quiet_NaN());
            else
                std::copy_n(table_.in(w) + code * d, d, p.y + i * d);
        }
    }
    // Codes have no slope.
    void backward(const Tools<T>&, const Weights<T>&, const Pass<T>& p) const override {
        std::fill_n(p.dx[0], p.rows * positions_, T(0));
    }

    std::vector<Tile> parts() const override {
        const Index d = table_.columns, high = std::max(Index{1}, Index{16384} / d);
        std::vector<Tile> tiles;
        for (Index i = 0; i < table_.rows; i += high)
            tiles.push_back({i, std::min(high, table_.rows - i), 0, d});
        return tiles;
    }
    std::vector<Range> ranges(const Tile& part) const override { return table_.ranges(part); }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& part,
                       T* gradient, T*) const override {
        const Index d = table_.columns;
        std::fill_n(gradient, part.rows * d, T(0));
        for (Index i = 0; i < p.rows * positions_; ++i) {
            const Index row = code_of(p.x[0][i]) - part.row;
            if (row >= 0 && row < part.rows)
                tools.vectors().add(d, gradient + row * d, p.dy + i * d);
        }
    }

private:
    Index code_of(T x) const {
        return x >= T(0) && x < T(table_.rows) && T(Index(x)) == x ? Index(x) : -1;
    }
    Index positions_;
    Matrix<T> table_;
};

DELTARULE_LAYER(embedding, Embedding)

}  // namespace deltarule::engine::layers
