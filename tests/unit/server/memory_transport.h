// A connection whose bytes are known beforehand.
#pragma once

#include <algorithm>
#include <string>

#include "renderfm/server/http_server.h"

namespace renderfm::server::test {

class MemoryTransport final : public Transport {
 public:
  /// `piece`: bytes that arrive at a time.
  explicit MemoryTransport(std::string bytes, std::size_t piece = 4096)
      : bytes_(std::move(bytes)), piece_(piece) {}

  std::size_t read(char* bytes, std::size_t size) override {
    const std::size_t count = std::min({size, piece_, bytes_.size() - at_});
    std::copy_n(bytes_.data() + at_, count, bytes);
    at_ += count;
    return count;
  }
  void write(std::string_view bytes) override { answer_ += bytes; }

  const std::string& answer() const { return answer_; }

 private:
  std::string bytes_, answer_;
  std::size_t piece_, at_ = 0;
};

/// The answer to `request`, head and body.
inline std::string answer_to(const std::string& request, const Handler& handler, std::size_t piece = 4096) {
  MemoryTransport transport(request, piece);
  serve_connection(transport, handler);
  return transport.answer();
}

inline int status_of(const std::string& answer) {
  return answer.rfind("HTTP/1.1 ", 0) == 0 ? std::stoi(answer.substr(9, 3)) : 0;
}

inline std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

}  // namespace renderfm::server::test
