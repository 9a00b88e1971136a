// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al.
// 2000).  Gates in the order input, forget, candidate, output; z is all four of a step:
//
//   z = x W (I x 4H) + h_before U (H x 4H) + b (4H)
//   i, f, o = sigmoid,  g = tanh,   c = f c_before + i g,   h = o tanh(c)
//
// Back through time: dz follows from dh and dc, dh_before = dz U^T, dc_before = f dc;
// dW = sum of x^T dz,  dU = sum of h_before^T dz,  db = sum of dz,  dx = dz W^T.
#include "recurrent.hpp"

namespace deltarule::engine::layers {

template <class T>
class Lstm final : public Recurrent<T> {
    DELTARULE_RECURRENT;

public:
    Lstm(const Tools<T>&, const Record& r) : Recurrent<T>(Sequence(r), 4) {
        if (!r.flag("learns_state")) return;
        first_ = this->add_block("initial_hidden", {s_.units});
        this->add_block("initial_cell", {s_.units});
    }

    // Gates, h before a step, c after it, what the cell keeps; slopes of the state at the
    // beginning.
    std::vector<Index> kept(bool) const override {
        const Index n = s_.steps * s_.units;
        return {4 * n, n, n, 3 * n, 2 * s_.units};
    }
    Index scratch(Index rows, bool) const override { return (3 * rows + 1) * s_.units; }

    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const Steps<T> steps(s_, p);
        const Index H = s_.units;
        T *gates = p.kept[0], *before = p.kept[1], *cells = p.kept[2], *rest = p.kept[3];
        T* zeros = p.scratch;
        std::fill_n(zeros, H, T(0));
        const T* c_first = first_ < 0 ? zeros : w.parameters + this->at(first_ + 1);
        input_.apply(tools, w, p.rows * s_.steps, p.x[0], w.parameters + this->at(bias_), gates);
        this->begin(steps, w, p.rows, before);
        for (Index s = 0; s < s_.steps; ++s) {
            const Index t = s_.time(s);
            if (s > 0 || first_ >= 0)
                multiply_strided(*tools.table, p.rows, H, 4 * H, steps.read(before, t, H),
                                 recurrent_.in(w), 4 * H, steps.at(gates, t, 4 * H), true);
            for (Index b = 0; b < p.rows; ++b) {
                const T* c_before = s ? steps.at(cells, b, s_.time(s - 1), H) : c_first;
                const T* h_before = steps.at(before, b, t, H);
                T *c = steps.at(cells, b, t, H), *h = p.scratch + H;
                if (steps.exists(b, t)) {
                    tools.cells().lstm(H, steps.at(gates, b, t, 4 * H), c_before, c, h,
                                       steps.at(rest, b, t, 3 * H));
                } else {
                    std::copy_n(c_before, H, c);
                    std::copy_n(h_before, H, h);
                }
                steps.put(b, s, h);
                if (s + 1 < s_.steps) std::copy_n(h, H, steps.at(before, b, s_.time(s + 1), H));
            }
        }
    }

    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const Steps<T> steps(s_, p);
        const Index H = s_.units;
        T *gates = p.kept[0], *cells = p.kept[2], *rest = p.kept[3];
        T *c_first = p.scratch, *dh = c_first + H, *dc = dh + p.rows * H, *held = dc + p.rows * H;
        if (first_ < 0)
            std::fill_n(c_first, H, T(0));
        else
            std::copy_n(w.parameters + this->at(first_ + 1), H, c_first);
        std::fill_n(dh, 2 * p.rows * H, T(0));
        for (Index s = s_.steps - 1; s >= 0; --s) {
            const Index t = s_.time(s);
            for (Index b = 0; b < p.rows; ++b) {
                const T* c_before = s ? steps.at(cells, b, s_.time(s - 1), H) : c_first;
                T* dz = steps.at(gates, b, t, 4 * H);
                if (const T* slope = steps.slope(b, s)) tools.vectors().add(H, dh + b * H, slope);
                if (steps.exists(b, t)) {
                    tools.cells().lstm_back(H, dz, c_before, steps.at(rest, b, t, 3 * H),
                                            dh + b * H, dc + b * H);
                } else {
                    std::fill_n(dz, 4 * H, T(0));
                    std::copy_n(dh + b * H, H, held + b * H);
                }
            }
            const bool cut = s_.cut_before(s);
            if (cut && s > 0) {
                std::fill_n(dh, 2 * p.rows * H, T(0));
                continue;
            }
            if (s == 0 && first_ < 0) break;
            multiply_strided<T>(*tools.table, p.rows, 4 * H, H, steps.read(gates, t, 4 * H),
                                recurrent_.transposed(w), H, {dh, H}, false);
            for (Index b = 0; b < p.rows; ++b)
                if (!steps.exists(b, t)) std::copy_n(held + b * H, H, dh + b * H);
        }
        for (Index b = 0; b < p.rows && first_ >= 0; ++b) {
            std::copy_n(dh + b * H, H, p.kept[4] + 2 * b * H);
            std::copy_n(dc + b * H, H, p.kept[4] + (2 * b + 1) * H);
        }
        this->give_to_inputs(tools, w, p, gates);
    }

    std::vector<Tile> parts() const override {
        std::vector<Tile> tiles = recurrent_.parts();
        for (const Tile& t : input_.parts()) tiles.push_back(t);
        tiles.push_back(whole_row(bias_, 4 * s_.units));
        if (first_ >= 0) {
            tiles.push_back(whole_row(first_, s_.units));
            tiles.push_back(whole_row(first_ + 1, s_.units));
        }
        return tiles;
    }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& t,
                       T* gradient, T*) const override {
        const Index n = p.rows * s_.steps, H = s_.units;
        const T* dz = p.kept[0];
        if (t.block == input_.block())
            return input_.differentiate(tools, n, p.x[0], dz, t, gradient);
        if (t.block == recurrent_.block())
            return recurrent_.differentiate(tools, n, p.kept[1], dz, t, gradient);
        if (t.block == bias_) return sum_rows(*tools.table, n, 4 * H, dz, gradient);
        static const T one = 1;
        product_loops<T>(*tools.table)
            .multiply(1, H, p.rows, {&one, 0, 0}, p.kept[4] + (t.block - first_) * H, 2 * H,
                      nullptr, 0, gradient, H);
    }
};

DELTARULE_LAYER(lstm, Lstm)

}  // namespace deltarule::engine::layers
