#include "services/rpc/connection_gate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr int kBacklog = 1024;

// How long the gate rests when the process has no descriptors left.
constexpr int kRestMillis = 50;

// GOAWAY of HTTP/2 (RFC 9113, 6.8): no error, and no stream that was begun is left out.
constexpr unsigned char kGoaway[] = {0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0};

// Below this many bytes that the peer has not taken, the socket's buffer has room, so gRPC is in the middle
// of no frame: it writes whole frames, unless the buffer is full.
constexpr int kQuietBytes = 4096;

// How often, a millisecond apart, a busy connection is tried.
constexpr int kGoawayRounds = 500;

absl::Status SocketError(std::string_view action, const ConnectionGate::Options& options) {
  const int error = errno;
  if (error == EADDRINUSE) {
    return Error(absl::StatusCode::kAlreadyExists, "port ", options.port, " on ", options.address,
                 " is already in use");
  }
  return absl::ErrnoToStatus(error, StrCat("cannot ", action, " ", options.address, ":", options.port));
}

struct FreeAddress {
  void operator()(addrinfo* info) const { freeaddrinfo(info); }
};

absl::StatusOr<std::unique_ptr<addrinfo, FreeAddress>> Resolve(const ConnectionGate::Options& options) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(options.address.c_str(), StrCat(options.port).c_str(), &hints, &found) != 0) {
    return InvalidArgument("'", options.address, "' is not an IPv4 or IPv6 address to bind to");
  }
  return std::unique_ptr<addrinfo, FreeAddress>(found);
}

std::string BoundAddress(int listener) {
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &size);
  char host[INET6_ADDRSTRLEN] = {};
  if (bound.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bound);
    inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
    return StrCat("[", host, "]:", ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound);
  inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
  return StrCat(host, ":", ntohs(v4.sin_port));
}

void Watch(int poller, int fd, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionGate>> ConnectionGate::Listen(const Options& options) {
  ESPALIER_ASSIGN_OR_RETURN(const auto address, Resolve(options));
  const int listener = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return SocketError("open a socket for", options);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(listener, address->ai_addr, address->ai_addrlen) != 0 || listen(listener, kBacklog) != 0) {
    const absl::Status status = SocketError("listen on", options);
    close(listener);
    return status;
  }
  return std::unique_ptr<ConnectionGate>(new ConnectionGate(listener, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                                                            epoll_create1(EPOLL_CLOEXEC),
                                                            BoundAddress(listener), options.max_connections));
}

ConnectionGate::ConnectionGate(int listener, int wake, int poller, std::string address, int max_connections)
    : listener_(listener),
      wake_(wake),
      poller_(poller),
      address_(std::move(address)),
      max_connections_(max_connections) {}

ConnectionGate::~ConnectionGate() {
  if (thread_.joinable()) {
    Wake(Phase::kEnded);
    thread_.join();
  }
  for (const int duplicate : open_) close(duplicate);
  if (listener_ >= 0) close(listener_);
  close(wake_);
  close(poller_);
}

void ConnectionGate::Wake(Phase phase) {
  phase_.store(phase);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
}

void ConnectionGate::Dismiss() { Wake(Phase::kDismissing); }

bool ConnectionGate::AwaitEmpty(std::chrono::milliseconds timeout) {
  MutexLock lock(mutex_);
  return lock.WaitFor(changed_, timeout, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return count_ == 0; });
}

void ConnectionGate::Start(std::function<void(int fd)> accept) {
  accept_ = std::move(accept);
  Watch(poller_, listener_, EPOLLIN);
  Watch(poller_, wake_, EPOLLIN);
  thread_ = std::thread([this] { Run(); });
}

int ConnectionGate::WaitMillis() const {
  if (!untold_.empty()) return 1;
  return resting_ ? kRestMillis : -1;
}

void ConnectionGate::Run() {
  std::array<epoll_event, 64> events;
  while (phase_.load() != Phase::kEnded) {
    const int count = epoll_wait(poller_, events.data(), events.size(), WaitMillis());
    if (resting_ && listener_ >= 0) {
      Watch(poller_, listener_, EPOLLIN);
      resting_ = false;
    }
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wake_) {
        Heed();
      } else if (fd == listener_) {
        AcceptAll();
      } else {
        Forget(fd);
      }
    }
    if (!untold_.empty()) SayGoaway();
  }
}

// What Wake asked for.
void ConnectionGate::Heed() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = read(wake_, &count, sizeof(count));
  if (phase_.load() != Phase::kDismissing || listener_ < 0) return;
  epoll_ctl(poller_, EPOLL_CTL_DEL, listener_, nullptr);
  close(listener_);
  listener_ = -1;
  untold_ = open_;
}

// Those that stay busy for all rounds are left to the server's own GOAWAY.
void ConnectionGate::SayGoaway() {
  for (auto next = untold_.begin(); next != untold_.end();) {
    int waiting = 0;
    const bool quiet = ioctl(*next, SIOCOUTQ, &waiting) == 0 && waiting < kQuietBytes;
    if (quiet) send(*next, kGoaway, sizeof(kGoaway), MSG_DONTWAIT | MSG_NOSIGNAL);
    next = quiet ? untold_.erase(next) : std::next(next);
  }
  if (++goaway_rounds_ >= kGoawayRounds) untold_.clear();
}

// A connection ended. Its duplicate is taken off the poller before it is closed: the server's own descriptor
// may keep the socket alive, and the poller would go on telling of a number that by then is somebody else's.
void ConnectionGate::Forget(int duplicate) {
  epoll_ctl(poller_, EPOLL_CTL_DEL, duplicate, nullptr);
  close(duplicate);
  open_.erase(duplicate);
  untold_.erase(duplicate);
  {
    MutexLock lock(mutex_);
    count_ = open_.size();
  }
  changed_.notify_all();
}

// Without descriptors the listener would stay readable and the thread would spin.
void ConnectionGate::Rest() {
  epoll_ctl(poller_, EPOLL_CTL_DEL, listener_, nullptr);
  resting_ = true;
}

void ConnectionGate::AcceptAll() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) Rest();
      return;
    }
    const bool allowed = open_.size() < static_cast<size_t>(max_connections_);
    const int watched = allowed ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (watched < 0) {
      close(fd);
      continue;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    open_.insert(watched);
    {
      MutexLock lock(mutex_);
      count_ = open_.size();
    }
    // Hang-ups only: EPOLLRDHUP when the client leaves, EPOLLHUP when the server shuts the socket down.
    Watch(poller_, watched, EPOLLRDHUP);
    accept_(fd);
  }
}

}  // namespace espalier
