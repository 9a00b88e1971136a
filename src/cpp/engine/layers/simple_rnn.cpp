// A plain recurrent layer (Elman 1990):
//
//   z = x W (I x H) + h_before U (H x H) + b,   h = f(z) for an activation f of the catalogue
//
// Back through time: dz = f'(z) dh,  dh_before = dz U^T.
#include "recurrent.hpp"
#include "rows_of_catalogue.hpp"

namespace deltarule::engine::layers {

template <class T>
class SimpleRnn final : public Recurrent<T> {
    DELTARULE_RECURRENT;

public:
    SimpleRnn(const Tools<T>& tools, const Record& r)
        : Recurrent<T>(Sequence(r), 1),
          row_(find_activation(tools, r.word("name"))),
          a_(r.numbers("parameters")) {
        if (row_->facts.width != kernels::Width::same)
            throw std::invalid_argument("The activation '" + r.word("name") +
                                        "' changes the width of its row.");
        if (r.flag("learns_state")) first_ = this->add_block("initial_hidden", {s_.units});
    }

    // z, h before a step, h after it; the slope of h at the beginning.
    std::vector<Index> kept(bool) const override {
        const Index n = s_.steps * s_.units;
        return {n, n, n, s_.units};
    }
    Index scratch(Index rows, bool) const override { return (2 * rows + 1) * s_.units; }

    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const Steps<T> steps(s_, p);
        const Index H = s_.units;
        T *z = p.kept[0], *before = p.kept[1], *after = p.kept[2];
        input_.apply(tools, w, p.rows * s_.steps, p.x[0], w.parameters + this->at(bias_), z);
        this->begin(steps, w, p.rows, before);
        for (Index s = 0; s < s_.steps; ++s) {
            const Index t = s_.time(s);
            multiply_strided(*tools.table, p.rows, H, H, steps.read(before, t, H), recurrent_.in(w),
                             H, steps.at(z, t, H), true);
            for (Index b = 0; b < p.rows; ++b) {
                T* h = steps.at(after, b, t, H);
                if (steps.exists(b, t))
                    row_->template loops<T>().value(1, H, steps.at(z, b, t, H), h, a_.at);
                else
                    std::copy_n(steps.at(before, b, t, H), H, h);
                steps.put(b, s, h);
                if (s + 1 < s_.steps) std::copy_n(h, H, steps.at(before, b, s_.time(s + 1), H));
            }
        }
    }

    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const Steps<T> steps(s_, p);
        const Index H = s_.units;
        T *z = p.kept[0], *after = p.kept[2];
        T *dh = p.scratch, *held = dh + p.rows * H, *dz = held + p.rows * H;
        std::fill_n(dh, p.rows * H, T(0));
        for (Index s = s_.steps - 1; s >= 0; --s) {
            const Index t = s_.time(s);
            for (Index b = 0; b < p.rows; ++b) {
                T* at = steps.at(z, b, t, H);
                if (const T* slope = steps.slope(b, s)) tools.vectors().add(H, dh + b * H, slope);
                if (steps.exists(b, t)) {
                    row_->template loops<T>().vjp(1, H, at, steps.at(after, b, t, H), dh + b * H,
                                                  dz, a_.at);
                    std::copy_n(dz, H, at);
                } else {
                    std::fill_n(at, H, T(0));
                    std::copy_n(dh + b * H, H, held + b * H);
                }
            }
            if (s_.cut_before(s) && s > 0) {
                std::fill_n(dh, p.rows * H, T(0));
                continue;
            }
            if (s == 0 && first_ < 0) break;
            multiply_strided<T>(*tools.table, p.rows, H, H, steps.read(z, t, H),
                                recurrent_.transposed(w), H, {dh, H}, false);
            for (Index b = 0; b < p.rows; ++b)
                if (!steps.exists(b, t)) std::copy_n(held + b * H, H, dh + b * H);
        }
        if (first_ >= 0) std::copy_n(dh, p.rows * H, p.kept[3]);
        this->give_to_inputs(tools, w, p, z);
    }

    std::vector<Tile> parts() const override {
        std::vector<Tile> tiles = recurrent_.parts();
        for (const Tile& t : input_.parts()) tiles.push_back(t);
        tiles.push_back(whole_row(bias_, s_.units));
        if (first_ >= 0) tiles.push_back(whole_row(first_, s_.units));
        return tiles;
    }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& t,
                       T* gradient, T*) const override {
        const Index n = p.rows * s_.steps;
        if (t.block == input_.block())
            return input_.differentiate(tools, n, p.x[0], p.kept[0], t, gradient);
        if (t.block == recurrent_.block())
            return recurrent_.differentiate(tools, n, p.kept[1], p.kept[0], t, gradient);
        if (t.block == bias_) return sum_rows<T>(*tools.table, n, s_.units, p.kept[0], gradient);
        sum_rows<T>(*tools.table, p.rows, s_.units, p.kept[3], gradient);
    }

private:
    const kernels::ActivationRow* row_;
    Arguments<T> a_;
};

DELTARULE_LAYER(simple_rnn, SimpleRnn)

}  // namespace deltarule::engine::layers
