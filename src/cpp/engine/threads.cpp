#include "threads.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace deltarule::engine {
namespace {

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// Returns when `value` is no longer `old`: spins for about 100 microseconds, then sleeps.
template <class I>
void wait_for_change(std::atomic<I>& value, I old) {
    for (int i = 0; i < 5000; ++i) {
        if (value.load(std::memory_order_acquire) != old) return;
        pause();
    }
    while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

struct Job {
    TeamTask task;
    void* context;
    int members;
    Member::Meeting meeting;
};

class Pool {
public:
    bool claim() { return turn_.try_lock(); }

    // The claim ends with the job.
    void run(Job& job) {
        hire(job.members - 1);
        job.members = std::min(job.members, static_cast<int>(helpers_.size()) + 1);
        running_.store(job.members - 1, std::memory_order_relaxed);
        for (int i = 1; i < job.members; ++i) {
            Helper& helper = *helpers_[static_cast<std::size_t>(i - 1)];
            helper.job = &job;
            helper.calls.fetch_add(1);
            helper.calls.notify_one();
        }
        Member self(0, job.members, job.meeting);
        job.task(job.context, self);
        for (int left = running_.load(); left != 0; left = running_.load())
            wait_for_change(running_, left);
        turn_.unlock();
    }

private:
    struct alignas(64) Helper {
        std::atomic<std::uint32_t> calls{0};
        Job* job = nullptr;
        int index = 0;
    };

    // Fewer where the system gives no more threads.
    void hire(int wanted) {
        try {
            while (static_cast<int>(helpers_.size()) < wanted) {
                auto helper = std::make_unique<Helper>();
                helper->index = static_cast<int>(helpers_.size()) + 1;
                helpers_.reserve(helpers_.size() + 1);
                std::thread([this, h = helper.get()] { serve(*h); }).detach();
                helpers_.push_back(std::move(helper));
            }
        } catch (const std::exception&) {
        }
    }

    [[noreturn]] void serve(Helper& helper) {
        for (std::uint32_t seen = 0;; ++seen) {
            wait_for_change(helper.calls, seen);
            Job& job = *helper.job;
            Member self(helper.index, job.members, job.meeting);
            job.task(job.context, self);
            if (running_.fetch_sub(1) == 1) running_.notify_one();
        }
    }

    std::mutex turn_;
    std::vector<std::unique_ptr<Helper>> helpers_;
    std::atomic<int> running_{0};
};

std::atomic<Pool*> shared_pool{
    nullptr};  // never destroyed: its threads sleep when the process ends
std::mutex creating;

Pool& pool() {
    if (Pool* p = shared_pool.load(std::memory_order_acquire)) return *p;
    const std::lock_guard lock(creating);
    Pool* p = shared_pool.load();
    if (!p) {
        p = new Pool;
        shared_pool.store(p, std::memory_order_release);
    }
    return *p;
}

int count_threads() {
    for (const char* name : {"DELTARULE_NUM_THREADS", "OMP_NUM_THREADS"}) {
        const char* text = std::getenv(name);
        const int n = text ? std::atoi(text) : 0;
        if (n > 0) return std::min(n, most_threads);
    }
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        return std::clamp(CPU_COUNT(&allowed), 1, most_threads);
    return std::clamp(int(std::thread::hardware_concurrency()), 1, most_threads);
}

}  // namespace

void survive_forks() {
    // The child of a fork has none of the threads, so it forgets their pool.
    pthread_atfork([] { creating.lock(); }, [] { creating.unlock(); },
                   [] {
                       shared_pool.store(nullptr);
                       creating.unlock();
                   });
}

int thread_count() {
    static const int n = count_threads();
    return n;
}

void Member::wait_for_all() {
    if (count == 1) return;
    const std::uint32_t round = meeting_.round.load(std::memory_order_relaxed);
    if (meeting_.arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == count) {
        meeting_.arrived.store(0, std::memory_order_relaxed);
        meeting_.round.fetch_add(1);  // not a plain store: it must be seen before who waits is read
        meeting_.round.notify_all();
    } else {
        wait_for_change(meeting_.round, round);
    }
}

void together(int threads, TeamTask task, void* context) {
    Job job{task, context, std::min(threads, most_threads), {}};
    if (job.members > 1 && pool().claim()) return pool().run(job);
    job.members = 1;
    Member self(0, 1, job.meeting);
    task(context, self);
}

}  // namespace deltarule::engine
