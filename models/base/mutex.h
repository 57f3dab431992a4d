// An annotated std::mutex: the compiler checks locks (clang -Wthread-safety), and ThreadSanitizer sees them,
// which it does not for a prebuilt absl::Mutex.
//
//   Mutex mutex_;
//   int count_ ABSL_GUARDED_BY(mutex_);
//   ...
//   MutexLock lock(mutex_);
//   lock.Wait(changed_, [&] { return count_ > 0; });
#ifndef ESPALIER_MODELS_BASE_MUTEX_H_
#define ESPALIER_MODELS_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace espalier {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

using CondVar = std::condition_variable;

// Holds a Mutex for a scope, and waits on conditions under it.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : lock_(mutex.mutex_) {}
  ~MutexLock() ABSL_UNLOCK_FUNCTION() = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  // Returns when `condition` holds; it is evaluated under the lock.
  template <typename Condition>
  void Wait(CondVar& changed, Condition condition) {
    changed.wait(lock_, condition);
  }

  // The same, or after `timeout`; returns whether `condition` holds.
  template <typename Condition>
  bool WaitFor(CondVar& changed, std::chrono::nanoseconds timeout, Condition condition) {
    return changed.wait_for(lock_, timeout, condition);
  }

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_MUTEX_H_
