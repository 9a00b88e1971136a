#include "threads.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace deltarule::engine {
namespace {

struct Job {
    std::ptrdiff_t n;
    void (*task)(void*, std::ptrdiff_t);
    void* context;
    std::atomic<std::ptrdiff_t> next{0};

    void work() {
        for (std::ptrdiff_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) task(context, i);
    }
};

class Pool {
public:
    explicit Pool(int helpers) {
        for (int i = 0; i < helpers; ++i) std::thread([this] { serve(); }).detach();
    }

    bool claim() { return turn_.try_lock(); }
    void run(Job& job) {
        {
            const std::lock_guard lock(mutex_);
            job_ = &job;
            ++generation_;
        }
        wake_.notify_all();
        job.work();
        std::unique_lock lock(mutex_);
        job_ = nullptr;  // a helper that wakes late finds nothing
        done_.wait(lock, [this] { return working_ == 0; });
        turn_.unlock();
    }

private:
    [[noreturn]] void serve() {
        std::uint64_t seen = 0;
        for (;;) {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return job_ && generation_ != seen; });
            seen = generation_;
            Job* job = job_;
            ++working_;
            lock.unlock();
            job->work();
            lock.lock();
            if (--working_ == 0) done_.notify_one();
        }
    }

    std::mutex turn_, mutex_;
    std::condition_variable wake_, done_;
    Job* job_ = nullptr;
    std::uint64_t generation_ = 0;
    int working_ = 0;
};

std::atomic<Pool*> shared_pool{
    nullptr};  // never destroyed: its threads wait until the process ends

Pool& pool() {
    Pool* p = shared_pool.load(std::memory_order_acquire);
    if (p) return *p;
    static std::mutex creating;
    const std::lock_guard lock(creating);
    p = shared_pool.load();
    if (!p) {
        static const int registered =
            pthread_atfork(nullptr, nullptr, [] { shared_pool.store(nullptr); });
        (void)registered;
        p = new Pool(thread_count() - 1);
        shared_pool.store(p, std::memory_order_release);
    }
    return *p;
}

int count_threads() {
    for (const char* name : {"DELTARULE_NUM_THREADS", "OMP_NUM_THREADS"}) {
        const char* text = std::getenv(name);
        const int n = text ? std::atoi(text) : 0;
        if (n > 0) return std::min(n, 256);
    }
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        return std::max(1, CPU_COUNT(&allowed));
    return std::max(1, int(std::thread::hardware_concurrency()));
}

}  // namespace

int thread_count() {
    static const int n = count_threads();
    return n;
}

void parallel_for(std::ptrdiff_t n, void (*task)(void*, std::ptrdiff_t), void* context) {
    Job job{n, task, context};
    if (n < 2 || thread_count() < 2 || !pool().claim()) return job.work();
    pool().run(job);
}

}  // namespace deltarule::engine
