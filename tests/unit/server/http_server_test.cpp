// The server on real sockets: many at a time, slow ones, and ones that stop half-way.
#include "renderfm/server/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "renderfm/core/check.h"
#include "unit/server/memory_transport.h"

namespace renderfm::server {
namespace {

class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool send(const std::string& text) const {
    return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  std::string answer() const {
    std::string text;
    char piece[4096];
    for (ssize_t count = 0; (count = ::recv(socket_, piece, sizeof(piece), 0)) > 0;) {
      text.append(piece, static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  int socket_;
};

Response echo(const Request& request, Body& body) {
  Response response;
  response.body = request.path + " " + body.read_all(1 << 20);
  return response;
}

ServerLimits limits() {
  ServerLimits limits;
  limits.threads = 4;
  limits.head_s = 0.4;
  limits.idle_s = 0.4;
  return limits;
}

TEST(HttpServer, AnswersManyAtATime) {
  const HttpServer server("127.0.0.1", 0, limits(), echo);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int n = 0; n < 8; ++n) {
    threads.emplace_back([&, n] {
      for (int k = 0; k < 5; ++k) {
        const Client client(server.port());
        const std::string body(static_cast<std::size_t>(1000 * n + k), 'b');
        client.send("POST /a HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        right += test::body_of(client.answer()) == "/a " + body ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

TEST(HttpServer, SlowHeadsAndSilentOnesDoNotKeepOthersOut) {
  const HttpServer server("127.0.0.1", 0, limits(), echo);
  std::vector<std::unique_ptr<Client>> slow;
  for (int n = 0; n < 4; ++n) slow.push_back(std::make_unique<Client>(server.port()));
  std::atomic<bool> done{false};
  std::thread dripper([&] {
    while (!done) {
      for (const auto& client : slow) client->send("X");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const Client client(server.port());
  client.send("GET /quick HTTP/1.1\r\n\r\n");
  EXPECT_EQ(test::body_of(client.answer()), "/quick ");
  done = true;
  dripper.join();
  EXPECT_EQ(test::status_of(slow.front()->answer()), 408);
}

TEST(HttpServer, EndsABodyThatStopsComing) {
  const HttpServer server("127.0.0.1", 0, limits(), echo);
  const Client client(server.port());
  client.send("POST /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc");
  const std::string answer = client.answer();
  EXPECT_EQ(test::status_of(answer), 408);
  EXPECT_EQ(test::body_of(answer), R"({"error":"the connection is too slow"})");
}

TEST(HttpServer, ABodyThatDripsIsTooSlow) {
  const HttpServer server("127.0.0.1", 0, limits(), echo);
  const Client client(server.port());
  client.send("POST /a HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
  const auto start = std::chrono::steady_clock::now();
  while (client.send("x") && std::chrono::steady_clock::now() - start < std::chrono::milliseconds(900)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(test::status_of(client.answer()), 408);
}

TEST(HttpServer, TellsTheReasonBeforeItStopsAnUpload) {
  const Handler refuse = [](const Request&, Body&) -> Response { throw HttpError(413, "too large"); };
  const HttpServer server("127.0.0.1", 0, limits(), refuse);
  const Client client(server.port());
  client.send("POST /a HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + std::string(300000, 'x'));
  EXPECT_EQ(test::body_of(client.answer()), R"({"error":"too large"})");
}

TEST(HttpServer, StopsWhileConnectionsAreOpen) {
  std::vector<std::unique_ptr<Client>> clients;
  {
    ServerLimits patient = limits();
    patient.head_s = 60;
    const HttpServer server("127.0.0.1", 0, patient, echo);
    for (int n = 0; n < 6; ++n) clients.push_back(std::make_unique<Client>(server.port()));
    clients.front()->send("GET /");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  for (const auto& client : clients) client->answer();  // ends
}

TEST(HttpServer, SaysWhyItCannotListen) {
  const HttpServer first("127.0.0.1", 0, limits(), echo);
  try {
    const HttpServer second("127.0.0.1", first.port(), limits(), echo);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("cannot be listened on"), std::string::npos) << error.what();
  }
  EXPECT_THROW(HttpServer("nowhere.example", 0, limits(), echo), Error);
}

}  // namespace
}  // namespace renderfm::server
