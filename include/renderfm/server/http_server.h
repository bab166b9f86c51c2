// A small HTTP server: one request a connection, bounded in size, time and number, bodies handed on as they
// come.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "renderfm/server/http_message.h"

namespace renderfm::server {

/// Where a connection's bytes come from and go to. Throws HttpError 408 where the other end is too slow, and
/// HttpError 400 where it is gone.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Up to `size` bytes, at least one; 0 at the end.
  virtual std::size_t read(char* bytes, std::size_t size) = 0;
  virtual void write(std::string_view bytes) = 0;
  /// From now on bytes must come at a fair rate, instead of all within a fixed time.
  virtual void expect_body() {}
};

/// A request's body: exactly the stated number of bytes.
class Body {
 public:
  Body(Transport& transport, std::string first_bytes, std::uint64_t size);
  std::uint64_t size() const { return size_; }
  /// Up to `size` bytes; 0 at the end. Throws HttpError 400 where the body stops short.
  std::size_t read(char* bytes, std::size_t size);
  /// All of it; throws HttpError 413 where it is more than `limit` bytes.
  std::string read_all(std::size_t limit);

 private:
  Transport& transport_;
  std::string first_bytes_;
  std::size_t first_taken_ = 0;
  std::uint64_t size_, taken_ = 0;
};

/// What is answered; throwing HttpError answers with its status and sentence. Called from several threads.
using Handler = std::function<Response(const Request& request, Body& body)>;

/// Reads one request, answers it. Never throws.
void serve_connection(Transport& transport, const Handler& handler) noexcept;

struct ServerLimits {
  int threads = 24;                 ///< connections served at a time
  std::size_t waiting = 64;         ///< more are turned away at once
  double head_s = 10;               ///< for a request's head, altogether
  double idle_s = 20;               ///< without a byte
  double least_bytes_per_s = 8192;  ///< of a body, on average after `idle_s`
};

class HttpServer {
 public:
  /// Listens at once, on a literal address; port 0 takes any free one. Throws kBadInput where it cannot.
  HttpServer(const std::string& address, int port, ServerLimits limits, Handler handler);
  /// Stops, closing what is open.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }

 private:
  void accept_connections();
  void serve_connections();

  ServerLimits limits_;
  Handler handler_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<int> waiting_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
};

}  // namespace renderfm::server
