// Convolution of an image (height, width, channels) with F filters; a sequence is an image of
// height 1.  Letters: K = kernel height * width * channels numbers of the patch under a filter.
//
//   forward    y (positions x F) = patches (positions x K) W (K x F) + b
//   backward   dpatches = dy W^T, each added to where it was taken from
//   gradient   dW (K x F) = patches^T dy,   db (F) = sums of dy
//
// Patches are made of some rows of the output at a time and never kept.
#include "weights.hpp"

namespace deltarule::engine::layers {

template <class T>
class Convolution final : public Layer<T> {
public:
    Convolution(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("height") * r.count("width") * r.count("channels")},
                   r.count("out_height") * r.count("out_width") * r.count("units")),
          in_{r.count("height"), r.count("width")},
          out_{r.count("out_height"), r.count("out_width")},
          kernel_{r.count("kernel_height"), r.count("kernel_width")},
          stride_{r.count("stride_height"), r.count("stride_width")},
          dilation_{r.count("dilation_height"), r.count("dilation_width")},
          before_{r.integer("pad_top"), r.integer("pad_left")},
          channels_(r.count("channels")),
          weights_(*this, "weight", kernel_.height * kernel_.width * channels_, r.count("units"),
                   shape(r.numbers("shape"))),
          bias_(r.flag("bias") ? this->add_block("bias", {weights_.columns}) : -1) {
        Index size = 1;
        for (Index n : this->blocks()[0].shape) size *= n;
        if (size != weights_.size())
            throw std::invalid_argument("The shape of the weights of a convolution is another.");
    }

    void place(Layout<T>& transposes, bool pulls_back) override {
        if (pulls_back) weights_.place_copy(transposes);
    }
    bool rereads_output() const override { return false; }
    Index scratch(Index, bool) const override { return patch_numbers(weights_.rows); }
    double work() const override { return 2.0 * double(positions()) * double(weights_.size()); }

    void forward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        const T* bias = bias_ < 0 ? nullptr : w.parameters + this->at(bias_);
        if (is_plain()) return weights_.apply(tools, w, p.rows * positions(), p.x[0], bias, p.y);
        for_patches(p, weights_.rows, [&](Index sample, Index first, Index rows) {
            gather(p.x[0] + sample * this->inputs()[0], first, rows, 0, weights_.rows, p.scratch);
            weights_.apply(tools, w, rows * out_.width, p.scratch, bias,
                           p.y + at(sample, first) * weights_.columns);
        });
    }
    void backward(const Tools<T>& tools, const Weights<T>& w, const Pass<T>& p) const override {
        if (is_plain())
            return weights_.apply_transposed(tools, w, p.rows * positions(), p.dy, p.dx[0]);
        std::fill_n(p.dx[0], p.rows * this->inputs()[0], T(0));
        for_patches(p, weights_.rows, [&](Index sample, Index first, Index rows) {
            weights_.apply_transposed(tools, w, rows * out_.width,
                                      p.dy + at(sample, first) * weights_.columns, p.scratch);
            scatter(tools, p.scratch, first, rows, p.dx[0] + sample * this->inputs()[0]);
        });
    }

    std::vector<Tile> parts() const override {
        std::vector<Tile> tiles = weights_.parts(4);
        if (bias_ >= 0) tiles.push_back({0, 1, 0, weights_.columns, int(bias_)});
        return tiles;
    }
    std::vector<Range> ranges(const Tile& part) const override {
        if (part.block == bias_) return {{this->at(bias_), part.columns, false}};
        return weights_.ranges(part);
    }
    Index part_scratch(const Tile& part) const override {
        return part.block == bias_ ? 0 : patch_numbers(part.rows);
    }
    void differentiate(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p, const Tile& part,
                       T* gradient, T* scratch) const override {
        if (part.block == bias_)
            return sum_rows(*tools.table, p.rows * positions(), part.columns, p.dy, gradient);
        if (is_plain())
            return weights_.differentiate(tools, p.rows * positions(), p.x[0], p.dy, part,
                                          gradient);
        std::fill_n(gradient, part.rows * part.columns, T(0));
        for_patches(p, part.rows, [&](Index sample, Index first, Index rows) {
            gather(p.x[0] + sample * this->inputs()[0], first, rows, part.row, part.row + part.rows,
                   scratch);
            const T* dy = p.dy + at(sample, first) * weights_.columns + part.column;
            product_loops<T>(*tools.table)
                .multiply(part.rows, part.columns, rows * out_.width, {scratch, 1, part.rows}, dy,
                          weights_.columns, gradient, part.columns, gradient, part.columns);
        });
    }
    void finish(const Tools<T>& tools, const Weights<T>& w, const Tile& part) const override {
        if (part.block != bias_) weights_.finish(tools, w, part);
    }

