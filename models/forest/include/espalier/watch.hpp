// A directory of models, followed, for C++17 applications: espalier/watch.h with lifetimes.
//
//   auto watch = espalier::embedded::Watch::Open("/mnt/models");
//   if (!watch.ok()) return Report(watch.status().message());
//   auto forest = watch->Get("flight-delay");               // for each request, or each batch of them
//   if (forest.ok()) auto scores = forest->Predict(rows);
//
// Safe to use from any number of threads. Copies share the watch; the last one closes it. Not from on_event,
// which must not throw either.
#ifndef ESPALIER_WATCH_HPP_
#define ESPALIER_WATCH_HPP_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "espalier/forest.hpp"
#include "espalier/watch.h"

namespace espalier::embedded {

struct WatchOptions {
  // See espalier_watch_options.
  uint32_t poll_millis = 1000;
  uint32_t latest = 0;
  bool manual = false;
  std::function<void(const espalier_watch_event& event)> on_event = {};
};

class Watch {
 public:
  static Result<Watch> Open(const std::string& directory, WatchOptions options = {}) {
    auto held = std::make_shared<Held>();
    held->on_event = std::move(options.on_event);
    espalier_watch_options c = {};
    c.struct_size = sizeof(c);
    c.poll_millis = options.poll_millis;
    c.latest = options.latest;
    c.manual = options.manual ? 1 : 0;
    if (held->on_event) c.on_event = &Held::Call;
    c.context = held.get();
    const espalier_status code = espalier_watch_open(directory.c_str(), &c, &held->watch);
    const Status status = Status::Of(code, espalier_forest_error());
    if (!status.ok()) return status;
    return Watch(std::move(held));
  }

  // `version`: a number or a label; empty: the champion, or the highest. The forest outlives the watch.
  Result<Forest> Get(const std::string& model, const std::string& version = "") const {
    espalier_forest* forest = nullptr;
    const espalier_status code = espalier_watch_get(held_->watch, model.c_str(), version.c_str(), &forest);
    return Forest::Adopt(code, forest);
  }

  Status Poll() {
    const espalier_status code = espalier_watch_poll(held_->watch);
    return Status::Of(code, espalier_forest_error());
  }

 private:
  struct Held {
    Held() = default;
    ~Held() { espalier_watch_close(watch); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

    static void Call(void* held, const espalier_watch_event* event) {
      static_cast<const Held*>(held)->on_event(*event);
    }

    std::function<void(const espalier_watch_event& event)> on_event;
    espalier_watch* watch = nullptr;
  };

  explicit Watch(std::shared_ptr<Held> held) : held_(std::move(held)) {}

  std::shared_ptr<Held> held_;
};

}  // namespace espalier::embedded

#endif  // ESPALIER_WATCH_HPP_
