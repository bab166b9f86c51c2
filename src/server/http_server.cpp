#include "renderfm/server/http_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "renderfm/core/check.h"

namespace renderfm::server {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class SocketTransport final : public Transport {
 public:
  SocketTransport(int socket, const ServerLimits& limits) : socket_(socket), limits_(limits) {
    ::fcntl(socket_, F_SETFL, O_NONBLOCK);
  }

  std::size_t read(char* bytes, std::size_t size) override {
    while (true) {
      const ssize_t count = ::recv(socket_, bytes, size, 0);
      if (count >= 0) {
        moved_ += static_cast<double>(count);
        return static_cast<std::size_t>(count);
      }
      wait(POLLIN);
    }
  }

  void write(std::string_view bytes) override {
    if (!writing_) {
      writing_ = true;
      restart();
    }
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count >= 0) {
        moved_ += static_cast<double>(count);
        bytes.remove_prefix(static_cast<std::size_t>(count));
      } else {
        wait(POLLOUT);
      }
    }
  }

  void expect_body() override {
    body_ = true;
    restart();
  }

  /// Lets the other end read the answer before the connection is reset under bytes that nobody took.
  void finish() {
    ::shutdown(socket_, SHUT_WR);
    constexpr double kLinger_s = 1.0;
    std::array<char, 65536> piece;
    for (const Clock::time_point start = Clock::now(); seconds_since(start) < kLinger_s;) {
      pollfd event{socket_, POLLIN, 0};
      if (::poll(&event, 1, 100) < 0) return;
      if (event.revents != 0 && ::recv(socket_, piece.data(), piece.size(), 0) <= 0) return;
    }
  }

 private:
  void restart() {
    start_ = Clock::now();
    moved_ = 0;
  }

  /// Until the socket is ready, or the other end was too slow.
  void wait(short events) {
    if (errno == EINTR) return;
    if (errno != EAGAIN && errno != EWOULDBLOCK) throw HttpError(400, "the connection was closed");
    double left_s = limits_.idle_s;
    const double elapsed_s = seconds_since(start_);
    if (!body_ && !writing_) {
      left_s = limits_.head_s - elapsed_s;
    } else if (elapsed_s > limits_.idle_s &&
               moved_ < limits_.least_bytes_per_s * (elapsed_s - limits_.idle_s)) {
      left_s = 0;
    }
    pollfd event{socket_, events, 0};
    const int ready = left_s > 0 ? ::poll(&event, 1, static_cast<int>(1000 * left_s) + 1) : 0;
    if (ready == 0) throw HttpError(408, "the connection is too slow");
  }

  int socket_;
  const ServerLimits& limits_;
  bool body_ = false, writing_ = false;
  Clock::time_point start_ = Clock::now();
  double moved_ = 0;
};

}  // namespace

HttpServer::HttpServer(const std::string& address, int port, ServerLimits limits, Handler handler)
    : limits_(limits), handler_(std::move(handler)) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    fail_input("'{}' is no address to listen on; give a literal one such as 127.0.0.1 or 0.0.0.0", address);
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  listener_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  constexpr int kBacklog = 64;
  if (listener_ < 0 || ::bind(listener_, found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(listener_, kBacklog) != 0) {
    const std::string why = std::strerror(errno);
    if (listener_ >= 0) ::close(listener_);
    fail_input("port {} of {} cannot be listened on: {}; port 0 takes any free one", port, address, why);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
  port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                            : reinterpret_cast<sockaddr_in&>(bound).sin_port);
  for (int n = 0; n < limits_.threads; ++n) threads_.emplace_back([this] { serve_connections(); });
  threads_.emplace_back([this] { accept_connections(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
    for (const int socket : waiting_) ::close(socket);
    waiting_.clear();
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

void HttpServer::accept_connections() {
  constexpr int kLook_ms = 100;
  while (!stopping_) {
    pollfd event{listener_, POLLIN, 0};
    if (::poll(&event, 1, kLook_ms) <= 0) continue;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      if (errno == EMFILE || errno == ENFILE)
        std::this_thread::sleep_for(std::chrono::milliseconds(kLook_ms));
      continue;
    }
    std::unique_lock lock(mutex_);
    if (waiting_.size() < limits_.waiting && !stopping_) {
      waiting_.push_back(socket);
      lock.unlock();
      wake_.notify_one();
      continue;
    }
    lock.unlock();
    const Response response = error_response(503, "too many connections at a time; try again in a moment");
    const std::string text = head_text(response, response.body.size()) + response.body;
    (void)!::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(socket);
  }
}

void HttpServer::serve_connections() {
  while (true) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const int socket = waiting_.front();
    waiting_.pop_front();
    open_.push_back(socket);
    lock.unlock();
    {
      SocketTransport transport(socket, limits_);
      serve_connection(transport, handler_);
      if (!stopping_) transport.finish();
    }
    lock.lock();
    open_.erase(std::find(open_.begin(), open_.end(), socket));
    lock.unlock();
    ::close(socket);
  }
}

}  // namespace renderfm::server
