// Requests as the server's page sends them, where fuzzing it starts. The first byte says in which pieces they
// come.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace renderfm::fuzz {

constexpr char kScanName = '@';        // stands for the name of a scan that is open
constexpr char kNextRequest = '\x1e';  // begins one more request to the same server

inline std::vector<std::vector<std::uint8_t>> server_seeds() {
  struct Order {
    const char *line, *body;
  };
  constexpr Order kOrders[] = {
      {"GET / ", ""},
      {"GET /app.js ", ""},
      {"HEAD /style.css ", ""},
      {"POST /api/scans?name=a%20b.nii.gz ", "the bytes of a scan"},
      {"GET /api/scans/@ ", ""},
      {"PUT /api/scans/@/labels?name=labels.nii ", "the bytes of labels"},
      {"POST /api/scans/@/jobs ", R"({"kind":"look","tf":"bone"})"},
      {"POST /api/scans/@/jobs ", R"({"kind":"tune","look":0,"views":3,"size":64,"steps":20,"samples":4})"},
      {"DELETE /api/scans/@/jobs ", ""},
      {"GET /scans/@/pages/look1 ", ""},
      {"GET /scans/@/looks/0/ply ", ""},
      {"DELETE /api/scans/@ ", ""},
  };
  std::vector<std::vector<std::uint8_t>> seeds;
  std::string visit(1, '\xff');
  for (const auto& [line, body] : kOrders) {
    const std::string content = body;
    std::string text = line;
    text +=
        "HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\nAccept: */*\r\n"
        "X-RenderFM-Token: x\r\nContent-Length: ";
    text += std::to_string(content.size()) + "\r\n\r\n" + content;
    seeds.emplace_back(1, '\xff');
    seeds.back().insert(seeds.back().end(), text.begin(), text.end());
    visit += text + kNextRequest;
  }
  seeds.emplace_back(visit.begin(), visit.end());
  return seeds;
}

}  // namespace renderfm::fuzz
