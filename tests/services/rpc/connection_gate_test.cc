#include "services/rpc/connection_gate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "models/base/mutex.h"

namespace espalier {
namespace {

// A client's socket, closed with its scope.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { close(fd_); }

  int port() const {
    sockaddr_in address = {};
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

  // Waits for the other side to close.
  bool WasClosed() const {
    char byte;
    return recv(fd_, &byte, 1, 0) <= 0;
  }

 private:
  const int fd_;
};

int PeerPort(int fd) {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
  return ntohs(address.sin_port);
}

// Holds what the gate hands over, as a server would.
class ConnectionGateTest : public ::testing::Test {
 protected:
  ~ConnectionGateTest() override {
    gate_.reset();
    for (const int fd : accepted_) close(fd);
  }

  void Open(int max_connections) {
    auto gate =
        ConnectionGate::Listen({.address = "127.0.0.1", .port = 0, .max_connections = max_connections});
    ASSERT_TRUE(gate.ok()) << gate.status();
    gate_ = *std::move(gate);
    port_ = std::stoi(gate_->address().substr(gate_->address().rfind(':') + 1));
    gate_->Start([this](int fd) {
      {
        MutexLock lock(mutex_);
        accepted_.push_back(fd);
      }
      changed_.notify_all();
    });
  }

  // The descriptor of the `count`th connection that was handed over.
  int Accepted(size_t count) {
    MutexLock lock(mutex_);
    lock.Wait(changed_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return accepted_.size() >= count; });
    return accepted_[count - 1];
  }

  int port_ = 0;
  Mutex mutex_;
  CondVar changed_;
  std::vector<int> accepted_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ConnectionGate> gate_;
};

TEST_F(ConnectionGateTest, AClientThatLeavesTakesNobodyElsesDescriptor) {
  Open(1000);
  // The server holds on to its side, so the sockets live on, hung up, while others come.
  for (int i = 0; i < 100; ++i) {
    {
      const Client gone(port_);
      Accepted(2 * i + 1);
    }
    const Client stays(port_);
    const int fd = Accepted(2 * i + 2);
    ASSERT_EQ(PeerPort(fd), stays.port()) << "connection " << i;
  }
  for (size_t i = 1; i <= 200; ++i) EXPECT_GE(fcntl(Accepted(i), F_GETFD), 0) << "connection " << i;
}

TEST_F(ConnectionGateTest, ClosesConnectionsAboveTheCapAndTakesNewOnesWhenSomeEnd) {
  Open(2);
  const Client first(port_);
  {
    const Client second(port_);
    Accepted(2);
    EXPECT_TRUE(Client(port_).WasClosed());
  }
  // The gate learns of the end by itself; until then a newcomer is closed.
  size_t taken = 2;
  while (taken == 2) {
    const Client next(port_);
    MutexLock lock(mutex_);
    lock.WaitFor(changed_, std::chrono::milliseconds(100),
                 [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return accepted_.size() > 2; });
    taken = accepted_.size();
  }
  EXPECT_GT(taken, 2u);
}

TEST_F(ConnectionGateTest, RefusesAPortInUseAndWhatIsNoAddress) {
  Open(1);
  EXPECT_EQ(ConnectionGate::Listen({.address = "127.0.0.1", .port = port_}).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ConnectionGate::Listen({.address = "localhost.example", .port = 0}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace espalier
