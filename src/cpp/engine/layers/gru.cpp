// Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as cuDNN, PyTorch
// and Keras have it.  Gates in the order reset, update, candidate:
//
//   z = x W (I x 3H) + b (3H);  the first 2H columns of h_before U (H x 3H) are added to z
//   u = h_before U_candidate + q (H)
//   r, k = sigmoid,  g = tanh(z_candidate + r u),   h = k h_before + (1 - k) g
//
// Back through time: dz and du follow from dh; dh_before = k dh + dz U_gates^T + du U_candidate^T.
#include "recurrent.hpp"

namespace deltarule::engine::layers {

template <class T>
class Gru final : public Recurrent<T> {
    DELTARULE_RECURRENT;

public:
    Gru(const Tools<T>&, const Record& r)
        : Recurrent<T>(Sequence(r), 3),
          recurrent_bias_(this->add_block("recurrent_bias", {s_.units})) {
        if (r.flag("learns_state")) first_ = this->add_block("initial_hidden", {s_.units});
    }

    // Gates, h before a step, u and the slope of the tanh, du; the slope of h at the beginning.
    std::vector<Index> kept(bool) const override {
        const Index n = s_.steps * s_.units;
        return {3 * n, n, 2 * n, n, s_.units};
    }
    Index scratch(Index rows, bool) const override { return (2 * rows + 2) * s_.units; }

    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const Steps<T> steps(s_, p);
        const Index H = s_.units;
        T *gates = p.kept[0], *before = p.kept[1], *rest = p.kept[2];
        T *u = p.scratch, *h = u + p.rows * H;
        const T *q = w.parameters + this->at(recurrent_bias_), *weights = recurrent_.in(w);
        input_.apply(tools, w, p.rows * s_.steps, p.x[0], w.parameters + this->at(bias_), gates);
        this->begin(steps, w, p.rows, before);
        for (Index s = 0; s < s_.steps; ++s) {
            const Index t = s_.time(s);
            const Strided<const T> h_before = steps.read(before, t, H);
            multiply_strided(*tools.table, p.rows, H, 2 * H, h_before, weights, 3 * H,
                             steps.at(gates, t, 3 * H), true);
            product_loops<T>(*tools.table)
                .multiply(p.rows, H, H, {h_before.at, h_before.step, 1}, weights + 2 * H, 3 * H, q,
                          0, u, H);
            for (Index b = 0; b < p.rows; ++b) {
                const T* old = steps.at(before, b, t, H);
                if (steps.exists(b, t))
                    tools.cells().gru(H, steps.at(gates, b, t, 3 * H), u + b * H, old, h,
                                      steps.at(rest, b, t, 2 * H));
                else
                    std::copy_n(old, H, h);
                steps.put(b, s, h);
                if (s + 1 < s_.steps) std::copy_n(h, H, steps.at(before, b, s_.time(s + 1), H));
            }
        }
    }

    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const Steps<T> steps(s_, p);
        const Index H = s_.units;
        T *gates = p.kept[0], *before = p.kept[1], *rest = p.kept[2], *du = p.kept[3];
        T* dh = p.scratch;
        std::fill_n(dh, p.rows * H, T(0));
        const T* weights = recurrent_.transposed(w);  // 3H x H
        for (Index s = s_.steps - 1; s >= 0; --s) {
            const Index t = s_.time(s);
            for (Index b = 0; b < p.rows; ++b) {
                T *dz = steps.at(gates, b, t, 3 * H), *part = steps.at(du, b, t, H);
                if (const T* slope = steps.slope(b, s)) tools.vectors().add(H, dh + b * H, slope);
                if (steps.exists(b, t)) {
                    tools.cells().gru_back(H, dz, steps.at(before, b, t, H),
                                           steps.at(rest, b, t, 2 * H), dh + b * H, part);
                } else {
                    std::fill_n(dz, 3 * H, T(0));
                    std::fill_n(part, H, T(0));
                }
            }
            if (s_.cut_before(s) && s > 0) {
                std::fill_n(dh, p.rows * H, T(0));
                continue;
            }
            if (s == 0 && first_ < 0) break;
            multiply_strided<T>(*tools.table, p.rows, 2 * H, H, steps.read(gates, t, 3 * H),
                                weights, H, {dh, H}, true);
            multiply_strided<T>(*tools.table, p.rows, H, H, steps.read(du, t, H),
                                weights + 2 * H * H, H, {dh, H}, true);
        }
        if (first_ >= 0) std::copy_n(dh, p.rows * H, p.kept[4]);
        this->give_to_inputs(tools, w, p, gates);
    }

    // The recurrent weights of the gates apart from those of the candidate, whose slope is du.
    std::vector<Tile> parts() const override {
        constexpr Index high = 48;
        const Index H = s_.units;
        std::vector<Tile> tiles = input_.parts();
        for (Index i = 0; i < H; i += high) {
            tiles.push_back({i, std::min(high, H - i), 0, 2 * H, recurrent_.block()});
            tiles.push_back({i, std::min(high, H - i), 2 * H, H, recurrent_.block()});
        }
        tiles.push_back(whole_row(bias_, 3 * H));
        tiles.push_back(whole_row(recurrent_bias_, H));
        if (first_ >= 0) tiles.push_back(whole_row(first_, H));
        return tiles;
    }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& t,
                       T* gradient, T*) const override {
        const Index n = p.rows * s_.steps, H = s_.units;
        const T *dz = p.kept[0], *du = p.kept[3];
        if (t.block == input_.block())
            return input_.differentiate(tools, n, p.x[0], dz, t, gradient);
        if (t.block == recurrent_.block()) {
            const bool gates = t.column == 0;
            return product_loops<T>(*tools.table)
                .multiply(t.rows, t.columns, n, {p.kept[1] + t.row, 1, H}, gates ? dz : du,
                          gates ? 3 * H : H, nullptr, 0, gradient, t.columns);
        }
        if (t.block == bias_) return sum_rows(*tools.table, n, 3 * H, dz, gradient);
        if (t.block == recurrent_bias_) return sum_rows(*tools.table, n, H, du, gradient);
        sum_rows<T>(*tools.table, p.rows, H, p.kept[4], gradient);
    }

private:
    Index recurrent_bias_;
};

DELTARULE_LAYER(gru, Gru)

}  // namespace deltarule::engine::layers