private:
    struct Extent {
        Index height, width;
    };

    static std::vector<Index> shape(const std::vector<double>& numbers) {
        return {numbers.begin(), numbers.end()};
    }
    Index positions() const { return out_.height * out_.width; }
    Index at(Index sample, Index row) const { return (sample * out_.height + row) * out_.width; }
    using Layer<T>::at;
    // Patches are the image itself.
    bool is_plain() const {
        return kernel_.height * kernel_.width == 1 && stride_.height * stride_.width == 1 &&
               before_.height + before_.width == 0 && out_.height == in_.height &&
               out_.width == in_.width;
    }

    // Rows of the output at a time, of patches of `numbers` numbers: what stays near the core.
    Index rows_at_a_time(Index numbers) const {
        constexpr Index near = 16384;
        return std::clamp(near / (numbers * out_.width), Index{1}, out_.height);
    }
    Index patch_numbers(Index numbers) const {
        return is_plain() ? 0 : rows_at_a_time(numbers) * out_.width * numbers;
    }
    // f(sample of the pass, first row of the output, rows)
    template <class F>
    void for_patches(const Pass<T>& p, Index numbers, const F& f) const {
        const Index most = rows_at_a_time(numbers);
        for (Index sample = 0; sample < p.rows; ++sample)
            for (Index first = 0; first < out_.height; first += most)
                f(sample, first, std::min(most, out_.height - first));
    }

    // Numbers `from` ... `to` - 1 of each patch, whose kernel row i they belong to: f(offset in the
    // patch, where in the image, count), count < 0 for so many numbers outside of it.
    template <class F>
    void for_segments(Index row, Index column, Index from, Index to, const F& f) const {
        const Index line = kernel_.width * channels_;
        const Index left = column * stride_.width - before_.width;
        for (Index i = from / line; i * line < to; ++i) {
            const Index y = row * stride_.height - before_.height + i * dilation_.height;
            const Index a = std::max(from - i * line, Index{0}), b = std::min(to - i * line, line);
            if (y < 0 || y >= in_.height) {
                f(i * line + a, 0, a - b);
                continue;
            }
            if (dilation_.width == 1) {
                const Index first = std::clamp(-left * channels_, a, b);
                const Index last = std::clamp((in_.width - left) * channels_, first, b);
                if (a < first) f(i * line + a, 0, a - first);
                f(i * line + first, (y * in_.width + left) * channels_ + first, last - first);
                if (last < b) f(i * line + last, 0, last - b);
                continue;
            }
            for (Index k = a; k < b;) {
                const Index j = k / channels_, x = left + j * dilation_.width;
                const Index end = std::min(b, (j + 1) * channels_);
                const bool inside = x >= 0 && x < in_.width;
                f(i * line + k, (y * in_.width + x) * channels_ + k % channels_,
                  inside ? end - k : k - end);
                k = end;
            }
        }
    }
    void gather(const T* image, Index first, Index rows, Index from, Index to, T* patches) const {
        for (Index r = first; r < first + rows; ++r)
            for (Index c = 0; c < out_.width; ++c, patches += to - from)
                for_segments(r, c, from, to, [&](Index offset, Index where, Index n) {
                    T* target = patches + offset - from;
                    if (n > 0)
                        std::copy_n(image + where, n, target);
                    else
                        std::fill_n(target, -n, T(0));
                });
    }
    void scatter(const Tools<T>& tools, const T* patches, Index first, Index rows, T* image) const {
        const auto& add = tools.vectors().add;
        for (Index r = first; r < first + rows; ++r)
            for (Index c = 0; c < out_.width; ++c, patches += weights_.rows)
                for_segments(r, c, 0, weights_.rows, [&](Index offset, Index where, Index n) {
                    if (n > 0) add(n, image + where, patches + offset);
                });
    }

    Extent in_, out_, kernel_, stride_, dilation_, before_;
    Index channels_;
    Matrix<T> weights_;
    Index bias_;
};

DELTARULE_LAYER(convolution, Convolution)

}  // namespace deltarule::engine::layers
