// The largest or the mean number of every window of an image (height, width, channels), channel by
// channel; a sequence is an image of height 1.  What lies outside of the image does not count.
//
// The slope of a maximum goes to the first of the largest numbers.
#include <algorithm>

#include "all.hpp"

namespace deltarule::engine::layers {

template <class T>
class Pool final : public Layer<T> {
public:
    Pool(const Tools<T>&, const Record& r)
        : Layer<T>({r.count("height") * r.count("width") * r.count("channels")},
                   r.count("out_height") * r.count("out_width") * r.count("channels")),
          in_{r.count("height"), r.count("width")},
          out_{r.count("out_height"), r.count("out_width")},
          window_{r.count("window_height"), r.count("window_width")},
          stride_{r.count("stride_height"), r.count("stride_width")},
          before_{r.integer("pad_top"), r.integer("pad_left")},
          channels_(r.count("channels")),
          takes_largest_(r.flag("takes_largest")) {
        const auto fits = [](Index in, Index out, Index window, Index stride, Index before) {
            return before >= 0 && before < window && (out - 1) * stride - before < in;
        };
        if (!fits(in_.height, out_.height, window_.height, stride_.height, before_.height) ||
            !fits(in_.width, out_.width, window_.width, stride_.width, before_.width))
            throw std::invalid_argument("The shapes of a pooling layer do not fit together.");
    }

    bool keeps_delta() const override { return true; }
    bool rereads_output() const override { return takes_largest_; }
    Index scratch(Index, bool) const override { return channels_; }
    double work() const override {
        return double(this->outputs()) * double(window_.height * window_.width);
    }

    void forward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        const auto& v = tools.vectors();
        T* y = p.y;
        for_windows(p, [&](const T* image, T*, const Box& box) {
            bool first = true;
            for_places(box, [&](Index at) {
                if (first)
                    std::copy_n(image + at, channels_, y);
                else
                    (takes_largest_ ? v.maximum : v.add)(channels_, y, image + at);
                first = false;
            });
            if (!takes_largest_) v.scale(channels_, y, T(1) / T(box.size()));
            y += channels_;
        });
    }
    void backward(const Tools<T>& tools, const Weights<T>&, const Pass<T>& p) const override {
        const auto& v = tools.vectors();
        std::fill_n(p.dx[0], p.rows * this->inputs()[0], T(0));
        const T *y = p.y, *dy = p.dy;
        T* left = p.scratch;
        for_windows(p, [&](const T* image, T* slopes, const Box& box) {
            std::copy_n(dy, channels_, left);
            if (!takes_largest_) v.scale(channels_, left, T(1) / T(box.size()));
            for_places(box, [&](Index at) {
                if (takes_largest_)
                    v.give_to_maximum(channels_, image + at, y, left, slopes + at);
                else
                    v.add(channels_, slopes + at, left);
            });
            y += channels_, dy += channels_;
        });
    }

private:
    struct Extent {
        Index height, width;
    };
    struct Box {
        Index top, bottom, left, right;
        Index size() const { return (bottom - top) * (right - left); }
    };

    // f(image, its slopes, the window inside of it) of every output of every row of the pass.
    template <class F>
    void for_windows(const Pass<T>& p, const F& f) const {
        const auto first = [](Index i, Index stride, Index before) { return i * stride - before; };
        for (Index sample = 0; sample < p.rows; ++sample) {
            const T* image = p.x[0] + sample * this->inputs()[0];
            T* slopes = p.dx && p.dx[0] ? p.dx[0] + sample * this->inputs()[0] : nullptr;
            for (Index r = 0; r < out_.height; ++r)
                for (Index c = 0; c < out_.width; ++c) {
                    const Index top = first(r, stride_.height, before_.height),
                                left = first(c, stride_.width, before_.width);
                    f(image, slopes,
                      Box{std::max(top, Index{0}), std::min(top + window_.height, in_.height),
                          std::max(left, Index{0}), std::min(left + window_.width, in_.width)});
                }
        }
    }
    template <class F>
    void for_places(const Box& box, const F& f) const {
        for (Index r = box.top; r < box.bottom; ++r)
            for (Index c = box.left; c < box.right; ++c) f((r * in_.width + c) * channels_);
    }

    Extent in_, out_, window_, stride_, before_;
    Index channels_;
    bool takes_largest_;
};

DELTARULE_LAYER(pool, Pool)

}  // namespace deltarule::engine::layers
