// How a training is shared out: threads, the rows that each takes at a time, its scratch.
#pragma once

#include <algorithm>

#include "trainer.hpp"

namespace deltarule::engine {

template <class T>
TrainerSettings with_limits(TrainerSettings s, const Net<T>& net, Index rows) {
    s.batch_size = std::min(s.batch_size, rows);
    double whole = 0;  // layers that need the whole batch: two stages each, two meetings a stage
    for (const Node<T>& node : net.nodes()) whole += node.layer->needs_batch() ? 1 : 0;
    s.threads = useful_threads(s.threads, 3 * net.work() * double(s.batch_size), 4 * whole);
    return s;
}

// Rows that go through all layers together, in equal shares: few enough that what they need stays
// near the core, many enough that weights which do not stay there are read for many rows at once.
template <class T>
Index rows_of_chunk(Net<T>& net, Index batch, int threads, Index together) {
    Index numbers = net.inputs(), fill = 1;
    for (const Node<T>& node : net.nodes()) {
        numbers += 2 * node.layer->outputs();
        for (Index kept : node.layer->kept(true)) numbers += kept;
        fill = std::max(fill, node.layer->rows_to_fill());
    }
    constexpr Index near = Index(256) << 10, far = Index(512) << 10, most_bytes = Index(8) << 20;
    const Index bytes = numbers * Index(sizeof(T));
    const bool stays = net.parameters().size() * Index(sizeof(T)) < far;
    Index most = std::max(stays ? fill : 4 * fill, near / bytes);
    most = std::min(most, std::max(most_bytes / bytes, Index{4}));
    if (threads > 1)
        most = std::min(most, stays ? std::max(batch / (4 * threads), fill / 2) : most);
    most = std::max(most, Index{1});
    const Index chunks = std::max((batch + most - 1) / most, std::min(Index(threads), batch));
    const Index even = (batch + chunks - 1) / chunks;
    together = std::max(together, Vitals<T>::block);
    return (even + together - 1) / together * together;
}

// The scratch of a thread.
template <class T>
Index room_of(const Step<T>& step, Index chunk) {
    return std::max(step.scratch(), step.scratch_of_rows(chunk)) + 64;
}

}  // namespace deltarule::engine
